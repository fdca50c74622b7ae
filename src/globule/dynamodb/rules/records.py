"""An item as it lies in the store: who wrote it when, how large it is, and its JSON.

    2 bytes  where the JSON begins
    4 bytes  the item's size by DynamoDB's arithmetic
    8 bytes  stamp
    1 byte   length of the region's code, and the code
    then for each region that the writer had seen: length, code, 8 bytes of stamp

A tombstone is the same with the item's key for its JSON.
"""

from __future__ import annotations

import struct

from globule.dynamodb.rules.conflict import Seen, Version

_head = struct.Struct(">HIQB")
_stamp = struct.Struct(">Q")


def encode_record(version: Version, size_bytes: int, raw: bytes) -> bytes:
    region = version.region.encode()
    seen = b"".join(
        len(code).to_bytes(1, "big") + code.encode() + stamp.to_bytes(8, "big") for code, stamp in version.seen
    )
    begin = _head.size + len(region) + len(seen)
    return _head.pack(begin, size_bytes, version.stamp, len(region)) + region + seen + raw


def record_begin(record: bytes) -> int:
    """Where the JSON begins."""
    return record[0] << 8 | record[1]


def record_size_bytes(record: bytes) -> int:
    return int.from_bytes(record[2:6], "big")


def record_version(record: bytes) -> Version:
    begin, _, stamp, length = _head.unpack_from(record)
    position = _head.size + length
    region = record[_head.size : position].decode()
    if position == begin:
        return Version(stamp, region)
    seen: list[tuple[str, int]] = []
    while position < begin:
        end = position + 1 + record[position]
        (other,) = _stamp.unpack_from(record, end)
        seen.append((record[position + 1 : end].decode(), other))
        position = end + _stamp.size
    known: Seen = tuple(seen)
    return Version(stamp, region, known)
