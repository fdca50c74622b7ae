"""Telling one other region of this region's writes: the sending half of replication.

A table's log (`spaces.LOG`) names every local write in order; it is written with the write and kept until all
replicas have been told, however long that takes. This half reads it from where the other region is:

    log -> batch (each item once, as it stands now) -> call -> applied there -> told -> log trimmed

A burst on one item is so merged into one write. Batches go out as soon as a commit lands, several at a time, and
what was not answered is sent again: the other side knows what it has.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import logging
import math
from typing import Any

import msgspec

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.rules.records import record_version
from globule.dynamodb.serving.catalogue import Catalogue, TableNotFound, TableRecord, durable_record
from globule.dynamodb.serving.replication.errands import Errands
from globule.dynamodb.serving.replication.latency import Latency
from globule.dynamodb.serving.replication.messages import (
    Answer,
    Applied,
    Batch,
    Entry,
    MessageProblem,
    Refused,
    Unknown,
    decode_answer,
    encode,
)
from globule.dynamodb.serving.replication.peers import Peers, read_standing, trim_log, write_standing
from globule.dynamodb.serving.spaces import ITEMS, LOG, TOMBSTONES, numbered, sequence_of, space
from globule.host.clock import Clock
from globule.storage.store import ReadTransaction, Store, StoreFull, WriteTransaction

log = logging.getLogger(__name__)

# One batch is one change at its destination: some milliseconds of its event loop.
BATCH_LIMIT_ENTRIES = 256
BATCH_LIMIT_BYTES = 256 * 1024

# Entries of the log that are looked at for one batch. Of a burst on few items most have been overtaken.
BATCH_LIMIT_LOOKED_AT = 2048

# In flight to one region: over a round trip of 200 ms, a batch every 3 ms.
WINDOW_BATCHES = 64

# Writes of so many milliseconds share a batch while there is a stream of them. The first one does not wait.
PACE_S = 0.003

# The longest round trip on Earth, some retransmissions, and a busy destination.
CALL_LIMIT_S = 5.0

# An unreachable region is tried again after the first, and at last after the second of these.
RETRY_FIRST_S = 0.05
RETRY_LAST_S = 2.0

# A replica that is not there yet, or would not have a batch for now, is left alone for so long.
HOLD_S = 0.5

# How often progress is made durable. What is lost in a crash is sent again.
SETTLE_EVERY_S = 0.2

# Log entries that one change drops.
TRIM_PIECE_ENTRIES = 500

_decode_entry = msgspec.msgpack.Decoder(tuple[int, float, bytes]).decode


class _Flight:
    """A batch on its way."""

    __slots__ = ("answered", "last", "stamp")

    def __init__(self, last: int, stamp: int) -> None:
        self.last = last
        self.stamp = stamp
        self.answered = False


class _Progress:
    """How far one table has got."""

    __slots__ = ("flights", "not_before", "sent", "told", "told_stamp", "unsettled")

    def __init__(self, told: int, told_stamp: int) -> None:
        self.told = self.sent = told
        self.told_stamp = told_stamp
        self.flights: collections.deque[_Flight] = collections.deque()
        self.unsettled = False
        self.not_before = 0.0
        """Not to be sent to before this monotonic time: the replica was not there, or would not have it."""

    def answered(self, flight: _Flight) -> None:
        flight.answered = True
        while self.flights and self.flights[0].answered:
            first = self.flights.popleft()
            self.told, self.told_stamp = first.last, first.stamp
            self.unsettled = True

    def rewind(self) -> None:
        """Send everything again that was not answered in order."""
        self.flights.clear()
        self.sent = self.told


class Outbound:
    """The sending half towards one region, for all tables that have a replica there."""

    def __init__(
        self, *, region: str, to: str, store: Store, catalogue: Catalogue, clock: Clock, peers: Peers, errands: Errands
    ) -> None:
        self._region = region
        self._to = to
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._peers = peers
        self._errands = errands
        self._progress: dict[int, _Progress] = {}
        self._latencies: dict[str, Latency] = {}
        self._woken = asyncio.Event()
        self._unsettled = asyncio.Event()
        self._in_flight = 0
        self._rounds_failed = 0
        self._reachable = True
        self._sent_at = 0.0

    def __repr__(self) -> str:
        return f"<Outbound {self._region} to {self._to} in_flight={self._in_flight} reachable={self._reachable}>"

    def wake(self) -> None:
        """There may be something to tell."""
        self._woken.set()

    def waiting(self, table: TableRecord) -> int:
        """Changes since the last write that the region has been told of. Not all of them are for it."""
        last = next(self._store.read().scan(*_log_range(table.number, 0), backward=True), None)
        return 0 if last is None else max(0, sequence_of(last[0]) - self._of(table.number).told)

    def latency(self, table: str) -> Latency:
        return self._latencies.setdefault(table, Latency())

    def statistics(self) -> dict[str, Any]:
        tables = {
            table.name: {"waiting": self.waiting(table), "latency": self.latency(table.name).figures()}
            for table in self._tables()
        }
        return {"reachable": self._reachable, "in_flight": self._in_flight, "tables": tables}

    async def run(self) -> None:
        """Until it is cancelled. May be begun again after a failure."""
        self._in_flight = 0
        for progress in self._progress.values():
            progress.rewind()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settle_now_and_then())
            while True:
                self._woken.clear()
                refused = await self._errands.run(self._to, self._call)
                self._send(group)
                await self._pause(RETRY_LAST_S if refused else math.inf)

    def _send(self, group: asyncio.TaskGroup) -> None:
        """Start as many batches as there is something for, and room."""
        tables = self._tables()
        for number in self._progress.keys() - {table.number for table in tables}:
            del self._progress[number]
        for table in tables:
            progress = self._of(table.number)
            if self._clock.monotonic() < progress.not_before:
                continue
            while self._in_flight < (WINDOW_BATCHES if self._reachable else 1):
                found = self._next(table, progress)
                if found is None:
                    break
                flight, batch, accepted = found
                if not batch.entries and not batch.passed:
                    self._answered(progress, flight)
                    continue
                self._in_flight += 1
                self._sent_at = self._clock.monotonic()
                group.create_task(self._deliver(table, progress, flight, batch, accepted))

    async def _pause(self, longest_s: float) -> None:
        """Until there is something to tell again, and it is time for it."""
        if not self._reachable:
            delay_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2**self._rounds_failed)
            self._rounds_failed = min(self._rounds_failed + 1, 10)
            await self._clock.sleep(delay_s)
            return
        self._rounds_failed = 0
        now = self._clock.monotonic()
        held = [progress.not_before - now for progress in self._progress.values() if progress.not_before > now]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(*held, longest_s) if held else longest_s):
                await self._woken.wait()
        wait_s = self._sent_at + PACE_S - self._clock.monotonic()
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def _next(self, table: TableRecord, progress: _Progress) -> tuple[_Flight, Batch, list[float]] | None:
        """What the region has not been sent yet, as one batch; and when each of its writes was accepted."""
        view = self._store.read()
        entries: list[Entry] = []
        accepted: list[float] = []
        last, last_stamp, size_bytes = progress.sent, progress.told_stamp, 0
        logged = view.scan(*_log_range(table.number, progress.sent))
        for key, data in itertools.islice(logged, BATCH_LIMIT_LOOKED_AT):
            last = sequence_of(key)
            last_stamp, at, place = _decode_entry(data)
            entry = self._entry(view, table, place, last_stamp)
            if entry is not None:
                entries.append(entry)
                accepted.append(at)
                size_bytes += len(entry.record) + len(place)
                if len(entries) >= BATCH_LIMIT_ENTRIES or size_bytes >= BATCH_LIMIT_BYTES:
                    break
        if last == progress.sent:
            return None
        assert table.group is not None
        copied = next((other.status for other in table.replicas if other.region == self._to), None) != "CREATING"
        alone = not progress.flights
        passed = 0 if not copied else last_stamp if alone else progress.told_stamp
        flight = _Flight(last, last_stamp)
        progress.flights.append(flight)
        progress.sent = last
        return flight, Batch(group=table.group, origin=self._region, entries=entries, passed=passed), accepted

    def _entry(self, view: ReadTransaction, table: TableRecord, place: bytes, stamp: int) -> Entry | None:
        """The write that the log names, unless it has been overtaken: by a later one of ours, which the log names
        too, or by another region's, which that region tells of."""
        if not place:
            return None
        record = view.get(space(ITEMS, table.number) + place)
        deleted = record is None
        if record is None:
            record = view.get(space(TOMBSTONES, table.number) + place)
        if record is None:
            return None
        version = record_version(record)
        if version.stamp != stamp or version.region != self._region:
            return None
        return Entry(place, record, deleted)

    async def _deliver(
        self, table: TableRecord, progress: _Progress, flight: _Flight, batch: Batch, accepted: list[float]
    ) -> None:
        try:
            answer = await self._call(encode(batch))
        finally:
            self._in_flight -= 1
            self._woken.set()
        if self._progress.get(table.number) is not progress or flight not in progress.flights:
            return  # the batch was given up meanwhile, and is being sent again
        match answer:
            case Applied(at=at):
                latency = self.latency(table.name)
                for begin in accepted:
                    latency.record(max(0.0, at - begin) * 1000, at)
                self._answered(progress, flight)
            case None:
                progress.rewind()
            case Unknown() | Refused():
                progress.rewind()
                progress.not_before = self._clock.monotonic() + HOLD_S
            case _:
                raise AssertionError(answer)

    async def _call(self, message: bytes) -> Answer | None:
        """None where the region cannot be reached, or does not speak our language."""
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                answer = decode_answer(await self._peers.call(self._to, message))
        except OSError:  # TimeoutError is one
            self._reachable = False
            return None
        except MessageProblem as problem:
            if self._reachable:
                log.warning("%s answered %s with what is no answer: %s", self._to, self._region, problem)
            self._reachable = False
            return None
        self._reachable = True
        return answer

    async def _settle_now_and_then(self) -> None:
        while True:
            await self._unsettled.wait()
            await self._clock.sleep(SETTLE_EVERY_S)
            self._unsettled.clear()
            for number, progress in list(self._progress.items()):
                if progress.unsettled:
                    progress.unsettled = False
                    try:
                        await self._settle(number, progress)
                    except StoreFull:
                        progress.unsettled = True
                        self._unsettled.set()
                    except TableNotFound:
                        self._progress.pop(number, None)

    async def _settle(self, number: int, progress: _Progress) -> None:
        """Make progress durable, and drop what every replica has been told."""

        def settle(transaction: WriteTransaction) -> bool:
            regions = [replica.region for replica in durable_record(transaction, number).replicas]
            if self._to in regions:
                standing = read_standing(transaction, number, self._to)
                standing = msgspec.structs.replace(standing, told=progress.told, told_stamp=progress.told_stamp)
                write_standing(transaction, number, self._to, standing)
            return trim_log(transaction, number, regions, limit=TRIM_PIECE_ENTRIES)

        while await self._store.write(settle):
            pass

    def _answered(self, progress: _Progress, flight: _Flight) -> None:
        progress.answered(flight)
        self._unsettled.set()

    def _tables(self) -> list[TableRecord]:
        return [
            table
            for table in self._catalogue.records()
            if table.group is not None and any(replica.region == self._to for replica in table.replicas)
        ]

    def _of(self, number: int) -> _Progress:
        progress = self._progress.get(number)
        if progress is None:
            standing = read_standing(self._store.read(), number, self._to)
            progress = self._progress[number] = _Progress(standing.told, standing.told_stamp)
        return progress


def _log_range(number: int, after: int) -> tuple[bytes, bytes]:
    return numbered(LOG, number, after + 1), end_of(space(LOG, number))
