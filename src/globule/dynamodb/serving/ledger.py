"""The ledger: each write that last-writer-wins discarded here, with what stayed instead.

AWS tells nobody about them. An entry is written in the transaction that settles the conflict, so none is missing
after a crash; the oldest go when there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.conflict import Version
from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.spaces import COUNTERS, DISCARDED, numbered, sequence_of, space
from globule.storage.store import ReadTransaction, WriteTransaction

# Enough for a game day; with the largest items a tenth of a full ledger's entries fit its bytes.
LEDGER_LIMIT_ENTRIES = 10_000
LEDGER_LIMIT_BYTES = 64 * 1024 * 1024

# The number of the ledger's own counters; tables begin with 1.
_LEDGER = 0


class Side(msgspec.Struct, frozen=True):
    """One of the two writes. Without an image it was a delete."""

    stamp: int
    region: str
    image: Item | None


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """A write that was discarded, and the one that was kept."""

    table: str
    key: Item
    at: float
    """When this region settled the conflict."""
    lost: Side
    kept: Side


def side(version: Version, raw: bytes | None) -> Side:
    return Side(version.stamp, version.region, None if raw is None else msgspec.json.decode(raw))


def enter(transaction: WriteTransaction, entry: Discarded) -> None:
    """Add an entry, and drop the oldest beyond the limits."""
    counters = read_counters(transaction, _LEDGER)
    data = msgspec.json.encode(entry)
    counters.sequence += 1
    counters.items += 1
    counters.size_bytes += len(data)
    transaction.put(numbered(DISCARDED, _LEDGER, counters.sequence), data)
    if counters.items > LEDGER_LIMIT_ENTRIES or counters.size_bytes > LEDGER_LIMIT_BYTES:
        surplus: list[bytes] = []
        for key, old in transaction.scan(space(DISCARDED, _LEDGER), end_of(space(DISCARDED, _LEDGER))):
            if counters.items <= LEDGER_LIMIT_ENTRIES and counters.size_bytes <= LEDGER_LIMIT_BYTES:
                break
            surplus.append(key)
            counters.items -= 1
            counters.size_bytes -= len(old)
        for key in surplus:
            transaction.delete(key)
    transaction.put(space(COUNTERS, _LEDGER), counters.encode())


def entries(transaction: ReadTransaction, *, table: str | None = None) -> Iterator[tuple[int, Discarded]]:
    """Number and entry, the newest first."""
    begin = space(DISCARDED, _LEDGER)
    for key, data in transaction.scan(begin, end_of(begin), backward=True):
        entry = msgspec.json.decode(data, type=Discarded)
        if table is None or entry.table == table:
            yield sequence_of(key), entry


def count(transaction: ReadTransaction) -> tuple[int, int]:
    """How many entries are kept, and how many there have ever been."""
    counters = read_counters(transaction, _LEDGER)
    return counters.items, counters.sequence
