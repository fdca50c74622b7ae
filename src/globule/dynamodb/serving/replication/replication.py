"""Global tables, version 2019.11.21 with eventual consistency, as one region does its part.

    a local write -> log -> `outbound`, one for each other region -> ... -> `inbound` of that region
    `membership`  replicas that join and leave        `errands`  what must be delivered some time
    `compare`     whether two replicas are equal      `forgetting`  tombstones that nobody needs any more

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from __future__ import annotations

import asyncio
from typing import Any

from globule.dynamodb.serving.background import Background
from globule.dynamodb.serving.catalogue import Catalogue, TableNotFound, TableRecord
from globule.dynamodb.serving.replication.compare import Comparison, compare
from globule.dynamodb.serving.replication.errands import Errands
from globule.dynamodb.serving.replication.forgetting import Forgetting
from globule.dynamodb.serving.replication.inbound import Inbound
from globule.dynamodb.serving.replication.latency import Latency
from globule.dynamodb.serving.replication.membership import Membership
from globule.dynamodb.serving.replication.messages import (
    Digested,
    Message,
    MessageProblem,
    Unknown,
    decode_answer,
    encode,
)
from globule.dynamodb.serving.replication.outbound import CALL_LIMIT_S, Outbound
from globule.dynamodb.serving.replication.peers import Peers
from globule.dynamodb.serving.shaping import Shaping
from globule.dynamodb.serving.streams import Streams
from globule.dynamodb.serving.surroundings import Surroundings
from globule.host.clock import Clock
from globule.storage.store import Store


class Replication:
    """One region's."""

    def __init__(
        self,
        *,
        region: str,
        store: Store,
        catalogue: Catalogue,
        surroundings: Surroundings,
        shaping: Shaping,
        streams: Streams,
        clock: Clock,
        peers: Peers,
        errands: Errands,
        background: Background,
    ) -> None:
        self._region = region
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._peers = peers
        self._errands = errands
        self._background = background
        self._outbounds: dict[str, Outbound] = {}
        self.membership = Membership(
            region=region,
            store=store,
            catalogue=catalogue,
            shaping=shaping,
            time=surroundings.time,
            clock=clock,
            peers=peers,
            errands=errands,
            background=background,
        )
        self._inbound = Inbound(
            store=store,
            catalogue=catalogue,
            surroundings=surroundings,
            shaping=shaping,
            membership=self.membership,
            streams=streams,
        )
        self._forgetting = Forgetting(store=store, surroundings=surroundings)

    def __repr__(self) -> str:
        return f"<Replication {self._region} to {', '.join(sorted(self._outbounds)) or 'nobody'}>"

    def resume(self) -> None:
        """Go on where a stop or a crash interrupted."""
        self.membership.resume()
        self.reach()

    def wake(self) -> None:
        """Something was written: tell the other regions at once."""
        for outbound in self._outbounds.values():
            outbound.wake()

    def reach(self) -> None:
        """The catalogue may have changed: have somebody to tell every region that there is something for."""
        regions = {replica.region for table in self._catalogue.global_tables() for replica in table.replicas}
        for region in sorted((regions | self._errands.regions()) - self._outbounds.keys()):
            self._begin(region)
        self.wake()

    async def receive(self, message: bytes) -> bytes:
        """What another region says, and our answer."""
        answer = await self._inbound.receive(message)
        self.reach()
        return answer

    async def compare(self, name: str, region: str) -> Comparison:
        """Raises TableNotFound, and OSError where the other replica cannot be asked."""
        table = self._catalogue.find(name)
        if not any(replica.region == region for replica in table.replicas):
            raise TableNotFound(f"{name} has no replica in {region}")

        async def ask(message: Message) -> Digested:
            async with asyncio.timeout(CALL_LIMIT_S):
                data = await self._peers.call(region, encode(message))
            try:
                answer = decode_answer(data)
            except MessageProblem as problem:
                raise ConnectionError(f"{region} answered what is no answer: {problem}") from problem
            if isinstance(answer, Unknown) or not isinstance(answer, Digested):
                raise ConnectionError(f"{region} has no replica of {name}")
            return answer

        return await compare(self._store, table, ask)

    async def keep_house(self, table: TableRecord) -> None:
        """Now and then: let the others forget tombstones, and forget ours."""
        if table.global_table and table.status == "ACTIVE":
            await self._forgetting.run(table)
            self.reach()

    def latency(self, table: str, region: str) -> Latency | None:
        """ReplicationLatency from here to a region; None where nothing was ever sent there."""
        outbound = self._outbounds.get(region)
        return None if outbound is None else outbound.latency(table)

    def waiting(self, table: TableRecord, region: str) -> int:
        """How many changes of the table's sequence the region has not been told of; an upper bound."""
        outbound = self._outbounds.get(region)
        return 0 if outbound is None else outbound.waiting(table)

    def statistics(self) -> dict[str, Any]:
        return {
            "settled": {kind.name.lower(): count for kind, count in self._inbound.settlements.items()},
            "to": {region: outbound.statistics() for region, outbound in sorted(self._outbounds.items())},
        }

    def _begin(self, region: str) -> None:
        outbound = Outbound(
            region=self._region,
            to=region,
            store=self._store,
            catalogue=self._catalogue,
            clock=self._clock,
            peers=self._peers,
            errands=self._errands,
        )
        self._outbounds[region] = outbound
        self._background.start(f"tell {region}", outbound.run)
