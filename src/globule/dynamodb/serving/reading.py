"""Reading items: by key, by query, by scan, in a table or in one of its indexes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from globule.dynamodb.model import AttributeValue, Item, SortCondition
from globule.dynamodb.rules.conflict import Version
from globule.dynamodb.rules.key_order import end_of, index_place, item_place, partition_hash, segment_range, sort_range
from globule.dynamodb.rules.records import record_begin, record_size_bytes, record_version
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.spaces import ITEMS, TOMBSTONES, space
from globule.storage.store import ReadTransaction

_decode = msgspec.json.Decoder(Item).decode


class Stored:
    """An item as it lies in the store."""

    __slots__ = ("_record",)

    def __init__(self, record: bytes) -> None:
        self._record = record

    def __repr__(self) -> str:
        return f"<Stored {self.size_bytes} bytes, {self.version.region}>"

    @property
    def raw(self) -> bytes:
        """The item's JSON, ready to be spliced into an answer."""
        return self._record[record_begin(self._record) :]

    @property
    def size_bytes(self) -> int:
        """By DynamoDB's arithmetic (`rules.sizes.item_size_bytes`); what capacity units and the 1 MB page count."""
        return record_size_bytes(self._record)

    @property
    def version(self) -> Version:
        """Who wrote it, and when."""
        return record_version(self._record)

    def item(self) -> Item:
        """Decoded, a new one each time."""
        return _decode(self.raw)


class Reader:
    """Reads one consistent view. Where `index` is None the table itself is read, else the index of that name,
    whose entries hold the projected attributes."""

    def __init__(self, transaction: ReadTransaction) -> None:
        self._transaction = transaction

    def get(self, table: TableRecord, key: Item) -> Stored | None:
        """`key` holds at least the table's key attributes."""
        record = self._transaction.get(space(ITEMS, table.number) + item_place(table.spec.keys, key))
        return None if record is None else Stored(record)

    def version(self, table: TableRecord, key: Item) -> Version | None:
        """Of the item, or of the delete that a global table remembers in its place."""
        place = item_place(table.spec.keys, key)
        record = self._transaction.get(space(ITEMS, table.number) + place)
        if record is None:
            record = self._transaction.get(space(TOMBSTONES, table.number) + place)
        return None if record is None else record_version(record)

    def query(
        self,
        table: TableRecord,
        partition: tuple[AttributeValue, ...],
        sort: tuple[SortCondition, ...] = (),
        *,
        index: str | None = None,
        forward: bool = True,
        after: Item | None = None,
    ) -> Iterator[Stored]:
        """The items of one partition in the order of the sort key. `sort` has one condition for each of the first
        sort key attributes, all but the last of them `=`. `after` is an ExclusiveStartKey: the table's key
        attributes, and the index's."""
        prefix = space(ITEMS, _key_space(table, index)) + partition_hash(partition)
        low, high = sort_range(sort)
        start, end = prefix + low, end_of(prefix) if high is None else prefix + high
        if after is not None:
            last = _start_key(table, index, after)
            if forward:
                start = max(start, last + b"\x00")
            else:
                end = min(end, last)
        return self._stored(start, end, forward)

    def scan(
        self,
        table: TableRecord,
        *,
        index: str | None = None,
        segment: int = 0,
        total_segments: int = 1,
        after: Item | None = None,
    ) -> Iterator[Stored]:
        """All items, or those of one parallel segment, in an order that is stable and has no meaning."""
        prefix = space(ITEMS, _key_space(table, index))
        low, high = segment_range(segment, total_segments)
        start, end = prefix + low, end_of(prefix) if high is None else prefix + high
        if after is not None:
            start = max(start, _start_key(table, index, after) + b"\x00")
        return self._stored(start, end, True)

    def _stored(self, start: bytes, end: bytes, forward: bool) -> Iterator[Stored]:
        if start < end:
            for _, record in self._transaction.scan(start, end, backward=not forward):
                yield Stored(record)


def _key_space(table: TableRecord, index: str | None) -> int:
    return table.number if index is None else table.index_record(index).number


def _start_key(table: TableRecord, index: str | None, after: Item) -> bytes:
    """Where the item or entry of an ExclusiveStartKey lies."""
    place = item_place(table.spec.keys, after)
    if index is None:
        return space(ITEMS, table.number) + place
    definition = table.spec.index(index)
    assert definition is not None
    entry = index_place(definition.keys, after, place)
    assert entry is not None
    return space(ITEMS, table.index_record(index).number) + entry
