"""Change records, as a stream keeps them and as GetRecords shows them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from globule.dynamodb.model import Item, StreamView
from globule.dynamodb.rules.sizes import item_size_bytes

# AWS's sequence numbers have 21 digits or more and no leading zeros; all of one length, they sort as text too.
_FIRST_SEQUENCE = 10**20


class KeptChange(msgspec.Struct, frozen=True, array_like=True):
    """One change of one item, as it lies in the store. Only the images that the stream's view shows are kept."""

    at_s: int
    event: str
    """`INSERT`, `MODIFY` or `REMOVE`."""
    keys: Item
    size_bytes: int
    old: bytes | None
    new: bytes | None
    identity: tuple[str, str] | None
    """Type and principal of whoever wrote, where it was not a caller of the API."""


def kept_change(
    *,
    view: StreamView,
    at_s: float,
    keys: Item,
    old: bytes | None,
    new: bytes | None,
    sizes_bytes: int,
    identity: tuple[str, str] | None,
) -> KeptChange:
    """`old` and `new` are the item's JSON before and after, None where there was or is none; `sizes_bytes` is the size
    of the images that the view shows."""
    return KeptChange(
        int(at_s),
        "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        keys,
        item_size_bytes(keys) + sizes_bytes,
        old if shows_old(view) else None,
        new if shows_new(view) else None,
        identity,
    )


def shows_old(view: StreamView) -> bool:
    return view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")


def shows_new(view: StreamView) -> bool:
    return view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")


def sequence_text(sequence: int) -> str:
    return str(_FIRST_SEQUENCE + sequence)


def parse_sequence(text: str) -> int | None:
    """None where the text was not made by `sequence_text`."""
    if not text.isascii() or not text.isdecimal() or len(text) > 40:
        return None
    sequence = int(text) - _FIRST_SEQUENCE
    return sequence if sequence >= 0 else None


def shown_change(kept: KeptChange, *, arn: str, region: str, view: StreamView, sequence: int) -> dict[str, Any]:
    """The record as the API shows it. Times are whole seconds."""
    number = sequence_text(sequence)
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": kept.at_s,
        "Keys": kept.keys,
        "SequenceNumber": number,
        "SizeBytes": kept.size_bytes,
        "StreamViewType": view,
    }
    if kept.new is not None:
        change["NewImage"] = msgspec.json.decode(kept.new)
    if kept.old is not None:
        change["OldImage"] = msgspec.json.decode(kept.old)
    record: dict[str, Any] = {
        "eventID": hashlib.md5(f"{arn} {number}".encode(), usedforsecurity=False).hexdigest(),
        "eventName": kept.event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
    }
    if kept.identity is not None:
        record["userIdentity"] = {"Type": kept.identity[0], "PrincipalId": kept.identity[1]}
    return record
