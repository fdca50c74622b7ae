"""What has become of each table in one region: the catalogue's records, kept in the store beside the items.

A record is changed durably first and then in memory, and every write looks at memory. So after a change some writes
that run before it is visible may still follow the old record; who must not miss them (a backfill, a purge) calls
`Store.write` once more with an empty change, which lands after all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import msgspec

from globule.dynamodb.model import StreamView, TableSpec
from globule.dynamodb.serving.spaces import NEXT_NUMBER, TABLE, space
from globule.storage.store import ReadTransaction, Store, WriteTransaction


class TableNotFound(Exception):
    """No table of that name here, or it is being deleted (then also from inside a write's closure)."""


class TableExists(Exception):
    """There is a table of that name here already."""


TableStatus = Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"]
ReplicaStatus = Literal["CREATING", "CREATION_FAILED", "UPDATING", "DELETING", "ACTIVE"]


class TableBusy(Exception):
    """The table is being created, updated or deleted (ResourceInUseException)."""


class TableProtected(Exception):
    """The table's deletion protection is on."""


class IndexRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A secondary index as it stands. Its definition is the spec's index of the same name."""

    name: str
    number: int
    """Names its key space; never used again."""
    status: Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"] = "ACTIVE"
    backfilling: bool = False


class ShardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a stream: the changes after `after`, up to the next shard's beginning."""

    name: str
    after: int
    """The sequence of the last change before it."""
    opened_at: float
    parent: str | None = None
    """The shard before it, also when that has been trimmed."""


class StreamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, from its enabling until 24 h after its disabling."""

    number: int
    label: str
    """ISO 8601 time of the enabling, the last part of the ARN."""
    arn: str
    view: StreamView
    enabled_at: float
    disabled_at: float | None = None
    last: int | None = None
    """The sequence that its last shard ends with, once it is disabled."""
    trimmed: int = 0
    """The changes up to this sequence are older than 24 hours, and gone."""
    shards: tuple[ShardRecord, ...]
    """The newest last; it is open while the stream is enabled."""


class ReplicaRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Another region's replica, as this region knows it."""

    region: str
    status: ReplicaStatus
    progress_percent: int | None = None
    """While CREATING: how much of the table has been copied."""
    seeded_by: str | None = None
    """The region that copied the table to it, or does so while it is CREATING."""
    added_at: float | None = None
    """When that was asked for."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """Where a table's first items came from."""

    table: str
    """ARN of the table that they were in."""
    backup: str | None = None
    """ARN; None where they are what the table was at a time."""
    at: float
    """That time, or when the backup was restored."""
    snapshot: int
    """The key space that has them, while the table is CREATING."""
    source: int | None = None
    """The number of the table, where its history has them."""


class Declared(msgspec.Struct, frozen=True):
    """A stack's wishes for a table in one region."""

    spec: TableSpec
    regions: tuple[str, ...]
    """Where the table's replicas are to be, this region among them; empty for a table of one region."""


class TableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One table of this region. Immutable; `Tables.find` gives the newest."""

    number: int
    """Names its key space; never used again."""
    table_id: str
    """A UUID, `TableId`."""
    arn: str
    spec: TableSpec
    status: TableStatus
    created_at: float
    stack: str | None = None
    """The stack that declares it; None for a table made by the API."""
    declared: Declared | None = None
    """What the stack last asked for; changes by the API come on top of it."""
    indexes: tuple[IndexRecord, ...] = ()
    expiries_filling: bool = False
    """Whether items from before time to live was enabled are still being looked at."""
    streams: tuple[StreamRecord, ...] = ()
    """The newest last; at most the last one is enabled."""
    replicas: tuple[ReplicaRecord, ...] = ()
    """The other regions of the global table; empty for a table of one region."""
    group: str | None = None
    """What the replicas of a global table have in common: the name by which they speak of it."""
    settled: tuple[int, str] = (0, "")
    """When and where the settings that replicas keep in step were last changed."""
    throughput_changed_at: float | None = None
    recoverable_since: float | None = None
    """From when on the table keeps its history, for point-in-time recovery."""
    restored: Restored | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    def index_record(self, name: str) -> IndexRecord:
        """Of an index that there is."""
        return next(index for index in self.indexes if index.name == name)

    @property
    def stream(self) -> StreamRecord | None:
        """The enabled stream."""
        return self.streams[-1] if self.streams and self.streams[-1].disabled_at is None else None

    @property
    def global_table(self) -> bool:
        return bool(self.replicas)


class Catalogue:
    """All records of one region."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._by_number: dict[int, TableRecord] = {}
        self._by_name: dict[str, TableRecord] = {}
        prefix = TABLE
        for _, data in store.read().scan(prefix, bytes((prefix[0] + 1,))):
            self._keep(msgspec.json.decode(data, type=TableRecord))

    def __repr__(self) -> str:
        return f"<Catalogue of {len(self._by_name)} tables>"

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def records(self) -> list[TableRecord]:
        return [self._by_name[name] for name in self.names()]

    def find(self, name: str) -> TableRecord:
        """Raises TableNotFound."""
        record = self._by_name.get(name)
        if record is None:
            raise TableNotFound(name)
        return record

    def current(self, number: int) -> TableRecord:
        """The newest record of a table that was found before. Raises TableNotFound."""
        record = self._by_number.get(number)
        if record is None:
            raise TableNotFound(number)
        return record

    def global_tables(self) -> list[TableRecord]:
        return [record for record in self._by_number.values() if record.replicas]

    def of_group(self, group: str) -> TableRecord | None:
        """This region's replica of a global table."""
        return next((record for record in self._by_number.values() if record.group == group), None)

    async def allocate(self, count: int) -> int:
        """The first of so many numbers that were never used before."""

        def allocate(transaction: WriteTransaction) -> int:
            first = int.from_bytes(transaction.get(NEXT_NUMBER) or b"\x01", "big")
            transaction.put(NEXT_NUMBER, (first + count).to_bytes(8, "big"))
            return first

        return await self._store.write(allocate)

    async def add(self, record: TableRecord) -> None:
        """Raises TableExists."""
        async with self._turn:
            if record.name in self._by_name:
                raise TableExists(record.name)
            await self._store.write(lambda transaction: _put(transaction, record))
            self._keep(record)

    async def change(
        self,
        number: int,
        change: Callable[[TableRecord], TableRecord],
        *,
        also: Callable[[WriteTransaction, TableRecord], object] | None = None,
    ) -> TableRecord:
        """Changes of one table follow each other. `also` happens in the same transaction, where anything changes.
        Raises TableNotFound, and whatever `change` raises."""
        async with self._turn:
            old = self.current(number)
            new = change(old)
            if new != old:

                def save(transaction: WriteTransaction) -> None:
                    _put(transaction, new)
                    if also is not None:
                        also(transaction, new)

                await self._store.write(save)
                self._keep(new)
            return new

    async def remove(self, number: int, *, also: Callable[[WriteTransaction], object]) -> None:
        """Forget a table, and do something else in the same transaction. Raises TableNotFound."""
        async with self._turn:
            record = self.current(number)

            def remove(transaction: WriteTransaction) -> None:
                transaction.delete(space(TABLE, number))
                also(transaction)

            await self._store.write(remove)
            del self._by_number[number]
            del self._by_name[record.name]

    def _keep(self, record: TableRecord) -> None:
        self._by_number[record.number] = record
        self._by_name[record.name] = record


def durable_record(transaction: ReadTransaction, number: int) -> TableRecord:
    """The table's record in this very transaction, for changes that must not follow an old one. Raises
    TableNotFound."""
    data = transaction.get(space(TABLE, number))
    if data is None:
        raise TableNotFound(number)
    return msgspec.json.decode(data, type=TableRecord)


def _put(transaction: WriteTransaction, record: TableRecord) -> None:
    transaction.put(space(TABLE, record.number), msgspec.json.encode(record))
