"""The tables of one region: catalogue, items, indexes, streams, time to live and replication over one store.

This is the door that the API's operations (`serving.operations`, `control`) come in by. Reads are synchronous and
see the newest durable state; every write is a closure over a `Writer`, durable when `write` returns:

    stored = tables.read().get(table, key)
    old = await tables.write(lambda writer: writer.put(table, item))

A closure may read, decide and write as much as it likes (TransactWriteItems is one closure); raising undoes all of
it. It may run more than once, so it must have no effects but those on its writer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from globule.dynamodb.model import StreamView, TableSpec
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Reader, Writer

T = TypeVar("T")


class TableNotFound(Exception):
    """No table of that name here, or it is being deleted (then also from inside a write's closure)."""


class TableExists(Exception):
    """There is a table of that name here already."""


class TableBusy(Exception):
    """The table is being created, updated or deleted (ResourceInUseException)."""


class Peers(Protocol):
    """The other regions, over the shaped network. `run` implements it."""

    async def call(self, region: str, message: bytes) -> bytes:
        """Deliver to that region's `Tables.receive` and return its answer. Raises OSError or TimeoutError where it
        cannot be reached."""


class Tables:
    """All tables of one region."""

    # -- catalogue: immediate (synchronous) look-ups, durable changes

    def names(self) -> list[str]:
        """In order."""
        ...

    def find(self, name: str) -> TableRecord:
        """The newest record; also of a table that is DELETING. Raises TableNotFound."""
        ...

    async def create(self, spec: TableSpec, *, stack: str | None = None) -> TableRecord:
        """An empty ACTIVE table with its indexes and stream. Raises TableExists."""
        ...

    async def update(
        self,
        name: str,
        *,
        change: Callable[[TableSpec], TableSpec],
    ) -> TableRecord:
        """Make the table what `change` makes of its spec, and return the record as it stands now: everything is
        in force but new indexes, which are CREATING and are filled in the background, and removed ones, which are
        DELETING. Keys and local indexes of a table cannot change (assert). What a global table keeps in step
        (billing mode, write throughput, TTL, stream view, global indexes) follows in its other replicas.

        Raises TableNotFound, TableBusy (an index is being created already).
        """
        ...

    async def delete(self, name: str) -> TableRecord:
        """Returns the record, DELETING; the name is free again as soon as this returns, the items go in the
        background. The table's replicas in other regions stay, and forget this one. Raises TableNotFound."""
        ...

    async def enable_stream(self, name: str, view: StreamView) -> TableRecord:
        """Raises TableNotFound. The caller has checked that none is enabled."""
        ...

    async def disable_stream(self, name: str) -> TableRecord: ...

    async def add_replica(self, name: str, region: str) -> TableRecord:
        """The replica is CREATING until that region has a copy of every item; writes go on. Raises TableNotFound,
        OSError where the region cannot be reached, TableExists where it has a table of that name."""
        ...

    async def remove_replica(self, name: str, region: str) -> TableRecord:
        """Deletes the remote table and its data. Raises as `add_replica`."""
        ...

    # -- items

    def read(self) -> Reader:
        """One consistent view of the newest durable state. Valid until the caller next awaits."""
        ...

    async def write(self, change: Callable[[Writer], T]) -> T:
        """Run the closure in the next transaction; durable and visible when this returns. What it raises comes
        back, with all of its writes undone. Raises storage.StoreFull."""
        ...

    def counts(self, table: TableRecord, *, index: str | None = None) -> tuple[int, int]:
        """ItemCount and TableSizeBytes (or the index's), exact as of now."""
        ...

    def statistics(self) -> dict[str, Any]: ...
