"""All data plane processes of a world: the edge, and one a region."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from globule.host.tracing import Span
from globule.run.channel import ChannelClosed
from globule.run.events import Events
from globule.run.messages import Invalidate, Spans, Traced
from globule.run.processes import Process
from globule.run.state import State

EDGE = "edge"


class DataPlanes:
    """Kept alive by tasks of a TaskGroup."""

    def __init__(self, state: State, events: Events, tasks: asyncio.TaskGroup) -> None:
        self._state = state
        self._events = events
        self._tasks = tasks
        self._processes: dict[str, Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"<DataPlanes {list(self._processes.values())}>"

    def __iter__(self) -> Iterator[Process]:
        return iter(self._processes.values())

    def get(self, name: str) -> Process | None:
        return self._processes.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._processes)

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(name for name in self._processes if name != EDGE)

    def keep(self, regions: Iterable[str], *, dead: Iterable[str]) -> None:
        """Have the edge and these regions, beside those that there are already; the `dead` stay so."""
        for name in (EDGE, *regions):
            if name not in self._processes:
                process = self._processes[name] = Process(name, self._state, self._events)
                if name in dead:
                    process.kill()
                self._keepers[name] = self._tasks.create_task(process.keep_alive(), name=f"keep {name} alive")

    async def end_all_but(self, regions: Iterable[str]) -> None:
        """End the regions that are no longer wanted, and put the others in this order."""
        wanted = (EDGE, *regions)
        gone = [name for name in self._processes if name not in wanted]
        await asyncio.gather(*(self._processes[name].stop() for name in gone))
        for name in gone:
            self._keepers.pop(name).cancel()
        self._processes = {name: self._processes[name] for name in wanted if name in self._processes}

    async def follow(self) -> None:
        """Have every living one follow the newest world."""
        await asyncio.gather(*(_have_follow(process) for process in self if process.condition == "serving"))

    async def until_all_follow(self, version: int) -> None:
        """Wait until every process that should live follows this world. Raises ProcessProblem."""
        for process in list(self):
            while process.condition != "dead" and process.version < version:
                await process.until_serving()
                await _have_follow(process)

    def problems(self) -> list[str]:
        """What those that should live could not bring up."""
        return [f"{each.name}: {why}" for each in self if each.condition != "dead" for why in each.problems]

    async def spans(self, trace: str) -> tuple[Span, ...]:
        """The spans of one request, of all who saw it, in order."""
        found: list[Span] = []
        for process in list(self):
            with contextlib.suppress(ChannelClosed, TimeoutError):
                reply = await process.ask(Spans(trace=trace))
                if isinstance(reply, Traced):
                    found.extend(reply.spans)
        return tuple(sorted(found, key=lambda span: span.start))

    async def invalidate(self, distribution: str) -> None:
        """As deploy scripts do: `aws cloudfront create-invalidation --paths "/*"`."""
        with contextlib.suppress(ChannelClosed, TimeoutError):  # an edge that starts again has empty caches
            await self._processes[EDGE].ask(Invalidate(distribution=distribution, paths=("/*",)))

    async def stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self))


async def _have_follow(process: Process) -> None:
    try:
        await process.follow()
    except ChannelClosed:  # it died just now, and reads this world when it starts
        await process.until_gone()
