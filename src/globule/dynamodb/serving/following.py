"""Following the world: the tables that stacks declare, made, changed and removed here as they ask.

Only what a stack declares differently than before is applied, so that changes by the API last until then, and only
tables that a stack made are ever removed. A global table's replica of the stack's own region leads: it takes others
in and lets them go (`replication.membership`). The other regions make their own replica and wait to be filled.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from globule.dynamodb.model import GlobalTable, StreamView, Table, TableSpec
from globule.dynamodb.rules.names import stream_label
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    Declared,
    ReplicaRecord,
    TableBusy,
    TableExists,
    TableNotFound,
    TableRecord,
)
from globule.dynamodb.serving.replication.replication import Replication
from globule.dynamodb.serving.shaping import Shaping
from globule.host.clock import Clock
from globule.storage.store import StoreProblem
from globule.world.snapshot import World

# How long a region waits for the replicas that it made to be filled. Where it takes longer, it serves meanwhile.
FILLED_PATIENCE_S = 5.0
_POLL_S = 0.02


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A table that a stack declares for this region."""

    stack: str
    identity: str
    declared: Declared
    home: str

    @property
    def spec(self) -> TableSpec:
        return self.declared.spec

    def is_this(self, record: TableRecord) -> bool:
        """Whether the table is this one and not an earlier one of the same name."""
        return self.identity == (record.group if self.declared.regions else record.table_id)


class Following:
    """Of one region."""

    def __init__(
        self, *, region: str, catalogue: Catalogue, shaping: Shaping, replication: Replication, clock: Clock
    ) -> None:
        self._region = region
        self._catalogue = catalogue
        self._shaping = shaping
        self._replication = replication
        self._clock = clock
        self.problems: list[str] = []

    async def follow(self, world: World) -> None:
        self.problems = []
        wanted = {table.spec.name: table for table in self._wanted(world)}
        for record in self._catalogue.records():
            table = wanted.get(record.name)
            if record.stack is not None and (table is None or not table.is_this(record)):
                await self._shaping.delete(record.name)
        made = [table.spec.name for table in wanted.values() if await self._make(table)]
        self._replication.reach()
        await self._wait_until_filled(made)
        self.problems += [
            f"{table.stack}: table {name} is still being copied from {table.home}"
            for name, table in wanted.items()
            if name in self._catalogue.names() and self._catalogue.find(name).status == "CREATING"
        ]

    def _wanted(self, world: World) -> Iterator[Wanted]:
        for deployed in world.deployed(Table, region=self._region):
            table: Table = deployed.resource
            yield Wanted(
                stack=deployed.stack,
                identity=table.identity,
                declared=Declared(table.spec, ()),
                home=self._region,
            )
        for deployed in world.deployed(GlobalTable):
            replicated: GlobalTable = deployed.resource
            running = tuple(region for region in replicated.replicas if region in world.regions)
            if replicated.home == self._region:
                self.problems += [
                    f"{deployed.stack}/{deployed.logical_id}: replica region {region} does not run here"
                    for region in replicated.replicas
                    if region not in running
                ]
            if self._region in running:
                yield Wanted(
                    stack=deployed.stack,
                    identity=replicated.identity,
                    declared=Declared(replicated.replicas[self._region], running),
                    home=replicated.home,
                )

    async def _make(self, table: Wanted) -> bool:
        """Bring one table up. Says whether it was made just now."""
        name = table.spec.name
        try:
            record = self._catalogue.find(name)
        except TableNotFound:
            record = None
        try:
            if record is None:
                await self._create(table)
                return True
            if record.stack is None and not table.is_this(record):
                self.problems.append(f"{table.stack}: there is a table {name} already, which no stack made")
            elif record.declared != table.declared:
                await self._change(record, table)
        except (TableExists, TableNotFound) as problem:
            self.problems.append(f"{table.stack}: table {name}: {problem!r}")
        except TableBusy:
            self.problems.append(f"{table.stack}: table {name} is still creating an index; deploy again later")
        except StoreProblem as problem:
            self.problems.append(f"{table.stack}: table {name}: {problem}")
        return False

    async def _create(self, table: Wanted) -> None:
        leads = table.home == self._region
        others = tuple(
            ReplicaRecord(region=region, status="CREATING", progress_percent=0, seeded_by=self._region)
            if leads
            else ReplicaRecord(region=region, status="ACTIVE")
            for region in table.declared.regions
            if region != self._region
        )
        record = await self._shaping.create(
            table.spec,
            stack=table.stack,
            declared=table.declared,
            table_id=table.identity if leads else None,
            stream_label=None if table.spec.stream is None else stream_label(table.identity, table.spec.stream),
            group=table.identity if table.declared.regions else None,
            replicas=others,
            status="ACTIVE" if leads else "CREATING",
        )
        if leads:
            for replica in others:
                self._replication.membership.seed(record.number, replica.region)

    async def _change(self, record: TableRecord, table: Wanted) -> None:
        """The members first: what else changes is in force for whoever joins."""
        before = record.declared
        if table.home == self._region:
            for region in table.declared.regions:
                if region != self._region and not any(each.region == region for each in record.replicas):
                    await self._replication.membership.note(
                        record.number, region, group=table.identity, seeded_by=self._region
                    )
                    self._replication.membership.seed(record.number, region)
            for region in () if before is None else before.regions:
                if region not in table.declared.regions:
                    await self._replication.membership.drop(record.number, region, tell=True)
        if before is None or before.spec.stream != table.spec.stream:
            await self._change_stream(record, table, table.spec.stream)
        await self._shaping.update(record.name, lambda _: table.spec, stack=table.stack, declared=table.declared)

    async def _change_stream(self, record: TableRecord, table: Wanted, view: StreamView | None) -> None:
        if record.stream is not None and record.stream.view != view:
            await self._shaping.disable_stream(record.name)
        if view is not None and (record.stream is None or record.stream.view != view):
            label = stream_label(table.identity, view)
            await self._shaping.enable_stream(record.name, view, label=label)

    async def _wait_until_filled(self, names: list[str]) -> None:
        patience = self._clock.monotonic() + FILLED_PATIENCE_S
        while self._clock.monotonic() < patience:
            if all(self._catalogue.find(name).status == "ACTIVE" for name in names):
                return
            await self._clock.sleep(_POLL_S)
