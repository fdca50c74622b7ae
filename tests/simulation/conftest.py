"""Regions on virtual time, for tests that need hours, partitions or several clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from globule.dynamodb.model import Item, KeyAttribute, Keys, TableSpec
from globule.dynamodb.serving.tables import Tables
from globule.host.entropy import SeededEntropy
from globule.simulation.clock import SkewedClock
from globule.simulation.loop import run
from globule.simulation.network import Network
from globule.simulation.region import Region

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"

# Virtual seconds: they cost nothing.
PATIENCE_S = 600.0


class Simulated:
    """Some regions and the network between them."""

    def __init__(self) -> None:
        self.network = Network(SeededEntropy(1))
        self.regions: dict[str, Region] = {}

    async def start(self, *names: str, sweep_period_s: float = 10.0) -> None:
        for name in names:
            region = Region(
                name,
                network=self.network,
                entropy=SeededEntropy(len(self.regions)),
                clock=SkewedClock(),
                sweep_period_s=sweep_period_s,
            )
            self.regions[name] = region
            await region.start()

    def __getitem__(self, name: str) -> Tables:
        return self.regions[name].tables

    async def replicate(self, spec: TableSpec, first: str, *others: str) -> None:
        """A global table in these regions."""
        await self[first].create(spec)
        for other in others:
            await self[first].add_replica(spec.name, other)
            await self.until(lambda: all(r.status == "ACTIVE" for r in self[first].find(spec.name).replicas))

    async def put(self, region: str, table: str, *items: Item) -> None:
        record = self[region].find(table)
        await self[region].write(lambda writer: [writer.put(record, item) for item in items])

    async def delete(self, region: str, table: str, key: Item) -> None:
        record = self[region].find(table)
        await self[region].write(lambda writer: writer.delete(record, key))

    def get(self, region: str, table: str, key: Item) -> Item | None:
        stored = self[region].read().get(self[region].find(table), key)
        return None if stored is None else stored.item()

    def items(self, region: str, table: str) -> list[Item]:
        found = self[region].read().scan(self[region].find(table))
        return sorted((stored.item() for stored in found), key=repr)

    def cut(self, one: str, other: str) -> None:
        self.network.cut(one, other)

    def heal(self, one: str, other: str) -> None:
        self.network.heal(one, other)

    async def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"did not happen within {within_s:.0f} virtual s"
            await asyncio.sleep(0.01)

    async def until_equal(self, table: str, within_s: float = PATIENCE_S) -> None:
        def equal() -> bool:
            for name in self.regions:
                if any(self[name].waiting(table, each.region) for each in self[name].find(table).replicas):
                    return False
            first, *others = (self.items(name, table) for name in self.regions)
            return all(other == first for other in others)

        await self.until(equal, within_s)

    async def close(self) -> None:
        for region in self.regions.values():
            if region.up:
                await region.tables.close()


@pytest.fixture
def simulated() -> Callable[[Callable[[Simulated], Awaitable[None]]], None]:
    """Runs a story on virtual time."""

    def play(story: Callable[[Simulated], Awaitable[None]]) -> None:
        async def main() -> None:
            world = Simulated()
            await story(world)
            await world.close()

        run(main())

    return play


@pytest.fixture
def chat() -> TableSpec:
    return TableSpec(
        name="chat",
        keys=Keys((KeyAttribute("room", "S"),), (KeyAttribute("at", "N"),)),
        stream="NEW_AND_OLD_IMAGES",
    )
