"""Making, changing and removing tables: what the control API, templates and other regions ask for.

Everything is durable when a call returns. What takes long, filling a new index or emptying what is gone, goes on in
the background and is taken up again after a crash, because the catalogue says that it is not done.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

import msgspec

from globule.dynamodb.model import StreamView, TableSpec
from globule.dynamodb.rules.in_step import taken_over
from globule.dynamodb.rules.recovery import keeps_history
from globule.dynamodb.rules.shards import shard_name
from globule.dynamodb.serving.background import Background
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    Declared,
    IndexRecord,
    ReplicaRecord,
    Restored,
    ShardRecord,
    StreamRecord,
    TableBusy,
    TableRecord,
    TableStatus,
)
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.filling import clear_expiries, fill_expiries, fill_index, mark_rubbish, purge
from globule.dynamodb.serving.replication.errands import Errands
from globule.dynamodb.serving.replication.messages import Forget, Settle
from globule.dynamodb.serving.spaces import COUNTERS, EXPIRIES, HISTORY, ITEMS, LOG, PEER, STREAM, TOMBSTONES, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.host.entropy import Entropy
from globule.storage.store import Store, WriteTransaction

replace = msgspec.structs.replace


class Shaping:
    """Shapes the tables of one region."""

    def __init__(
        self,
        *,
        account: str,
        store: Store,
        catalogue: Catalogue,
        surroundings: Surroundings,
        entropy: Entropy,
        background: Background,
        errands: Errands,
    ) -> None:
        self._account = account
        self._store = store
        self._catalogue = catalogue
        self._surroundings = surroundings
        self._entropy = entropy
        self._background = background
        self._errands = errands

    def resume(self) -> None:
        """Take up what a crash or a stop interrupted."""
        self._background.start("purge", lambda: purge(self._store))
        for table in self._catalogue.records():
            for index in table.indexes:
                if index.status == "CREATING":
                    self._fill_index(table.number, index.name)
            if table.expiries_filling:
                self._fill_expiries(table.number)

    async def create(
        self,
        spec: TableSpec,
        *,
        stack: str | None = None,
        declared: Declared | None = None,
        table_id: str | None = None,
        stream_label: str | None = None,
        group: str | None = None,
        replicas: tuple[ReplicaRecord, ...] = (),
        status: TableStatus = "ACTIVE",
        restored: Restored | None = None,
    ) -> TableRecord:
        """Identifiers are made where none are given. Raises TableExists."""
        first = await self._catalogue.allocate(2 + len(spec.indexes))
        now = self._surroundings.clock.now()
        arn = f"arn:aws:dynamodb:{self._surroundings.region}:{self._account}:table/{spec.name}"
        record = TableRecord(
            number=first,
            table_id=table_id or self.identifier(),
            arn=arn,
            spec=spec,
            status=status,
            created_at=now,
            stack=stack,
            declared=declared,
            indexes=tuple(
                IndexRecord(name=index.name, number=first + 2 + position) for position, index in enumerate(spec.indexes)
            ),
            streams=()
            if spec.stream is None
            else (self._stream(arn, first + 1, spec.stream, after=0, label=stream_label),),
            group=group,
            replicas=replicas,
            recoverable_since=now if keeps_history(spec) else None,
            restored=restored,
        )
        await self._catalogue.add(record)
        return record

    async def update(
        self,
        name: str,
        change: Callable[[TableSpec], TableSpec],
        *,
        stack: str | None = None,
        declared: Declared | None = None,
    ) -> TableRecord:
        """Where the table is global, its other replicas are told; unless a `stack` `declared` the change, which they
        hear of by themselves. Raises TableNotFound, TableBusy."""
        found = self._catalogue.find(name)
        first = await self._catalogue.allocate(len(change(found.spec).indexes))

        def updated(record: TableRecord) -> TableRecord:
            spec = change(record.spec)
            # To be made and to be dropped again at once is for whoever asked twice.
            if spec.indexes != record.spec.indexes and any(index.status == "CREATING" for index in record.indexes):
                raise TableBusy(record.name)
            settled = record.settled
            if declared is not None:
                record = replace(record, stack=stack, declared=declared)
            elif record.group is not None and spec != record.spec:
                settled = (self._surroundings.time.tick(), self._surroundings.region)
            return self._reshaped(replace(record, settled=settled), spec, first)

        def tell(transaction: WriteTransaction, record: TableRecord) -> None:
            if record.group is not None and declared is None:
                for replica in record.replicas:
                    message = Settle(group=record.group, spec=record.spec, settled=record.settled)
                    self._errands.enter(transaction, replica.region, message)

        return await self._change(found.number, updated, tell)

    async def settle(self, number: int, other: TableSpec, settled: tuple[int, str]) -> None:
        """Come into step with another replica, unless what is here is later. Raises TableNotFound."""
        first = await self._catalogue.allocate(len(other.indexes))
        self._surroundings.time.observe(settled[0])

        def updated(record: TableRecord) -> TableRecord:
            if settled <= record.settled:
                return record
            return self._reshaped(replace(record, settled=settled), taken_over(record.spec, other), first)

        await self._change(number, updated)

    async def delete(self, name: str) -> TableRecord:
        """The other replicas forget this one. Raises TableNotFound."""
        record = self._catalogue.find(name)

        def remove(transaction: WriteTransaction) -> None:
            mark_rubbish(transaction, _key_spaces(record))
            if record.group is not None:
                for replica in record.replicas:
                    message = Forget(group=record.group, region=self._surroundings.region)
                    self._errands.enter(transaction, replica.region, message)

        await self._catalogue.remove(record.number, also=remove)
        self._background.start("purge", lambda: purge(self._store))
        return replace(record, status="DELETING")

    async def enable_stream(self, name: str, view: StreamView, *, label: str | None = None) -> TableRecord:
        """None is enabled. A stream that had this label before is gone. Raises TableNotFound."""
        found = self._catalogue.find(name)
        number = await self._catalogue.allocate(1)

        def enabled(record: TableRecord) -> TableRecord:
            assert record.stream is None
            after = read_counters(self._store.read(), record.number).sequence
            stream = self._stream(record.arn, number, view, after=after, label=label)
            others = tuple(each for each in record.streams if each.label != label)
            return replace(record, spec=replace(record.spec, stream=view), streams=(*others, stream))

        def drop(transaction: WriteTransaction, record: TableRecord) -> None:
            mark_rubbish(transaction, [space(STREAM, each.number) for each in found.streams if each.label == label])

        return await self._catalogue.change(found.number, enabled, also=drop)

    async def disable_stream(self, name: str) -> TableRecord:
        """What it holds stays readable for a day. Raises TableNotFound."""
        now = self._surroundings.clock.now()

        def disabled(record: TableRecord) -> TableRecord:
            assert record.stream is not None
            stream = replace(record.stream, disabled_at=now)
            return replace(record, spec=replace(record.spec, stream=None), streams=(*record.streams[:-1], stream))

        record = await self._catalogue.change(self._catalogue.find(name).number, disabled)
        # Writes by the old record land before this does, and are the stream's last.
        last = await self._store.write(lambda transaction: read_counters(transaction, record.number).sequence)

        def ended(record: TableRecord) -> TableRecord:
            streams = tuple(
                replace(stream, last=last) if stream.disabled_at is not None and stream.last is None else stream
                for stream in record.streams
            )
            return replace(record, streams=streams)

        return await self._catalogue.change(record.number, ended)

    def identifier(self) -> str:
        return str(uuid.UUID(bytes=self._entropy.bytes(16), version=4))

    async def _change(
        self,
        number: int,
        change: Callable[[TableRecord], TableRecord],
        also: Callable[[WriteTransaction, TableRecord], None] | None = None,
    ) -> TableRecord:
        """Change a record, and start in the background what follows from it."""
        before = self._catalogue.current(number)

        def save(transaction: WriteTransaction, record: TableRecord) -> None:
            kept = {index.number for index in record.indexes}
            gone = [index.number for index in before.indexes if index.number not in kept]
            mark_rubbish(transaction, [space(letter, each) for each in gone for letter in (ITEMS, COUNTERS)])
            if also is not None:
                also(transaction, record)

        after = await self._catalogue.change(number, change, also=save)
        for index in after.indexes:
            if index.status == "CREATING" and index not in before.indexes:
                self._fill_index(number, index.name)
        if len(after.indexes) < len(before.indexes) or after.spec.indexes != before.spec.indexes:
            self._background.start("purge", lambda: purge(self._store))
        if after.expiries_filling and not before.expiries_filling:
            self._fill_expiries(number)
        if after.spec.ttl_attribute is None and before.spec.ttl_attribute is not None:
            surroundings = self._surroundings
            self._background.start("clear expiries", lambda: clear_expiries(self._store, surroundings, after))
        return after

    def _reshaped(self, record: TableRecord, spec: TableSpec, first_number: int) -> TableRecord:
        assert (spec.name, spec.keys) == (record.name, record.spec.keys)
        known = {index.name: index for index in record.indexes}
        indexes: list[IndexRecord] = []
        for position, index in enumerate(spec.indexes):
            was = record.spec.index(index.name)
            same = was is not None and (was.keys, was.projection) == (index.keys, index.projection)
            indexes.append(
                known[index.name]
                if same
                else IndexRecord(name=index.name, number=first_number + position, status="CREATING", backfilling=True)
            )
        begins = spec.ttl_attribute is not None and spec.ttl_attribute != record.spec.ttl_attribute
        since = record.recoverable_since
        if keeps_history(spec) != (since is not None):
            since = self._surroundings.clock.now() if since is None else None
        changed_at = record.throughput_changed_at
        if (spec.billing, spec.throughput) != (record.spec.billing, record.spec.throughput):
            changed_at = self._surroundings.clock.now()
        return replace(
            record,
            spec=replace(spec, stream=record.spec.stream),
            indexes=tuple(indexes),
            expiries_filling=begins or (record.expiries_filling and spec.ttl_attribute is not None),
            throughput_changed_at=changed_at,
            recoverable_since=since,
        )

    def _fill_index(self, number: int, name: str) -> None:
        async def work() -> None:
            await fill_index(self._store, self._surroundings, self._catalogue.current(number), name)

            def filled(record: TableRecord) -> TableRecord:
                indexes = tuple(
                    replace(index, status="ACTIVE", backfilling=False) if index.name == name else index
                    for index in record.indexes
                )
                return replace(record, indexes=indexes)

            await self._catalogue.change(number, filled)

        self._background.start(f"fill index {name}", work)

    def _fill_expiries(self, number: int) -> None:
        async def work() -> None:
            await fill_expiries(self._store, self._surroundings, self._catalogue.current(number))
            await self._catalogue.change(number, lambda record: replace(record, expiries_filling=False))

        self._background.start("fill expiries", work)

    def _stream(self, arn: str, number: int, view: StreamView, *, after: int, label: str | None = None) -> StreamRecord:
        now = self._surroundings.clock.now()
        label = label or datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        shard = ShardRecord(name=shard_name(number, now), after=after, opened_at=now)
        return StreamRecord(
            number=number, label=label, arn=f"{arn}/stream/{label}", view=view, enabled_at=now, shards=(shard,)
        )


_OWN = (ITEMS, TOMBSTONES, COUNTERS, EXPIRIES, LOG, PEER, HISTORY)


def _key_spaces(record: TableRecord) -> list[bytes]:
    """All that a table has in the store, besides its record."""
    own = [space(letter, record.number) for letter in _OWN]
    indexes = [space(letter, index.number) for index in record.indexes for letter in (ITEMS, COUNTERS)]
    streams = [space(STREAM, stream.number) for stream in record.streams]
    return own + indexes + streams
