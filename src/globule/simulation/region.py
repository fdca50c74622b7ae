"""One simulated region: the real tables over a disk that outlives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from globule.dynamodb.serving.tables import Tables
from globule.host.entropy import Entropy
from globule.simulation.clock import SkewedClock
from globule.simulation.network import Network, Phone
from globule.storage.group import GroupStore
from globule.storage.memory_engine import MemoryDisk, MemoryEngine

ACCOUNT = "000000000000"


class Down(Exception):
    """The region has no power."""


class Region:
    """May be started, crashed and started again."""

    def __init__(
        self, name: str, *, network: Network, entropy: Entropy, clock: SkewedClock, sweep_period_s: float = 10.0
    ) -> None:
        self.name = name
        self.disk = MemoryDisk()
        self.clock = clock
        self._network = network
        self._entropy = entropy
        self._sweep_period_s = sweep_period_s
        self._engine: MemoryEngine | None = None
        self._tables: Tables | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.crashes = 0

    def __repr__(self) -> str:
        return f"<Region {self.name} {'up' if self._tables else 'down'} crashes={self.crashes}>"

    @property
    def tables(self) -> Tables:
        """Raises Down."""
        if self._tables is None:
            raise Down(self.name)
        return self._tables

    @property
    def up(self) -> bool:
        return self._tables is not None

    async def start(self) -> None:
        assert self._tables is None
        self._engine = MemoryEngine(self.disk, entropy=self._entropy)
        self._tables = await Tables.open(
            GroupStore(self._engine),
            region=self.name,
            account=ACCOUNT,
            clock=self.clock,
            entropy=self._entropy,
            peers=Phone(self._network, self.name),
            sweep_period_s=self._sweep_period_s,
        )
        self._network.attach(self.name, self._receive)

    async def crash(self) -> None:
        """Lose power: everything under way stops where it is, and what was not on the disk is gone."""
        assert self._engine is not None
        assert self._tables is not None
        self.crashes += 1
        self._network.detach(self.name)
        self._engine.crash()
        tables, self._tables = self._tables, None
        for task in list(self._tasks):
            task.cancel()
        await tables.close()

    async def run(self, work: Callable[[Tables], Coroutine[Any, Any, Any]]) -> Any:
        """Do something in this region. Raises Down where it has no power, or loses it meanwhile."""
        task = asyncio.create_task(work(self.tables))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait([task])
        if task.cancelled():
            raise Down(self.name)
        return task.result()

    async def _receive(self, message: bytes) -> bytes:
        try:
            answer: bytes = await self.run(lambda tables: tables.receive(message))
        except Down:
            raise asyncio.CancelledError from None
        return answer
