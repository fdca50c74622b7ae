"""Which regions a global table has replicas in: how one joins a live table, and how one leaves.

A replica joins in this order, so that no write is missed. Each step is taken again until it has been taken; a crash
anywhere only begins the seeding anew, and copies that are there already are recognised.

    1. the new region makes an empty replica, and tells everybody of its own writes from the start   (Join)
    2. the seeding region notes the new one: from here on its log keeps what the new one must be told
    3. every other member does the same, from where it stands with the seeding region                (Welcome)
       (what it has told that region before is among the items that are copied next)
    4. the seeding region copies all items and tombstones as they are                                (Batch)
    5. everybody learns that the new replica is whole                                                (Ready)

Until step 5 the new replica takes no writes of its own: they would have to be later than every delete that some
member has forgotten, and it learns how late that is with the last step.
"""

from __future__ import annotations

import asyncio

import msgspec

from globule.dynamodb.rules.in_step import new_replica
from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.background import Background
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    ReplicaRecord,
    TableBusy,
    TableExists,
    TableNotFound,
    TableProtected,
    TableRecord,
)
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.filling import mark_rubbish, piece, purge
from globule.dynamodb.serving.replication.errands import Errands
from globule.dynamodb.serving.replication.messages import (
    Answer,
    Applied,
    Batch,
    Done,
    Entry,
    Forget,
    Join,
    Leave,
    Message,
    MessageProblem,
    NameTaken,
    Protected,
    Ready,
    Refused,
    Welcome,
    Welcomed,
    decode_answer,
    encode,
)
from globule.dynamodb.serving.replication.peers import (
    Peers,
    Standing,
    forget_standing,
    read_standing,
    write_standing,
)
from globule.dynamodb.serving.shaping import Shaping
from globule.dynamodb.serving.spaces import COUNTERS, ITEMS, LOG, PREFIX_BYTES, TOMBSTONES, space
from globule.dynamodb.serving.surroundings import HybridTime
from globule.host.clock import Clock
from globule.storage.store import Store, WriteTransaction

# A message that changes who is a member; the destination answers after a sync.
CALL_LIMIT_S = 5.0

# Copies in flight at once, of some hundred kilobytes each.
SEEDING_WINDOW = 8

# A region that cannot be reached while a replica is being made, or is about to make its own, is tried again after the
# first, and at last after the second of these.
RETRY_FIRST_S = 0.05
RETRY_LAST_S = 1.0

replace = msgspec.structs.replace


class Unreachable(OSError):
    """The other region did not answer, or refused for now."""


class Membership:
    """Of one region's replicas."""

    def __init__(
        self,
        *,
        region: str,
        store: Store,
        catalogue: Catalogue,
        shaping: Shaping,
        time: HybridTime,
        clock: Clock,
        peers: Peers,
        errands: Errands,
        background: Background,
    ) -> None:
        self._region = region
        self._store = store
        self._catalogue = catalogue
        self._shaping = shaping
        self._time = time
        self._clock = clock
        self._peers = peers
        self._errands = errands
        self._background = background
        self._seeding: set[tuple[int, str]] = set()

    def resume(self) -> None:
        """Take up the seedings that a stop interrupted."""
        for table in self._catalogue.records():
            for replica in table.replicas:
                if replica.status == "CREATING" and replica.seeded_by == self._region:
                    self.seed(table.number, replica.region)

    async def add(self, name: str, region: str) -> TableRecord:
        """Steps 1 and 2; the rest goes on in the background. Raises TableNotFound, TableBusy while another replica
        is being made, TableExists, OSError."""
        table = self._catalogue.find(name)
        if any(replica.status == "CREATING" for replica in table.replicas):
            raise TableBusy(name)
        group = table.group or self._shaping.identifier()
        if table.stream is None:
            table = await self._shaping.enable_stream(name, "NEW_AND_OLD_IMAGES")
        members = [self._region, *(replica.region for replica in table.replicas)]
        join = Join(group=group, spec=new_replica(table.spec), origin=self._region, members=members)
        if isinstance(await self._ask(region, join), NameTaken):
            raise TableExists(name)
        record = await self.note(table.number, region, group=group, seeded_by=self._region)
        self.seed(table.number, region)
        return record

    async def remove(self, name: str, region: str) -> TableRecord:
        """Raises TableNotFound, TableProtected, OSError."""
        table = self._catalogue.find(name)
        assert table.group is not None
        if isinstance(await self._ask(region, Leave(group=table.group)), Protected):
            raise TableProtected(name)
        return await self.drop(table.number, region, tell=True)

    async def drop(self, number: int, region: str, *, tell: bool) -> TableRecord:
        """Forget a replica that is gone; and `tell` the other ones. Raises TableNotFound."""

        def dropped(record: TableRecord) -> TableRecord:
            return replace(record, replicas=tuple(each for each in record.replicas if each.region != region))

        def forget(transaction: WriteTransaction, record: TableRecord) -> None:
            forget_standing(transaction, number, region)
            if not record.replicas:
                mark_rubbish(transaction, [space(letter, number) for letter in (LOG, TOMBSTONES)])
            if tell and record.group is not None:
                for replica in record.replicas:
                    self._errands.enter(transaction, replica.region, Forget(group=record.group, region=region))

        record = await self._catalogue.change(number, dropped, also=forget)
        if not record.replicas:
            self._background.start("purge", lambda: purge(self._store))
        return record

    async def note(self, number: int, region: str, *, group: str, seeded_by: str) -> TableRecord:
        """From here on keep what a new replica must be told: beginning where the seeding region stands, or, where
        that is this one, with the next write. Raises TableNotFound."""
        fresh = ReplicaRecord(
            region=region, status="CREATING", progress_percent=0, seeded_by=seeded_by, added_at=self._clock.now()
        )

        def noted(record: TableRecord) -> TableRecord:
            others = tuple(each for each in record.replicas if each.region != region)
            return replace(record, group=group, replicas=(*others, fresh))

        def stand(transaction: WriteTransaction, record: TableRecord) -> None:
            if seeded_by == self._region:
                standing = Standing(told=read_counters(transaction, number).sequence)
            else:
                told = read_standing(transaction, number, seeded_by)
                standing = Standing(told=told.told, told_stamp=told.told_stamp)
            write_standing(transaction, number, region, standing)

        return await self._catalogue.change(number, noted, also=stand)

    async def ready(self, number: int, ready: Ready) -> TableRecord:
        """A replica, or this one, is whole. Raises TableNotFound."""
        region = ready.region

        def count(transaction: WriteTransaction, record: TableRecord) -> None:
            if region == self._region:
                counters = read_counters(transaction, number)
                counters.forgotten = max(counters.forgotten, ready.forgotten)
                counters.stamp = max(counters.stamp, ready.stamp)
                transaction.put(space(COUNTERS, number), counters.encode())

        if region == self._region:
            self._time.observe(ready.stamp)

        def whole(record: TableRecord) -> TableRecord:
            if region == self._region:
                return replace(record, status="ACTIVE")
            replicas = tuple(
                replace(each, status="ACTIVE", progress_percent=None) if each.region == region else each
                for each in record.replicas
            )
            return replace(record, replicas=replicas)

        return await self._catalogue.change(number, whole, also=count)

    # -- seeding

    def seed(self, number: int, region: str) -> None:
        """Steps 3 to 5, in the background."""
        if (number, region) not in self._seeding:
            self._seeding.add((number, region))
            self._background.start(f"seed {region}", lambda: self._seed(number, region))

    async def _seed(self, number: int, region: str) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await self._seed_once(number, region)
                break
            except OSError:
                await self._clock.sleep(delay_s)
                delay_s = min(RETRY_LAST_S, 2 * delay_s)
            except TableNotFound:
                break
            if not self._has(number, region):
                await self._take_back(number, region)
                break
        self._seeding.discard((number, region))

    def _has(self, number: int, region: str) -> bool:
        return any(each.region == region for each in self._catalogue.current(number).replicas)

    async def _take_back(self, number: int, region: str) -> None:
        """The replica was let go while others were perhaps being told to welcome it."""
        table = self._catalogue.current(number)

        def forget(transaction: WriteTransaction) -> None:
            for each in table.replicas:
                if table.group is not None:
                    self._errands.enter(transaction, each.region, Forget(group=table.group, region=region))

        await self._store.write(forget)

    async def _seed_once(self, number: int, region: str) -> None:
        table = self._catalogue.current(number)
        assert table.group is not None
        others = [each.region for each in table.replicas if each.region != region]
        forgotten = stamp = read_counters(self._store.read(), number).forgotten
        for other in others:
            answer = await self._ask(other, Welcome(group=table.group, origin=self._region, region=region))
            if isinstance(answer, Welcomed):
                stamp = max(stamp, answer.forgotten)
        # Whatever was written before the replica was noted lands before this does, and is copied.
        await self._store.write(lambda transaction: None)
        await self._copy(number, region)
        ready = Ready(group=table.group, region=region, forgotten=forgotten, stamp=stamp)
        for each in (region, *others):
            await self._ask(each, ready)
        await self.ready(number, ready)

    async def _copy(self, number: int, region: str) -> None:
        total = max(1, read_counters(self._store.read(), number).items)
        copied = 0
        for letter, deleted in ((ITEMS, False), (TOMBSTONES, True)):
            start, end = space(letter, number), end_of(space(letter, number))
            while True:
                messages: list[Message] = []
                for _ in range(SEEDING_WINDOW):
                    table = self._catalogue.current(number)
                    pairs = piece(self._store.read(), start, end)
                    if not pairs or not any(each.region == region for each in table.replicas):
                        break
                    assert table.group is not None
                    start = pairs[-1][0] + b"\x00"
                    entries = [Entry(key[PREFIX_BYTES:], record, deleted) for key, record in pairs]
                    messages.append(Batch(group=table.group, origin=self._region, entries=entries, passed=0))
                    copied += 0 if deleted else len(entries)
                if not messages:
                    break
                async with asyncio.TaskGroup() as calls:
                    answers = [calls.create_task(self._try(region, message)) for message in messages]
                if not all(answer.result() for answer in answers):
                    raise Unreachable(f"{region} cannot be reached")
                await self._show_progress(number, region, min(99, copied * 100 // total))

    async def _show_progress(self, number: int, region: str, percent: int) -> None:
        def shown(record: TableRecord) -> TableRecord:
            replicas = tuple(
                replace(each, progress_percent=percent) if each.region == region else each for each in record.replicas
            )
            return replace(record, replicas=replicas)

        await self._catalogue.change(number, shown)

    async def _try(self, region: str, message: Message) -> bool:
        try:
            await self._ask(region, message)
        except OSError:
            return False
        return True

    async def _ask(self, region: str, message: Message) -> Answer:
        """Raises OSError (and TimeoutError, which is one) where there is no answer, or a refusal."""
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                answer = decode_answer(await self._peers.call(region, encode(message)))
        except MessageProblem as problem:
            raise Unreachable(f"{region} answered what is no answer: {problem}") from problem
        if isinstance(answer, Refused):
            raise Unreachable(f"{region} refused: {answer.why}")
        if not isinstance(answer, Done | NameTaken | Protected | Applied | Welcomed):
            raise Unreachable(f"{region} has no replica of this table yet")
        return answer
