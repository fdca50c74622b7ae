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
from typing import Any, TypeVar

from globule.dynamodb.model import StreamView, TableSpec
from globule.dynamodb.serving import ledger
from globule.dynamodb.serving.background import Background
from globule.dynamodb.serving.backups import Backups
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    TableBusy,
    TableExists,
    TableNotFound,
    TableProtected,
    TableRecord,
)
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.following import Following
from globule.dynamodb.serving.housekeeping import DEFAULT_PERIOD_S, Housekeeping
from globule.dynamodb.serving.items import Reader, Writer
from globule.dynamodb.serving.ledger import Discarded
from globule.dynamodb.serving.replication.compare import Comparison
from globule.dynamodb.serving.replication.errands import Errands
from globule.dynamodb.serving.replication.latency import Latency
from globule.dynamodb.serving.replication.peers import Peers
from globule.dynamodb.serving.replication.replication import Replication
from globule.dynamodb.serving.shaping import Shaping
from globule.dynamodb.serving.streams import Streams
from globule.dynamodb.serving.surroundings import HybridTime, Surroundings
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.storage.store import Store, WriteTransaction
from globule.world.snapshot import World

__all__ = ["Peers", "TableBusy", "TableExists", "TableNotFound", "TableProtected", "Tables"]

T = TypeVar("T")


class Tables:
    """All tables of one region."""

    def __init__(
        self,
        store: Store,
        *,
        region: str,
        account: str,
        clock: Clock,
        entropy: Entropy,
        peers: Peers,
        sweep_period_s: float,
    ) -> None:
        """Use `open`."""
        self.region = region
        self._store = store
        self._catalogue = Catalogue(store)
        stamps = (read_counters(store.read(), table.number).stamp for table in self._catalogue.records())
        time = HybridTime(clock, max(stamps, default=0))
        self._surroundings = Surroundings(region=region, clock=clock, time=time, current=self._catalogue.current)
        self._background = Background(clock)
        errands = Errands(store)
        self.streams = Streams(store, self._catalogue, region=region, clock=clock)
        self._shaping = Shaping(
            account=account,
            store=store,
            catalogue=self._catalogue,
            surroundings=self._surroundings,
            entropy=entropy,
            background=self._background,
            errands=errands,
        )
        self.backups = Backups(
            store=store,
            catalogue=self._catalogue,
            shaping=self._shaping,
            surroundings=self._surroundings,
            background=self._background,
            entropy=entropy,
        )
        self._replication = Replication(
            region=region,
            store=store,
            catalogue=self._catalogue,
            surroundings=self._surroundings,
            shaping=self._shaping,
            streams=self.streams,
            clock=clock,
            peers=peers,
            errands=errands,
            background=self._background,
        )
        self._housekeeping = Housekeeping(
            store=store,
            catalogue=self._catalogue,
            surroundings=self._surroundings,
            replication=self._replication,
            clock=clock,
            period_s=sweep_period_s,
        )
        self._following = Following(
            region=region,
            catalogue=self._catalogue,
            shaping=self._shaping,
            replication=self._replication,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"<Tables {self.region} {len(self.names())} tables>"

    @classmethod
    async def open(
        cls,
        store: Store,
        *,
        region: str,
        account: str,
        clock: Clock,
        entropy: Entropy,
        peers: Peers,
        sweep_period_s: float = DEFAULT_PERIOD_S,
    ) -> Tables:
        """The tables that the store holds, with everything that goes on beside requests. The store stays its
        owner's to close."""
        tables = cls(
            store,
            region=region,
            account=account,
            clock=clock,
            entropy=entropy,
            peers=peers,
            sweep_period_s=sweep_period_s,
        )
        tables._shaping.resume()
        tables.backups.resume()
        tables._replication.resume()
        tables._background.start("housekeeping", tables._housekeeping.run)
        return tables

    async def close(self) -> None:
        """End what goes on beside requests. What is not done is taken up by the next `open`."""
        await self._background.close()

    # -- catalogue: immediate look-ups, durable changes

    def names(self) -> list[str]:
        """In order."""
        return self._catalogue.names()

    def find(self, name: str) -> TableRecord:
        """The newest record. Raises TableNotFound."""
        return self._catalogue.find(name)

    async def create(self, spec: TableSpec, *, stack: str | None = None) -> TableRecord:
        """An empty ACTIVE table with its indexes and stream. Raises TableExists."""
        return await self._shaping.create(spec, stack=stack)

    async def update(self, name: str, *, change: Callable[[TableSpec], TableSpec]) -> TableRecord:
        """Make the table what `change` makes of its spec, and return the record as it stands now: everything is in
        force; new indexes are CREATING and are filled in the background, removed ones are gone. Keys and the stream
        cannot be changed this way. What a global table keeps in step (billing mode, write throughput, time to live,
        global indexes) follows in its other replicas.

        Raises TableNotFound, TableBusy (an index is being created already).
        """
        record = await self._shaping.update(name, change)
        self._replication.reach()
        return record

    async def delete(self, name: str) -> TableRecord:
        """Returns the record, DELETING; the name is free again when this returns, the items go in the background. The
        table's replicas in other regions stay, and forget this one. Raises TableNotFound."""
        record = await self._shaping.delete(name)
        self._replication.reach()
        return record

    async def enable_stream(self, name: str, view: StreamView) -> TableRecord:
        """Raises TableNotFound. The caller has checked that none is enabled."""
        return await self._shaping.enable_stream(name, view)

    async def disable_stream(self, name: str) -> TableRecord:
        """Raises TableNotFound. The caller has checked that one is enabled."""
        return await self._shaping.disable_stream(name)

    async def add_replica(self, name: str, region: str) -> TableRecord:
        """The replica is CREATING until that region has a copy of every item; writes go on. Raises TableNotFound,
        TableBusy while another replica is being made, OSError where the region cannot be reached, TableExists where
        it has a table of that name."""
        record = await self._replication.membership.add(name, region)
        self._replication.reach()
        return record

    async def remove_replica(self, name: str, region: str) -> TableRecord:
        """Deletes the remote table and its data. Raises TableNotFound, TableProtected where that table is, and OSError
        where the region cannot be reached."""
        record = await self._replication.membership.remove(name, region)
        self._replication.reach()
        return record

    async def follow(self, world: World) -> None:
        """Bring the tables that stacks declare into the state that this world asks for."""
        self._housekeeping.time_scale = world.scales.time
        await self._following.follow(world)

    def problems(self) -> list[str]:
        """What of the present world could not be brought up."""
        return self._following.problems

    # -- items

    def read(self) -> Reader:
        """One consistent view of the newest durable state. Valid until the caller next awaits."""
        return Reader(self._store.read())

    async def write(self, change: Callable[[Writer], T]) -> T:
        """Run the closure in the next transaction; durable and visible when this returns. What it raises comes back,
        with all of its writes undone. Raises storage.StoreFull."""
        surroundings = self._surroundings

        def run(transaction: WriteTransaction) -> T:
            writer = Writer(transaction, surroundings)
            value = change(writer)
            writer.finish()
            return value

        try:
            return await self._store.write(run)
        finally:
            # Also where the caller was cancelled: the write may have landed.
            self._replication.wake()
            self.streams.notify()

    def counts(self, table: TableRecord, *, index: str | None = None) -> tuple[int, int]:
        """ItemCount and TableSizeBytes (or the index's), exact as of now."""
        number = table.number if index is None else table.index_record(index).number
        counters = read_counters(self._store.read(), number)
        return counters.items, counters.size_bytes

    # -- replication

    async def receive(self, message: bytes) -> bytes:
        """What another region's `Peers.call` brings, and our answer. Never raises."""
        return await self._replication.receive(message)

    async def compare(self, name: str, region: str) -> Comparison:
        """Whether the replica in that region equals this one, or which items differ. Raises TableNotFound, and
        OSError where it cannot be asked."""
        return await self._replication.compare(name, region)

    def conflicts(self, name: str | None = None, *, limit: int = 100) -> list[Discarded]:
        """The newest writes that last-writer-wins discarded here, of one table or of all."""
        found = ledger.entries(self._store.read(), table=name)
        return [entry for _, (_, entry) in zip(range(limit), found, strict=False)]

    def latency(self, name: str, region: str) -> Latency | None:
        """ReplicationLatency of a table from here to a region; None where nothing was ever sent there."""
        return self._replication.latency(name, region)

    def waiting(self, name: str, region: str) -> int:
        """How many of the table's changes a region has not been told of; an upper bound. Raises TableNotFound."""
        return self._replication.waiting(self._catalogue.find(name), region)

    def forgotten(self, name: str) -> int:
        """Up to which stamp every replica has had every write, and deletes are forgotten here. Raises
        TableNotFound."""
        return read_counters(self._store.read(), self._catalogue.find(name).number).forgotten

    def statistics(self) -> dict[str, Any]:
        kept, discarded = ledger.count(self._store.read())
        return {
            "tables": {
                table.name: {
                    "status": table.status,
                    "items": self.counts(table)[0],
                    "bytes": self.counts(table)[1],
                    "replicas": {replica.region: replica.status for replica in table.replicas},
                }
                for table in self._catalogue.records()
            },
            "replication": self._replication.statistics(),
            "conflicts": {"kept": kept, "ever": discarded},
            "expired": self._housekeeping.expired,
            "store": self._store.statistics(),
        }
