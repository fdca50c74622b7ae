"""What the regions of a global table say to each other: MessagePack, tagged, with a version in front.

A message either is about one global table, named by its group, or it is refused. Every message may be delivered twice
and in any order with others.
"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.dynamodb.model import TableSpec

VERSION = 1


class MessageProblem(Exception):
    """What arrived is no message that we know."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One write, as it stands: the item's record, or its tombstone."""

    place: bytes
    record: bytes
    deleted: bool


class Batch(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Writes of the origin, each the newest of its item. Answered by Applied, Unknown or Refused."""

    group: str
    origin: str
    entries: list[Entry]
    passed: int
    """Once this batch is applied, every write of the origin up to this stamp has been."""


class Applied(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    at: float
    """When the batch was durable and visible, by the clock of its destination."""


class Join(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Make a replica. Answered by Done or NameTaken."""

    group: str
    spec: TableSpec
    origin: str
    members: list[str]
    """The regions that the new replica tells of its writes."""


class Welcome(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Tell a new replica of your writes too, from those on that the origin has not been told. Answered by
    Welcomed or Unknown."""

    group: str
    origin: str
    region: str


class Ready(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """That replica, which may be yourself, has a copy of everything now. Answered by Done or Unknown."""

    group: str
    region: str
    forgotten: int
    """The new replica has had every write up to this stamp, also those that are forgotten."""
    stamp: int
    """Nobody has forgotten anything later than this: the new replica's writes have to be later."""


class Leave(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Delete your replica. Answered by Done or Protected."""

    group: str


class Forget(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """That replica is gone. Answered by Done."""

    group: str
    region: str


class Settle(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The settings that replicas keep in step, unless you have later ones. Answered by Done or Unknown."""

    group: str
    spec: TableSpec
    settled: tuple[int, str]


class Digest(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What do you have from one place to another? Answered by Digested or Unknown."""

    group: str
    start: bytes
    end: bytes | None
    listed: bool
    """Whether to list every item, or to tell only the hash of all."""


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """One item of a range."""

    place: bytes
    stamp: int
    region: str
    fingerprint: bytes
    """Of its JSON."""
    key: bytes
    """JSON of its key."""


class Digested(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    fingerprint: bytes
    """Of all items of the range, with who wrote them and when."""
    items: int
    listed: list[Listed]
    heard: dict[str, int]
    """For each other region, up to which stamp all of its writes have been applied here."""


class Done(msgspec.Struct, frozen=True, tag=True):
    pass


class Welcomed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    forgotten: int
    """Up to which stamp this replica has forgotten deletes; it forgets no more until it hears of the new one."""


class NameTaken(msgspec.Struct, frozen=True, tag=True):
    """There is another table of that name."""


class Protected(msgspec.Struct, frozen=True, tag=True):
    """The table may not be deleted."""


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """That global table has no replica here, or not yet."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Not now, such as for a full disk. Say it again later."""

    why: str


Message = Batch | Join | Welcome | Ready | Leave | Forget | Settle | Digest
Answer = Applied | Done | Welcomed | NameTaken | Protected | Unknown | Refused | Digested

_encoder = msgspec.msgpack.Encoder()
_messages = msgspec.msgpack.Decoder(Message)
_answers = msgspec.msgpack.Decoder(Answer)


def encode(message: Message | Answer) -> bytes:
    return bytes((VERSION,)) + _encoder.encode(message)


def decode_message(data: bytes) -> Message:
    """Raises MessageProblem."""
    message: Message = _decode(_messages, data)
    return message


def decode_answer(data: bytes) -> Answer:
    """Raises MessageProblem."""
    answer: Answer = _decode(_answers, data)
    return answer


def _decode(decoder: Any, data: bytes) -> Any:
    if data[:1] != bytes((VERSION,)):
        raise MessageProblem(f"a message of version {data[0] if data else None}, not {VERSION}")
    try:
        return decoder.decode(memoryview(data)[1:])
    except msgspec.MsgspecError as problem:
        raise MessageProblem(str(problem)) from problem
