"""What a table counts: its items, their size, its sequence of changes, and its place in hybrid time.

One small value a table, written with each change in the same transaction, so it is exact after every crash.
"""

from __future__ import annotations

import struct

from globule.dynamodb.serving.spaces import COUNTERS, space
from globule.storage.store import ReadTransaction

_layout = struct.Struct(">QQQQQ")


class Counters:
    """The counters of one table or index."""

    __slots__ = ("forgotten", "items", "sequence", "size_bytes", "stamp")

    def __init__(self, items: int, size_bytes: int, sequence: int, stamp: int, forgotten: int) -> None:
        self.items = items
        self.size_bytes = size_bytes
        self.sequence = sequence
        """Of the last change: numbers stream records and the replication log, and never goes back."""
        self.stamp = stamp
        """The latest hybrid time that was given or seen here."""
        self.forgotten = forgotten
        """Up to which stamp tombstones have been forgotten."""

    def encode(self) -> bytes:
        return _layout.pack(self.items, self.size_bytes, self.sequence, self.stamp, self.forgotten)


def read_counters(transaction: ReadTransaction, number: int) -> Counters:
    data = transaction.get(space(COUNTERS, number))
    return Counters(0, 0, 0, 0, 0) if data is None else Counters(*_layout.unpack(data))
