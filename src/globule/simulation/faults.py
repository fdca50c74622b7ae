"""What goes wrong in a run, one thing after another, chosen by the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from globule.host.entropy import Entropy
from globule.simulation.network import Network
from globule.simulation.region import Region

# On average one fault begins every so many seconds; most last longer, so several are in force at once.
EVERY_S = 12.0
LONGEST_S = 90.0


class Faults:
    """The faults of one run."""

    def __init__(self, regions: list[Region], network: Network, entropy: Entropy) -> None:
        self._regions = regions
        self._network = network
        self._entropy = entropy
        self.happened: list[str] = []

    async def run(self, until_s: float) -> None:
        """Begin faults until that time; return when the last one is over."""
        loop = asyncio.get_running_loop()
        kinds: list[Callable[[], Awaitable[None]]] = [
            self._partition,
            self._isolate,
            self._hold,
            self._crash,
            self._crash,
            self._set_clock,
            self._slow,
            self._lose,
            self._fill_disk,
        ]
        async with asyncio.TaskGroup() as group:
            while loop.time() < until_s:
                await asyncio.sleep(EVERY_S * 2 * self._entropy.uniform())
                group.create_task(_whole(self._one_of(kinds)))

    def _one_of(self, kinds: list[Callable[[], Awaitable[None]]]) -> Callable[[], Awaitable[None]]:
        kind = kinds[int(self._entropy.uniform() * len(kinds))]
        self.happened.append(f"{asyncio.get_running_loop().time():.1f} {kind.__name__.lstrip('_')}")
        return kind

    def _region(self) -> Region:
        return self._regions[int(self._entropy.uniform() * len(self._regions))]

    def _two(self) -> tuple[str, str]:
        first = int(self._entropy.uniform() * len(self._regions))
        step = 1 + int(self._entropy.uniform() * (len(self._regions) - 1))
        return self._regions[first].name, self._regions[(first + step) % len(self._regions)].name

    async def _lasts(self) -> None:
        await asyncio.sleep(LONGEST_S * self._entropy.uniform() ** 2)

    async def _partition(self) -> None:
        one, other = self._two()
        self._network.cut(one, other)
        await self._lasts()
        self._network.heal(one, other)

    async def _hold(self) -> None:
        source, destination = self._two()
        self._network.hold(source, destination)
        await self._lasts()
        self._network.release(source, destination, lose=self._entropy.uniform() < 0.5)

    async def _isolate(self) -> None:
        region = self._region().name
        others = [other.name for other in self._regions if other.name != region]
        for other in others:
            self._network.cut(region, other)
        await self._lasts()
        for other in others:
            self._network.heal(region, other)

    async def _crash(self) -> None:
        region = self._region()
        if not region.up:
            return
        await region.crash()
        await self._lasts()
        await region.start()

    async def _set_clock(self) -> None:
        distance_s = 10 ** (self._entropy.uniform() * 5 - 2)
        self._region().clock.jump(distance_s if self._entropy.uniform() < 0.5 else -distance_s)

    async def _slow(self) -> None:
        link = self._network.link(*self._two())
        link.extra_s += 2 * self._entropy.uniform()
        await self._lasts()
        link.extra_s = 0.0

    async def _lose(self) -> None:
        link = self._network.link(*self._two())
        link.loss = 0.5 * self._entropy.uniform()
        await self._lasts()
        link.loss = 0.0

    async def _fill_disk(self) -> None:
        disk = self._region().disk
        disk.full = True
        await self._lasts()
        disk.full = False


async def _whole(fault: Callable[[], Awaitable[None]]) -> None:
    await fault()
