"""The port to the other regions, and what each of them has been told and has told us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.spaces import LOG, PEER, numbered, space
from globule.storage.store import ReadTransaction, WriteTransaction


class Peers(Protocol):
    """The other regions, over the shaped network. `run` implements it."""

    async def call(self, region: str, message: bytes) -> bytes:
        """Deliver to that region's `Tables.receive` and return its answer. Raises OSError or TimeoutError where it
        cannot be reached."""


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Where this replica of a table and another one are with each other."""

    told: int = 0
    """The other one has applied our log up to this sequence."""
    told_stamp: int = 0
    """The stamp of that write of ours."""
    heard: int = 0
    """We have applied every write of the other one up to this stamp."""


_decode = msgspec.msgpack.Decoder(Standing).decode


def read_standing(transaction: ReadTransaction, table: int, region: str) -> Standing:
    data = transaction.get(space(PEER, table) + region.encode())
    return Standing() if data is None else _decode(data)


def write_standing(transaction: WriteTransaction, table: int, region: str, standing: Standing) -> None:
    transaction.put(space(PEER, table) + region.encode(), msgspec.msgpack.encode(standing))


def forget_standing(transaction: WriteTransaction, table: int, region: str) -> None:
    transaction.delete(space(PEER, table) + region.encode())


def trim_log(transaction: WriteTransaction, table: int, regions: Iterable[str], *, limit: int) -> bool:
    """Drop what all of the regions have been told. Says whether there is more to drop."""
    told = min((read_standing(transaction, table, region).told for region in regions), default=None)
    begin = space(LOG, table)
    end = end_of(begin) if told is None else numbered(LOG, table, told + 1)
    keys: list[bytes] = []
    for key, _ in transaction.scan(begin, end):
        keys.append(key)
        if len(keys) == limit:
            break
    for key in keys:
        transaction.delete(key)
    return len(keys) == limit
