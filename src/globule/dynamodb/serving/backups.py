"""Backups of tables, and tables that begin as a backup or as what another table was at some time.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html. The copying goes on in the
background: a backup is CREATING and a restored table is CREATING until it is done, and a crash only delays that.
"""

from __future__ import annotations

import logging
from typing import Literal

import msgspec

from globule.dynamodb.model import TableSpec
from globule.dynamodb.serving.background import Background
from globule.dynamodb.serving.catalogue import Catalogue, Restored, TableNotFound, TableRecord
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.filling import mark_rubbish, purge
from globule.dynamodb.serving.shaping import Shaping
from globule.dynamodb.serving.snapshots import fill_from, take_snapshot
from globule.dynamodb.serving.spaces import BACKUP, ITEMS, SETTLED, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.host.entropy import Entropy
from globule.storage.store import Store, WriteTransaction

log = logging.getLogger(__name__)

replace = msgspec.structs.replace


class BackupNotFound(Exception):
    """There is no backup of that ARN here."""


class BackupBusy(Exception):
    """The backup is being made, or a table is being restored from it."""


class BackupRecord(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    """In the order of creation; never used again."""
    arn: str
    name: str
    created_at: float
    status: Literal["CREATING", "AVAILABLE"] = "CREATING"
    table: TableRecord
    """As it was."""
    items: int
    size_bytes: int
    snapshot: int
    """Names the key space of its items; another one for each attempt."""


class Backups:
    """All backups of one region."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        shaping: Shaping,
        surroundings: Surroundings,
        background: Background,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._shaping = shaping
        self._surroundings = surroundings
        self._background = background
        self._entropy = entropy
        self._records: dict[str, BackupRecord] = {}
        for _, data in store.read().scan(BACKUP, bytes((BACKUP[0] + 1,))):
            record = msgspec.json.decode(data, type=BackupRecord)
            self._records[record.arn] = record

    def __repr__(self) -> str:
        return f"<Backups {len(self._records)}>"

    def resume(self) -> None:
        """Take up what a stop interrupted."""
        for backup in self.records():
            if backup.status == "CREATING":
                self._start_copying(backup.arn)
        for table in self._catalogue.records():
            if table.restored is not None and table.status == "CREATING":
                self._start_restoring(table.number)

    def records(self) -> list[BackupRecord]:
        """The oldest first."""
        return list(self._records.values())

    def find(self, arn: str) -> BackupRecord:
        """Raises BackupNotFound."""
        record = self._records.get(arn)
        if record is None:
            raise BackupNotFound(arn)
        return record

    def needs(self, table: TableRecord) -> bool:
        """Whether a backup of the table is being made, or another table restored from it."""
        return any(
            backup.status == "CREATING" and backup.table.number == table.number for backup in self._records.values()
        ) or any(other.restored is not None and other.restored.source == table.number for other in self._restoring())

    async def create(self, table: TableRecord, name: str) -> BackupRecord:
        number = await self._catalogue.allocate(2)
        now = self._surroundings.clock.now()
        counters = read_counters(self._store.read(), table.number)
        record = BackupRecord(
            number=number,
            arn=f"{table.arn}/backup/{int(now * 1000):014d}-{self._entropy.bytes(4).hex()}",
            name=name,
            created_at=now,
            table=table,
            items=counters.items,
            size_bytes=counters.size_bytes,
            snapshot=number + 1,
        )
        await self._keep(record)
        self._start_copying(record.arn)
        return record

    async def delete(self, arn: str) -> BackupRecord:
        """Raises BackupNotFound, BackupBusy."""
        record = self.find(arn)
        restored_from = any(other.restored is not None and other.restored.backup == arn for other in self._restoring())
        if record.status == "CREATING" or restored_from:
            raise BackupBusy(arn)
        await self._drop(record)
        return record

    async def restore_backup(self, spec: TableSpec, backup: BackupRecord) -> TableRecord:
        """A table of that spec with the backup's items. Raises TableExists, BackupBusy."""
        if backup.status == "CREATING":
            raise BackupBusy(backup.arn)
        origin = Restored(
            backup=backup.arn, table=backup.table.arn, at=self._surroundings.clock.now(), snapshot=backup.snapshot
        )
        return await self._restore(spec, origin)

    async def restore_time(self, spec: TableSpec, source: TableRecord, at_s: float) -> TableRecord:
        """A table of that spec with the items that `source` had. Raises TableExists."""
        snapshot = await self._catalogue.allocate(1)
        origin = Restored(table=source.arn, at=at_s, snapshot=snapshot, source=source.number)
        return await self._restore(spec, origin)

    async def _restore(self, spec: TableSpec, origin: Restored) -> TableRecord:
        record = await self._shaping.create(spec, restored=origin, status="CREATING")
        self._start_restoring(record.number)
        return record

    def _restoring(self) -> list[TableRecord]:
        return [table for table in self._catalogue.records() if table.status == "CREATING"]

    # In the background.

    def _start_copying(self, arn: str) -> None:
        self._background.start("make a backup", lambda: self._copy(arn))

    async def _copy(self, arn: str) -> None:
        # Items that were deleted since an attempt before this one must not stay in it.
        snapshot = await self._catalogue.allocate(1)
        before = self._records[arn]
        backup = replace(before, snapshot=snapshot)
        await self._keep(backup, rubbish=[space(ITEMS, before.snapshot)])
        await take_snapshot(self._store, backup.table.number, snapshot)
        try:
            self._catalogue.current(backup.table.number)
        except TableNotFound:
            log.warning("table %s was deleted while its backup %s was made", backup.table.name, backup.name)
            await self._drop(backup)
        else:
            await self._keep(replace(backup, status="AVAILABLE"))

    def _start_restoring(self, number: int) -> None:
        self._background.start("restore a table", lambda: self._fill(number))

    async def _fill(self, number: int) -> None:
        table = self._catalogue.current(number)
        origin = table.restored
        assert origin is not None
        if origin.source is not None:
            await take_snapshot(self._store, origin.source, origin.snapshot, at_s=origin.at)
            try:
                self._catalogue.current(origin.source)
            except TableNotFound:
                log.warning("table %s was deleted while %s was restored from it", origin.table, table.name)
                await self._shaping.delete(table.name)
                return
        await fill_from(self._store, self._surroundings, table, origin.snapshot)

        def whole(record: TableRecord) -> TableRecord:
            return replace(record, status="ACTIVE")

        def drop(transaction: WriteTransaction, record: TableRecord) -> None:
            if origin.source is not None:
                mark_rubbish(transaction, [space(letter, origin.snapshot) for letter in (ITEMS, SETTLED)])

        await self._catalogue.change(number, whole, also=drop)
        await purge(self._store)

    # Durable first, then in memory.

    async def _keep(self, record: BackupRecord, *, rubbish: list[bytes] | None = None) -> None:
        def keep(transaction: WriteTransaction) -> None:
            transaction.put(space(BACKUP, record.number), msgspec.json.encode(record))
            mark_rubbish(transaction, rubbish or [])

        await self._store.write(keep)
        self._records[record.arn] = record
        if rubbish:
            self._background.start("purge", lambda: purge(self._store))

    async def _drop(self, record: BackupRecord) -> None:
        def drop(transaction: WriteTransaction) -> None:
            transaction.delete(space(BACKUP, record.number))
            mark_rubbish(transaction, [space(ITEMS, record.snapshot)])

        await self._store.write(drop)
        self._records.pop(record.arn, None)
        self._background.start("purge", lambda: purge(self._store))
