"""Keys that are longer than the engine's limit, without losing their order.

LMDB keeps keys of at most 511 bytes. A longer key is kept under its first 511 bytes, in a bucket: one value that
holds all pairs which share them, in order. A key of exactly 511 bytes goes into a bucket too, so a stored key of
that length is always a bucket. Buckets are rewritten whole; they are for the rare key, not for the common one.
"""

from __future__ import annotations

import bisect

import msgspec

DIRECT_LIMIT_BYTES = 510
BUCKET_KEY_BYTES = 511


class Bucket(msgspec.Struct, array_like=True):
    """The tails of the keys that share their first 511 bytes, in order, and their values."""

    tails: list[bytes]
    values: list[bytes]

    def find(self, tail: bytes) -> int | None:
        position = bisect.bisect_left(self.tails, tail)
        return position if position < len(self.tails) and self.tails[position] == tail else None

    def get(self, tail: bytes) -> bytes | None:
        position = self.find(tail)
        return None if position is None else self.values[position]

    def put(self, tail: bytes, value: bytes) -> bytes | None:
        """Returns the value that was there."""
        position = bisect.bisect_left(self.tails, tail)
        if position < len(self.tails) and self.tails[position] == tail:
            old = self.values[position]
            self.values[position] = value
            return old
        self.tails.insert(position, tail)
        self.values.insert(position, value)
        return None

    def delete(self, tail: bytes) -> bytes | None:
        position = self.find(tail)
        if position is None:
            return None
        del self.tails[position]
        return self.values.pop(position)


_decoder = msgspec.msgpack.Decoder(Bucket)


def decode_bucket(data: bytes | None) -> Bucket:
    """None is an empty bucket."""
    return Bucket([], []) if data is None else _decoder.decode(data)


def encode_bucket(bucket: Bucket) -> bytes:
    return msgspec.msgpack.encode(bucket)
