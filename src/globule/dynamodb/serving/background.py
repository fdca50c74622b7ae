"""Work that goes on beside the requests: backfills, purges, sweeps, replication. It ends with its tables."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from globule.dynamodb.serving.catalogue import TableNotFound
from globule.host.clock import Clock
from globule.storage.store import StoreClosed

log = logging.getLogger(__name__)

# After a failure, such as a full disk, work is taken up again at this pace.
RETRY_AFTER_S = 1.0


class Background:
    """One group of tasks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: asyncio.Queue[tuple[str, Callable[[], Awaitable[object]]]] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="tables: background")

    def start(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do this until it has been done: work that fails is begun again."""
        self._queue.put_nowait((name, work))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                name, work = await self._queue.get()
                group.create_task(self._finish(name, work), name=f"tables: {name}")

    async def _finish(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
                return
            except (StoreClosed, TableNotFound):
                return  # what was to be worked on is gone
            except Exception:
                # One job's failure must not end the others, and whatever it is, the job has still to be done.
                log.exception("%s failed, and is tried again", name)
            await self._clock.sleep(RETRY_AFTER_S)
