"""Copies of all items of a table, as they are or as they were: what backups keep, and what restored tables begin with.

A snapshot is a key space of items like a table's own. To go back to a time, the history says of every place that has
changed since what stood there (its first change after the time does), and all other places are as they are now:

    history after the time -> snapshot, and the place is settled
    items                  -> snapshot, where the place is not settled
    history of meanwhile   -> snapshot, where the place is not settled

Everything goes a piece at a time beside the writes, and may be begun again after a crash. A copy of the present is
not one instant's: "the skew between updates in a backup is usually much less than a second", AWS says of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.filling import piece
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.spaces import HISTORY, ITEMS, PREFIX_BYTES, SETTLED, numbered, sequence_of, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import Store, WriteTransaction


class Change(NamedTuple):
    """What a table's history says of one write."""

    at_s: float
    place: bytes
    old: bytes | None
    """The record that it replaced."""


_decode = msgspec.msgpack.Decoder(Change).decode


async def take_snapshot(store: Store, source: int, snapshot: int, *, at_s: float | None = None) -> None:
    """Copy the items of a table to a key space: as they are, or as they were."""
    if at_s is None:
        await _copy(store, source, snapshot)
        return
    last = await _go_back(store, source, snapshot, at_s, after=0)
    await _copy(store, source, snapshot)
    await _go_back(store, source, snapshot, at_s, after=last)


async def fill_from(store: Store, surroundings: Surroundings, table: TableRecord, snapshot: int) -> None:
    """The items of a snapshot become a table's. Raises TableNotFound where it is deleted meanwhile."""
    prefix = space(ITEMS, snapshot)
    start = prefix

    def enter(transaction: WriteTransaction) -> None:
        writer = Writer(transaction, surroundings)
        for key, record in pairs:
            writer.apply(table, key[PREFIX_BYTES:], record, deleted=False)
        writer.finish()

    while pairs := piece(store.read(), start, end_of(prefix)):
        await store.write(enter)
        start = pairs[-1][0] + b"\x00"


async def _copy(store: Store, source: int, snapshot: int) -> None:
    prefix = space(ITEMS, source)
    to, settled = space(ITEMS, snapshot), space(SETTLED, snapshot)
    start = prefix

    def copy(transaction: WriteTransaction) -> None:
        for key, _ in pairs:
            place = key[PREFIX_BYTES:]
            record = transaction.get(key)
            if record is not None and transaction.get(settled + place) is None:
                transaction.put(to + place, record)

    while pairs := piece(store.read(), start, end_of(prefix)):
        await store.write(copy)
        start = pairs[-1][0] + b"\x00"


async def _go_back(store: Store, source: int, snapshot: int, at_s: float, *, after: int) -> int:
    """Settle what has changed since a time, by the history after a sequence. Returns the last sequence seen."""
    end = end_of(space(HISTORY, source))
    to, settled = space(ITEMS, snapshot), space(SETTLED, snapshot)

    def settle(transaction: WriteTransaction) -> None:
        for _, data in pairs:
            change = _decode(data)
            if change.at_s <= at_s or transaction.get(settled + change.place) is not None:
                continue
            transaction.put(settled + change.place, b"")
            if change.old is None:
                transaction.delete(to + change.place)
            else:
                transaction.put(to + change.place, change.old)

    while pairs := piece(store.read(), numbered(HISTORY, source, after + 1), end):
        await store.write(settle)
        after = sequence_of(pairs[-1][0])
    return after
