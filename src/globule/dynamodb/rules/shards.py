"""Shards of a stream and iterators over them: where reading begins, where it ends, what is too old.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing. A stream here has
one open shard at a time. It is closed after four hours, as AWS's usually are, and its child goes on where it ended,
so a reader that does not follow shards to their children is found out here and not in production.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

# Records are trimmed at this age, and a disabled stream with them.
RETENTION_S = 24 * 3600.0
SHARD_LIFE_S = 4 * 3600.0
ITERATOR_LIFE_S = 15 * 60.0


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a stream: the changes after `after`, up to and with `last`."""

    name: str
    after: int
    last: int | None
    """None while it is open."""
    parent: str | None


class Iterator(msgspec.Struct, frozen=True, array_like=True):
    """A place in a shard: the changes after `after` come next."""

    stream: str
    """The stream's ARN."""
    shard: str
    after: int
    made_at: float


def shard_name(number: int, opened_at: float) -> str:
    """In AWS's form: a time in milliseconds, and eight hexadecimal digits."""
    return f"shardId-{int(opened_at * 1000):020d}-{number & 0xFFFFFFFF:08x}"


def encode_iterator(iterator: Iterator) -> str:
    data = base64.urlsafe_b64encode(msgspec.msgpack.encode(iterator)).decode()
    return f"{iterator.stream}|1|{data}"


def decode_iterator(text: str) -> Iterator | None:
    """None where the text was not made by `encode_iterator`."""
    stream, _, data = text.partition("|1|")
    try:
        iterator = msgspec.msgpack.decode(base64.urlsafe_b64decode(data), type=Iterator)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return None
    return iterator if iterator.stream == stream and iterator.after >= 0 else None


def iterator_expired(iterator: Iterator, now_s: float) -> bool:
    return now_s - iterator.made_at > ITERATOR_LIFE_S


def children(shards: list[Shard], parent: str) -> list[Shard]:
    return [shard for shard in shards if shard.parent == parent]
