"""What is done now and then: expired items, streams older than a day, shards, tombstones."""

from __future__ import annotations

import logging

import msgspec

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.rules.recovery import earliest_s
from globule.dynamodb.rules.shards import RETENTION_S, SHARD_LIFE_S, shard_name
from globule.dynamodb.rules.stream_records import KeptChange
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    ShardRecord,
    StreamRecord,
    TableNotFound,
    TableRecord,
)
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.filling import piece
from globule.dynamodb.serving.replication.replication import Replication
from globule.dynamodb.serving.snapshots import Change
from globule.dynamodb.serving.spaces import HISTORY, STREAM, numbered, sequence_of, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.dynamodb.serving.time_to_live import sweep
from globule.host.clock import Clock
from globule.storage.store import ReadTransaction, Store, StoreFull, WriteTransaction

log = logging.getLogger(__name__)

# AWS removes expired items within a few days; a person who watches expects to see it happen.
DEFAULT_PERIOD_S = 10.0

# However fast time is made to pass, housekeeping leaves the processor to the requests.
LEAST_PERIOD_S = 0.1

# Stream records that one change drops.
TRIM_PIECE_RECORDS = 500

_decode = msgspec.msgpack.Decoder(KeptChange).decode
_decode_change = msgspec.msgpack.Decoder(Change).decode
replace = msgspec.structs.replace


class Housekeeping:
    """Of one region's tables."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        surroundings: Surroundings,
        replication: Replication,
        clock: Clock,
        period_s: float = DEFAULT_PERIOD_S,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._surroundings = surroundings
        self._replication = replication
        self._clock = clock
        self.period_s = period_s
        self.time_scale = 1.0
        """The world's factor on waiting times."""
        self.expired = 0
        """Items that time to live has removed here."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._clock.sleep(max(LEAST_PERIOD_S, self.period_s * self.time_scale))
            await self.round()

    async def round(self) -> None:
        """Everything once."""
        for table in self._catalogue.records():
            try:
                removed = await sweep(self._store, self._surroundings, table)
                self.expired += removed
                if removed:
                    self._replication.wake()
                for stream in table.streams:
                    await self._look_after(table, stream)
                await self._replication.keep_house(table)
                await self._forget_history(table)
            except TableNotFound:
                continue
            except StoreFull as problem:
                log.warning("%s: not now: %s", table.name, problem)

    async def _look_after(self, table: TableRecord, stream: StreamRecord) -> None:
        """Trim a stream, close its shard when that is old, drop the stream when all of it is old."""
        now = self._clock.now()
        trimmed = _trim_point(self._store.read(), stream, now - RETENTION_S)
        last = read_counters(self._store.read(), table.number).sequence
        gone = stream.disabled_at is not None and stream.disabled_at <= now - RETENTION_S
        newest = stream.shards[-1]
        rolls = stream.disabled_at is None and now - newest.opened_at > SHARD_LIFE_S and last > newest.after

        def changed(record: TableRecord) -> TableRecord:
            streams = tuple(
                _turned(each, trimmed, last if rolls else None, now) if each.number == stream.number else each
                for each in record.streams
                if not (gone and each.number == stream.number)
            )
            return replace(record, streams=streams)

        await self._catalogue.change(table.number, changed)
        if gone or trimmed:
            await self._drop(stream, None if gone else trimmed)

    async def _drop(self, stream: StreamRecord, through: int | None) -> None:
        """Records up to a sequence, or all."""
        begin = space(STREAM, stream.number)
        end = end_of(begin) if through is None else numbered(STREAM, stream.number, through + 1)

        def drop(transaction: WriteTransaction) -> bool:
            keys: list[bytes] = []
            for key, _ in transaction.scan(begin, end):
                keys.append(key)
                if len(keys) == TRIM_PIECE_RECORDS:
                    break
            for key in keys:
                transaction.delete(key)
            return len(keys) == TRIM_PIECE_RECORDS

        while await self._store.write(drop):
            pass

    async def _forget_history(self, table: TableRecord) -> None:
        """What a table can not go back to any more."""
        now = self._clock.now()
        since = table.recoverable_since
        before_s = now if since is None else earliest_s(table.spec, since, now)
        begin = space(HISTORY, table.number)

        def drop(transaction: WriteTransaction) -> bool:
            old = [
                key
                for key, data in piece(transaction, begin, end_of(begin), items=TRIM_PIECE_RECORDS)
                if _decode_change(data).at_s < before_s
            ]
            for key in old:
                transaction.delete(key)
            return bool(old)

        if next(self._store.read().scan(begin, end_of(begin)), None) is not None:
            while await self._store.write(drop):
                pass


def _turned(stream: StreamRecord, trimmed: int, rolls_after: int | None, now: float) -> StreamRecord:
    """The stream with a new shard after that sequence, and without those that are empty by now."""
    trimmed = max(trimmed, stream.trimmed)
    shards = stream.shards
    if rolls_after is not None:
        name = shard_name(stream.number, now)
        shards = (*shards, ShardRecord(name=name, after=rolls_after, opened_at=now, parent=shards[-1].name))
    while len(shards) > 1 and shards[1].after <= trimmed and now - shards[1].opened_at > RETENTION_S:
        shards = shards[1:]
    return replace(stream, shards=shards, trimmed=trimmed)


def _trim_point(view: ReadTransaction, stream: StreamRecord, before_s: float) -> int:
    """The sequence of the last change that is older; 0 where none is, or too many to look at in one go: the next
    round goes on."""
    point = 0
    begin = space(STREAM, stream.number)
    for position, (key, data) in enumerate(view.scan(begin, end_of(begin))):
        if _decode(data).at_s > before_s or position == 20 * TRIM_PIECE_RECORDS:
            break
        point = sequence_of(key)
    return point
