"""The receiving half of replication: what another region says, done durably before it is answered."""

from __future__ import annotations

import asyncio
import logging
import struct

import msgspec

from globule.dynamodb.model import TableSpec
from globule.dynamodb.rules.conflict import Settlement
from globule.dynamodb.serving.catalogue import (
    Catalogue,
    ReplicaRecord,
    TableExists,
    TableNotFound,
    TableRecord,
    durable_record,
)
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.replication.compare import digest
from globule.dynamodb.serving.replication.membership import Membership
from globule.dynamodb.serving.replication.messages import (
    Answer,
    Applied,
    Batch,
    Digest,
    Done,
    Forget,
    Join,
    Leave,
    Message,
    MessageProblem,
    NameTaken,
    Protected,
    Ready,
    Refused,
    Settle,
    Unknown,
    Welcome,
    Welcomed,
    decode_message,
    encode,
)
from globule.dynamodb.serving.replication.peers import read_standing, write_standing
from globule.dynamodb.serving.shaping import Shaping
from globule.dynamodb.serving.spaces import PLACE_LIMIT_BYTES
from globule.dynamodb.serving.streams import Streams
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import Store, StoreProblem, WriteTransaction

log = logging.getLogger(__name__)

# What reading a record raises that is none.
_NO_RECORDS = (struct.error, IndexError, KeyError, UnicodeDecodeError, msgspec.MsgspecError)


class Inbound:
    """Answers the other regions."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        surroundings: Surroundings,
        shaping: Shaping,
        membership: Membership,
        streams: Streams,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._surroundings = surroundings
        self._shaping = shaping
        self._membership = membership
        self._streams = streams
        self._joining = asyncio.Lock()
        self.settlements = dict.fromkeys(Settlement, 0)
        """How often each thing became of a write that arrived."""

    async def receive(self, data: bytes) -> bytes:
        """Never raises: what cannot be done now is refused, and the other region says it again."""
        try:
            answer = await self._answer(decode_message(data))
        except MessageProblem as problem:
            log.warning("refused: %s", problem)
            answer = Refused(str(problem))
        except TableNotFound:
            answer = Unknown()
        except StoreProblem as problem:
            answer = Refused(str(problem))
        return encode(answer)

    async def _answer(self, message: Message) -> Answer:
        match message:
            case Batch():
                return await self._apply(message)
            case Join():
                return await self._join(message)
            case Leave():
                table = self._catalogue.of_group(message.group)
                if table is not None and table.spec.deletion_protection:
                    return Protected()
                if table is not None:
                    await self._shaping.delete(table.name)
                return Done()
            case Forget():
                table = self._catalogue.of_group(message.group)
                if table is not None:
                    await self._membership.drop(table.number, message.region, tell=False)
                return Done()
            case Digest():
                return digest(self._store.read(), self._found(message.group), message)
        table = self._found(message.group)
        match message:
            case Welcome():
                if not any(replica.region == message.region for replica in table.replicas):
                    await self._membership.note(
                        table.number, message.region, group=message.group, seeded_by=message.origin
                    )
                return Welcomed(forgotten=read_counters(self._store.read(), table.number).forgotten)
            case Ready():
                await self._membership.ready(table.number, message)
            case Settle():
                await self._shaping.settle(table.number, message.spec, message.settled)
        return Done()

    async def _apply(self, batch: Batch) -> Answer:
        table = self._found(batch.group)
        if any(len(entry.place) > PLACE_LIMIT_BYTES for entry in batch.entries):
            raise MessageProblem(f"a batch for {table.name} with places where nothing can lie")

        def apply(transaction: WriteTransaction) -> list[Settlement]:
            writer = Writer(transaction, self._surroundings)
            settlements = [
                writer.apply(table, entry.place, entry.record, deleted=entry.deleted) for entry in batch.entries
            ]
            writer.finish()
            standing = read_standing(transaction, table.number, batch.origin)
            members = durable_record(transaction, table.number).replicas
            # The last words of a replica that left count, but nobody waits for more.
            if batch.passed > standing.heard and any(each.region == batch.origin for each in members):
                standing = msgspec.structs.replace(standing, heard=batch.passed)
                write_standing(transaction, table.number, batch.origin, standing)
            return settlements

        try:
            settlements = await self._store.write(apply)
        except _NO_RECORDS as problem:
            raise MessageProblem(f"a batch for {table.name} with what are no records: {problem!r}") from problem
        for settlement in settlements:
            self.settlements[settlement] += 1
        self._streams.notify()
        return Applied(at=self._surroundings.clock.now())

    async def _join(self, join: Join) -> Answer:
        async with self._joining:
            here = self._catalogue.of_group(join.group)
            if here is None:
                try:
                    here = await self._create(join.group, join.spec, join.members)
                except TableExists:
                    return NameTaken()
            return Done()

    async def _create(self, group: str, spec: TableSpec, members: list[str]) -> TableRecord:
        replicas = tuple(ReplicaRecord(region=member, status="ACTIVE") for member in members)
        return await self._shaping.create(spec, group=group, replicas=replicas, status="CREATING")

    def _found(self, group: str) -> TableRecord:
        """Raises TableNotFound."""
        table = self._catalogue.of_group(group)
        if table is None:
            raise TableNotFound(group)
        return table
