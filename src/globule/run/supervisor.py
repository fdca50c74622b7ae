"""The control plane: templates to a world, the world to the processes, and the processes kept alive.

    python -m globule.run.supervisor --state DIR

It is the only writer of the world. Killed and started again, it reads the last world and its stacks from the state
directory, adopts the processes that still serve, and goes on. It serves no application traffic: everything else
keeps running while it is dead.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import uvloop

from globule.cloudformation.execute import all_at_once, execute
from globule.cloudformation.problems import TemplateProblems
from globule.endpoint.door import AwsEndpoint
from globule.endpoint.regional_client import regional_client
from globule.faults.changes import FaultChange, Kill, Restart, changed
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Span
from globule.run.catalogue import MODELS
from globule.run.channel import ChannelClosed, serve_channel
from globule.run.data_plane import read_world
from globule.run.events import Events
from globule.run.messages import (
    ChangeFaults,
    Invalidate,
    Published,
    Refused,
    Reply,
    Request,
    Spans,
    Status,
    StatusReport,
    Stop,
    Stopping,
    Traced,
    Watch,
)
from globule.run.names import distributions_of, site_names
from globule.run.order import Order, read_order
from globule.run.processes import Process, ProcessProblem
from globule.run.stacks import Stacks
from globule.run.state import State, StateProblem, replace_file
from globule.run.uploads import UploadProblem, synchronise
from globule.world.faults import Faults
from globule.world.ports import Ports
from globule.world.snapshot import Deployed, Scales, World, WorldDecoder, encode_world

log = logging.getLogger(__name__)

# Exit status for what a new start cannot mend: the guardian does not try again.
CANNOT_RUN = 2


class Supervisor:
    """One world's control plane."""

    def __init__(self, state: State, order: Order) -> None:
        self._state = state
        self._order = order
        self._events = Events()
        self._world = read_world(state, WorldDecoder(MODELS)) or World()
        self._home = order.home or self._world.home
        self._stacks = Stacks(state, order)
        self._regions = regional_client(LoopbackNetwork(), Ports(order.port_base).internet)
        self._ready = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stop_everything = False
        self._processes: dict[str, Process] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Until told to stop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._order_stop, True)
        loop.add_signal_handler(signal.SIGINT, self._order_stop, True)
        ports = Ports(self._order.port_base)
        endpoint = AwsEndpoint(LoopbackNetwork(), ports, self._regions, lambda: self._world.regions)
        channel = await serve_channel(self._state.socket("supervisor"), self._answer)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                await endpoint.listen()
                running = tasks.create_task(self._bring_up())
                await self._stopped.wait()
                running.cancel()
                if self._stop_everything:
                    await asyncio.gather(*(process.stop() for process in self._processes.values()))
                raise _Ended
        except* _Ended:
            pass
        finally:
            await channel.close()
            await endpoint.close()
            self._regions.close()
            if self._stop_everything:
                self._state.socket("supervisor").unlink(missing_ok=True)

    async def _bring_up(self) -> None:
        """Processes first, on the last world where there is one: they start while the templates are read."""
        resumed = bool(self._world.resources)
        if self._world.version:
            await self._publish(self._world_with())
        if not await self._apply() and not (resumed and await self._fall_back()):
            self._events.report("failed", "nothing was started")
        async for files in self._stacks.changes():
            self._events.report("reload", f"{', '.join(files)} changed")
            await self._apply()

    async def _apply(self) -> bool:
        """Make the world what the templates say. Problems leave the world as it is; False then."""
        try:
            async with self._turn:
                application = self._stacks.read()
                self._home = self._order.home or application.home or World().home
                await self._keep_processes(application.regions)
                prepared = await self._stacks.prepare(application)
                for step in prepared.steps:
                    for action in step.plan.actions:
                        self._events.report("progress", f"{step.plan.stack} {step.plan.region}: {action}")
                executed = await execute(all_at_once(prepared), self._stacks.standing, self._stacks.catalogue, self)
                self._stacks.keep(executed.states)
                for reason in executed.reasons:
                    self._events.report("problem", reason)
                if executed.failed:
                    return False
                for upload in prepared.uploads:
                    count = await synchronise(self._regions, upload)
                    self._events.report("progress", f"{count} files changed in bucket {upload.bucket}")
                    if count:
                        await self._invalidate(upload.bucket)
        except (TemplateProblems, UploadProblem, ProcessProblem) as problems:
            self._events.report("problem", str(problems))
            return False
        self._ready.set()
        self._events.report("ready", f"world {self._world.version} serves in {', '.join(self._world.regions)}")
        return True

    async def _fall_back(self) -> bool:
        """Serve the last world, unchanged. False where it does not come up."""
        try:
            await self._keep_processes(self._world.regions)
            await self._serving()
        except ProcessProblem as problem:
            self._events.report("problem", str(problem))
            return False
        self._ready.set()
        self._events.report("unchanged", f"world {self._world.version} serves as it did before")
        return True

    async def publish(self, resources: tuple[Deployed, ...]) -> Sequence[str]:
        """As `cloudformation.execute.Publisher`: these resources to every living process, and what they say of it."""
        await self._publish(self._world_with(resources=resources))
        await self._serving()
        return [f"{process.name}: {why}" for process in self._processes.values() for why in process.problems]

    def _world_with(self, *, resources: tuple[Deployed, ...] | None = None, faults: Faults | None = None) -> World:
        """The next world: this one, with what is given and the present order's settings."""
        regions = tuple(name for name in self._processes if name != "edge")
        return World(
            version=self._world.version + 1,
            home=self._home,
            port_base=self._order.port_base,
            regions=regions or self._world.regions,
            scales=Scales(wan=self._order.wan, time=self._order.time_scale),
            faults=self._world.faults if faults is None else faults,
            resources=self._world.resources if resources is None else resources,
        )

    async def _invalidate(self, bucket: str) -> None:
        """What deploy scripts do after an upload: `aws cloudfront create-invalidation --paths "/*"`."""
        with contextlib.suppress(ChannelClosed):  # an edge that starts again has empty caches
            for distribution in distributions_of(self._world, bucket):
                await self._processes["edge"].ask(Invalidate(distribution=distribution, paths=("/*",)))

    async def _publish(self, world: World) -> None:
        """Durable, then visible: write the world, then tell every living process. One that says nothing new is not
        published."""
        if self._world.version and same_but_version(world, self._world):
            return
        await asyncio.to_thread(replace_file, self._state.world_file, encode_world(world))
        self._world = world
        living = [process for process in self._processes.values() if process.condition == "serving"]
        await asyncio.gather(*map(self._have_follow, living))

    async def _have_follow(self, process: Process) -> None:
        try:
            await process.follow()
        except ChannelClosed:  # it died just now, and reads this world when it starts
            await process.until_gone()

    async def _keep_processes(self, regions: tuple[str, ...]) -> None:
        assert self._tasks is not None
        for name in ("edge", *regions):
            if name not in self._processes:
                process = Process(name, self._state, self._events)
                self._processes[name] = process
                if name in self._world.faults.dead:
                    process.kill()
                self._tasks.create_task(process.keep_alive(), name=f"keep {name} alive")

    async def _serving(self) -> None:
        """Wait until every process that should live follows this world."""
        for process in self._processes.values():
            while process.condition != "dead" and process.version < self._world.version:
                await process.until_serving()
                await self._have_follow(process)

    async def _answer(self, request: Request) -> Reply | AsyncIterator[Reply]:
        match request:
            case Status():
                return await self._report()
            case ChangeFaults(change=change):
                return await self._change_faults(change)
            case Spans(trace=trace):
                return Traced(spans=await self._spans(trace))
            case Watch():
                return self._events.watch()
            case Stop(everything=everything):
                self._order_stop(everything)
                return Stopping()
            case _:
                return Refused(why=f"{type(request).__name__} is for the edge and for regions")

    def _order_stop(self, everything: bool) -> None:
        self._stop_everything = everything
        self._stopped.set()

    async def _report(self) -> StatusReport:
        ports = Ports(self._order.port_base)
        return StatusReport(
            ready=self._ready.is_set(),
            version=self._world.version,
            state=str(self._state.root),
            supervisor_pid=os.getpid(),
            guardian_pid=os.getppid(),
            doors={
                "internet": f"http://127.0.0.1:{ports.internet}",
                "endpoint": f"http://127.0.0.1:{ports.endpoint}",
                "dns": f"127.0.0.1:{ports.dns}",
            },
            home=self._world.home,
            regions=self._world.regions,
            names=site_names(self._world),
            processes=tuple(process.status() for process in self._processes.values()),
            stacks=self._stacks.status(),
            faults=self._world.faults,
        )

    async def _change_faults(self, change: FaultChange) -> Reply:
        """Kill first and publish then; start again only after publishing, so that no process sees a stale world."""
        if isinstance(change, Kill | Restart) and change.process not in self._processes:
            return Refused(why=f"there is no process {change.process!r}; there are {', '.join(self._processes)}")
        async with self._turn:
            if isinstance(change, Kill):
                self._processes[change.process].kill()
            await self._publish(self._world_with(faults=changed(self._world.faults, change)))
        if isinstance(change, Restart):
            self._processes[change.process].revive()
            try:
                await self._processes[change.process].until_serving()
            except ProcessProblem as problem:
                return Refused(why=str(problem))
        self._events.report("fault", repr(change))
        return Published(version=self._world.version)

    async def _spans(self, trace: str) -> tuple[Span, ...]:
        found: list[Span] = []
        for process in self._processes.values():
            with contextlib.suppress(ChannelClosed):
                reply = await process.ask(Spans(trace=trace))
                if isinstance(reply, Traced):
                    found.extend(reply.spans)
        return tuple(sorted(found, key=lambda span: span.start))


class _Ended(Exception):
    """Leaves the task group; everything in it is cancelled."""


def same_but_version(one: World, other: World) -> bool:
    return msgspec.structs.replace(one, version=0) == msgspec.structs.replace(other, version=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.supervisor")
    parser.add_argument("--state", required=True, type=Path)
    state = State(parser.parse_args().state)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s supervisor %(levelname)s %(name)s %(message)s")
    try:
        state.prepare()
        state.lock()
        supervisor_order = read_order(state)
    except StateProblem as problem:
        log.error("%s", problem)
        sys.exit(CANNOT_RUN)
    uvloop.run(Supervisor(state, supervisor_order).run())


if __name__ == "__main__":
    main()
