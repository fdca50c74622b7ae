"""Writing items, with all that hangs on a write: index entries, expiry, stream record, replication log, counters.

All of it is one transaction of the store, so it is there together or not at all.
"""

from __future__ import annotations

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.conflict import Settlement, Version, settle, successor
from globule.dynamodb.rules.entries import expiry_s, projected
from globule.dynamodb.rules.key_order import index_place, item_place
from globule.dynamodb.rules.records import encode_record, record_begin, record_size_bytes, record_version
from globule.dynamodb.rules.sizes import item_size_bytes
from globule.dynamodb.rules.stream_records import kept_change, shows_new, shows_old
from globule.dynamodb.serving import ledger
from globule.dynamodb.serving.catalogue import IndexRecord, TableNotFound, TableRecord
from globule.dynamodb.serving.counters import Counters, read_counters
from globule.dynamodb.serving.reading import Reader, Stored
from globule.dynamodb.serving.spaces import (
    COUNTERS,
    EXPIRIES,
    HISTORY,
    ITEMS,
    LOG,
    STREAM,
    TOMBSTONES,
    numbered,
    space,
)
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import WriteTransaction

__all__ = ["Reader", "Stored", "UserIdentity", "Writer"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Item).decode


class UserIdentity(msgspec.Struct, frozen=True):
    """Who wrote, where it was not a caller of the API: `("Service", "dynamodb.amazonaws.com")` for time to live."""

    type: str
    principal_id: str


class Writer(Reader):
    """Reads the newest state, and writes. A write does nothing where the item stays what it was.

    One for each run of a closure; `finish` ends it.
    """

    _transaction: WriteTransaction

    def __init__(self, transaction: WriteTransaction, surroundings: Surroundings) -> None:
        super().__init__(transaction)
        self._surroundings = surroundings
        self._now = surroundings.clock.now()
        self._counters: dict[int, Counters] = {}

    def put(
        self,
        table: TableRecord,
        item: Item,
        *,
        size_bytes: int | None = None,
        identity: UserIdentity | None = None,
    ) -> Stored | None:
        """Replaces the whole item. Returns what was there before. The item is valid, its keys are present; pass its
        `size_bytes` where you know it."""
        table = self._writable(table)
        place = item_place(table.spec.keys, item)
        old = self._transaction.get(space(ITEMS, table.number) + place)
        raw = _encode(item)
        size = item_size_bytes(item) if size_bytes is None else size_bytes
        if old is not None and _same(old, raw, size):
            return Stored(old)
        version = self._next_version(table, place, old)
        self._replace(table, place, old, encode_record(version, size, raw), identity)
        self._log(table, place, version)
        return None if old is None else Stored(old)

    def delete(self, table: TableRecord, key: Item, *, identity: UserIdentity | None = None) -> Stored | None:
        """Returns what was there; None where there was nothing, which is no error."""
        table = self._writable(table)
        place = item_place(table.spec.keys, key)
        old = self._transaction.get(space(ITEMS, table.number) + place)
        if old is None:
            return None
        version = self._next_version(table, place, old)
        self._replace(table, place, old, None, identity)
        if table.global_table:
            raw = _encode(table.spec.keys.of(key))
            self._transaction.put(space(TOMBSTONES, table.number) + place, encode_record(version, 0, raw))
        self._log(table, place, version)
        return Stored(old)

    def apply(self, table: TableRecord, place: bytes, record: bytes, *, deleted: bool) -> Settlement:
        """A write that another region made: `record` is its item, or its tombstone where it `deleted` one."""
        table = self._surroundings.current(table.number)
        item_key = space(ITEMS, table.number) + place
        tombstone_key = space(TOMBSTONES, table.number) + place
        old = self._transaction.get(item_key)
        here = old if old is not None else self._transaction.get(tombstone_key)
        arriving = record_version(record)
        if here is None and arriving.stamp <= self.counters(table.number).forgotten:
            # It was here, was deleted, and that has been forgotten; its sender did not get our answer.
            return Settlement.KNOWN
        here_version = None if here is None else record_version(here)
        settlement, version = settle(here_version, arriving)
        self._surroundings.time.observe(arriving.stamp)
        if settlement is Settlement.KNOWN:
            return settlement
        self._note_stamp(table)
        if settlement is not Settlement.FOLLOWS:
            assert here is not None
            assert here_version is not None
            one = ledger.side(arriving, None if deleted else _raw(record))
            other = ledger.side(here_version, None if old is None else _raw(old))
            lost, kept = (one, other) if settlement is Settlement.LOSES else (other, one)
            key = table.spec.keys.of(_decode(_raw(here)))
            ledger.enter(
                self._transaction, ledger.Discarded(table=table.name, key=key, at=self._now, lost=lost, kept=kept)
            )
        if settlement is Settlement.LOSES:
            assert here is not None
            known = encode_record(version, record_size_bytes(here), _raw(here))
            self._transaction.put(tombstone_key if old is None else item_key, known)
            return settlement
        after = encode_record(version, record_size_bytes(record), _raw(record))
        if deleted:
            if old is not None:
                self._replace(table, place, old, None, None)
            self._transaction.put(tombstone_key, after)
        elif old is not None and _same(old, _raw(after), record_size_bytes(after)):
            self._transaction.put(item_key, after)
        else:
            if old is None and here is not None:
                self._transaction.delete(tombstone_key)
            self._replace(table, place, old, after, None)
        return settlement

    def beat(self, table: TableRecord) -> None:
        """Move hybrid time on, and say so to the other replicas: an entry of the log that is no write."""
        table = self._surroundings.current(table.number)
        version = Version(self._surroundings.time.tick(), self._surroundings.region)
        self.counters(table.number).sequence += 1
        self._note_stamp(table)
        self._log(table, b"", version)

    def enter_index(self, table: TableRecord, index: IndexRecord, place: bytes, record: bytes) -> None:
        """Add the entry of an item to an index that is being filled; changes nothing where it is there."""
        self._change_entry(table, index, place, None, Stored(record).item(), record)

    def enter_expiry(self, table: TableRecord, place: bytes, record: bytes) -> None:
        """As `enter_index`, for time to live."""
        self._change_expiry(table, place, None, Stored(record).item())

    def counters(self, number: int) -> Counters:
        """Of a table or an index; written back by `finish`."""
        counters = self._counters.get(number)
        if counters is None:
            counters = self._counters[number] = read_counters(self._transaction, number)
        return counters

    def finish(self) -> None:
        for number, counters in self._counters.items():
            self._transaction.put(space(COUNTERS, number), counters.encode())

    # -- what hangs on a write

    def _writable(self, table: TableRecord) -> TableRecord:
        """The table as it stands. Raises TableNotFound, also for a replica that is still being copied: it may not know
        yet how late its writes have to be."""
        table = self._surroundings.current(table.number)
        if table.status == "CREATING":
            raise TableNotFound(table.name)
        return table

    def _next_version(self, table: TableRecord, place: bytes, old: bytes | None) -> Version:
        forgotten = 0
        if old is None and table.global_table:
            old = self._transaction.get(space(TOMBSTONES, table.number) + place)
            if old is None:
                forgotten = self.counters(table.number).forgotten
            else:
                self._transaction.delete(space(TOMBSTONES, table.number) + place)
        stamp = self._surroundings.time.tick()
        self._note_stamp(table)
        return successor(
            None if old is None else record_version(old),
            stamp=stamp,
            region=self._surroundings.region,
            forgotten=forgotten,
        )

    def _note_stamp(self, table: TableRecord) -> None:
        self.counters(table.number).stamp = self._surroundings.time.last

    def _log(self, table: TableRecord, place: bytes, version: Version) -> None:
        """Tell the other replicas."""
        if table.global_table:
            entry = msgspec.msgpack.encode((version.stamp, self._now, place))
            sequence = self.counters(table.number).sequence
            self._transaction.put(numbered(LOG, table.number, sequence), entry)

    def _replace(
        self, table: TableRecord, place: bytes, old: bytes | None, new: bytes | None, identity: UserIdentity | None
    ) -> None:
        """The item, its counters, index entries, expiry and stream record."""
        key = space(ITEMS, table.number) + place
        counters = self.counters(table.number)
        counters.sequence += 1
        if table.recoverable_since is not None:
            replaced = msgspec.msgpack.encode((self._now, place, old))
            self._transaction.put(numbered(HISTORY, table.number, counters.sequence), replaced)
        if old is not None:
            counters.items -= 1
            counters.size_bytes -= record_size_bytes(old)
        if new is None:
            self._transaction.delete(key)
        else:
            counters.items += 1
            counters.size_bytes += record_size_bytes(new)
            self._transaction.put(key, new)
        stream = table.stream
        attribute = table.spec.ttl_attribute
        if not table.indexes and attribute is None and stream is None:
            return
        old_item = None if old is None else _decode(_raw(old))
        new_item = None if new is None else _decode(_raw(new))
        for index in table.indexes:
            self._change_entry(table, index, place, old_item, new_item, new)
        if attribute is not None:
            self._change_expiry(table, place, old_item, new_item)
        if stream is not None:
            item = new_item if new_item is not None else old_item
            assert item is not None
            sizes = (0 if old is None or not shows_old(stream.view) else record_size_bytes(old)) + (
                0 if new is None or not shows_new(stream.view) else record_size_bytes(new)
            )
            change = kept_change(
                view=stream.view,
                at_s=self._now,
                keys=table.spec.keys.of(item),
                old=None if old is None else _raw(old),
                new=None if new is None else _raw(new),
                sizes_bytes=sizes,
                identity=None if identity is None else (identity.type, identity.principal_id),
            )
            self._transaction.put(numbered(STREAM, stream.number, counters.sequence), msgspec.msgpack.encode(change))

    def _change_entry(
        self,
        table: TableRecord,
        index: IndexRecord,
        place: bytes,
        old: Item | None,
        new: Item | None,
        record: bytes | None,
    ) -> None:
        """One index's entry; `record` is the new item's."""
        definition = table.spec.index(index.name)
        assert definition is not None
        prefix = space(ITEMS, index.number)
        old_place = None if old is None else index_place(definition.keys, old, place)
        new_place = None if new is None else index_place(definition.keys, new, place)
        counters = self.counters(index.number)
        if old_place is not None and old_place != new_place:
            gone = self._transaction.delete(prefix + old_place)
            if gone is not None:
                counters.items -= 1
                counters.size_bytes -= record_size_bytes(gone)
        if new_place is None:
            return
        assert new is not None
        assert record is not None
        if definition.projection.kind == "ALL":
            entry = record
        else:
            shown = projected(definition, table.spec.keys, new)
            entry = encode_record(record_version(record), item_size_bytes(shown), _encode(shown))
        before = self._transaction.put(prefix + new_place, entry)
        if before is None:
            counters.items += 1
        else:
            counters.size_bytes -= record_size_bytes(before)
        counters.size_bytes += record_size_bytes(entry)

    def _change_expiry(self, table: TableRecord, place: bytes, old: Item | None, new: Item | None) -> None:
        attribute = table.spec.ttl_attribute
        assert attribute is not None
        old_expiry = None if old is None else expiry_s(old, attribute)
        new_expiry = None if new is None else expiry_s(new, attribute)
        if old_expiry == new_expiry:
            return
        if old_expiry is not None:
            self._transaction.delete(numbered(EXPIRIES, table.number, old_expiry) + place)
        if new_expiry is not None:
            self._transaction.put(numbered(EXPIRIES, table.number, new_expiry) + place, b"")


def _raw(record: bytes) -> bytes:
    return record[record_begin(record) :]


def _same(record: bytes, raw: bytes, size_bytes: int) -> bool:
    """Whether the stored item equals the one with this JSON; the order of its attributes does not matter."""
    if record_size_bytes(record) != size_bytes:
        return False
    here = _raw(record)
    return here == raw or (len(here) == len(raw) and _decode(here) == _decode(raw))
