"""Forgetting tombstones: a deleted key's memory, kept until nobody can send an older write of it any more.

Each region says with its batches up to which stamp all of its writes have been told (`Batch.passed`). What every
other replica has passed, and has been told of by us, can be forgotten here. A region that writes nothing would hold
that up, so after a change it moves hybrid time on with a beat, an entry of its log that is no write. A region that is
away holds it up rightly.
"""

from __future__ import annotations

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.rules.records import record_version
from globule.dynamodb.serving.catalogue import TableRecord, durable_record
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.filling import piece
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.replication.peers import read_standing
from globule.dynamodb.serving.spaces import TOMBSTONES, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import ReadTransaction, Store, WriteTransaction


class Forgetting:
    """Of one region's global tables."""

    def __init__(self, *, store: Store, surroundings: Surroundings) -> None:
        self._store = store
        self._surroundings = surroundings
        self._beaten: dict[int, int] = {}

    async def run(self, table: TableRecord) -> None:
        """One round. Raises TableNotFound where the table is deleted meanwhile."""
        view = self._store.read()
        if self._beaten.get(table.number) != read_counters(view, table.number).stamp:
            self._beaten[table.number] = await self._store.write(lambda transaction: self._beat(transaction, table))
            view = self._store.read()
        if _limit(view, table.number) > read_counters(view, table.number).forgotten:
            await self._forget(table)

    def _beat(self, transaction: WriteTransaction, table: TableRecord) -> int:
        """Returns the table's stamp after the beat, which is no change that asks for another one."""
        writer = Writer(transaction, self._surroundings)
        writer.beat(table)
        writer.finish()
        return writer.counters(table.number).stamp

    async def _forget(self, table: TableRecord) -> None:
        start, end = space(TOMBSTONES, table.number), end_of(space(TOMBSTONES, table.number))

        def forget(transaction: WriteTransaction) -> bytes | None:
            """One piece; where the next one begins."""
            limit = _limit(transaction, table.number)
            writer = Writer(transaction, self._surroundings)
            counters = writer.counters(table.number)
            # First, so that what is forgotten is never taken for news.
            counters.forgotten = max(counters.forgotten, limit)
            writer.finish()
            pairs = piece(transaction, start, end)
            for key, record in pairs:
                if record_version(record).stamp <= limit:
                    transaction.delete(key)
            return pairs[-1][0] + b"\x00" if pairs else None

        while (following := await self._store.write(forget)) is not None:
            start = following


def _limit(transaction: ReadTransaction, number: int) -> int:
    """Up to which stamp deletes may be forgotten: heard, so that nothing older can arrive; and told, because what the
    log names is sent as it stands."""
    regions = [replica.region for replica in durable_record(transaction, number).replicas]
    standings = [read_standing(transaction, number, region) for region in regions]
    return min((min(standing.heard, standing.told_stamp) for standing in standings), default=0)
