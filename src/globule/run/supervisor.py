"""The control plane: templates to a world, the world to the processes, and the processes kept alive.

    python -m globule.run.supervisor --state DIR

It is the only writer of the world. Killed and started again, it reads the last world and its stacks from the state
directory, adopts the processes that still serve, and goes on. It serves no application traffic: everything else
keeps running while it is dead.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import uvloop

from globule.cloudformation.execute import all_at_once, execute
from globule.cloudformation.prepared import Prepared
from globule.cloudformation.problems import TemplateProblems
from globule.endpoint.door import AwsEndpoint
from globule.endpoint.regional_client import regional_client
from globule.faults import sentences
from globule.faults.changes import FaultChange, Kill, Restart, changed, impossible
from globule.host.network import LoopbackNetwork
from globule.run.catalogue import MODELS
from globule.run.channel import serve_channel
from globule.run.data_plane import read_world
from globule.run.data_planes import DataPlanes
from globule.run.events import Events
from globule.run.guardian import start_guardian
from globule.run.messages import (
    ChangeFaults,
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
from globule.run.processes import ProcessProblem
from globule.run.stacks import Stacks
from globule.run.state import CANNOT_RUN, State, StateProblem, replace_file
from globule.run.uploads import UploadProblem, synchronise
from globule.world.faults import Faults
from globule.world.ports import Ports
from globule.world.snapshot import Deployed, Scales, World, WorldDecoder, encode_world

log = logging.getLogger(__name__)

# Its guardian and the logs are looked at this often.
GUARDIAN_WATCH_S = 1.0
LOGS_WATCH_S = 60.0
# More actions on one stack are counted, not named.
NAMED_ACTIONS = 4


class Supervisor:
    """One world's control plane."""

    def __init__(self, state: State, order: Order) -> None:
        """Raises StateProblem where what the state directory remembers cannot be read."""
        self._state = state
        self._order = order
        self._events = Events()
        self._world = read_world(state, WorldDecoder(MODELS)) or World()
        self._home = order.home or self._world.home
        self._stacks = Stacks(state, order)
        self._regions = regional_client(LoopbackNetwork(), Ports(order.port_base).internet)
        self._ready = asyncio.Event()
        self._stopped = asyncio.Event()
        self._turn = asyncio.Lock()
        self.orphaned = False
        """Its guardian is dead, so it has ended, and left the world as it is to whoever comes next."""

    async def run(self) -> None:
        """Until told to stop. Raises StateProblem where the AWS endpoint's port is taken."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopped.set)
        loop.add_signal_handler(signal.SIGINT, self._stopped.set)
        ports = Ports(self._order.port_base)
        endpoint = AwsEndpoint(LoopbackNetwork(), ports, self._regions, lambda: self._world.regions)
        try:
            await endpoint.listen()
        except OSError as error:
            raise StateProblem(f"the AWS endpoint cannot listen on port {ports.endpoint}: {error.strerror}") from error
        try:
            async with asyncio.TaskGroup() as tasks:
                self._planes = DataPlanes(self._state, self._events, tasks)
                channel = await serve_channel(self._state.socket("supervisor"), self._answer)
                tasks.create_task(self._watch_guardian())
                tasks.create_task(self._watch_logs())
                running = tasks.create_task(self._bring_up())
                await self._stopped.wait()
                running.cancel()
                if not self.orphaned:
                    await self._planes.stop()
                raise _Ended
        except* _Ended:
            pass
        finally:
            await endpoint.close()
            self._regions.close()
        await channel.close()  # last, because it says that this process lives

    async def _watch_guardian(self) -> None:
        """Without one, nobody would start this process again. So it makes room for a successor that has one."""
        guardian = os.getppid()
        while os.getppid() == guardian:  # noqa: ASYNC110 - the operating system has no event for it
            await asyncio.sleep(GUARDIAN_WATCH_S)
        self._events.report("process", "the guardian died; a new one takes over")
        self.orphaned = True
        self._stopped.set()

    async def _watch_logs(self) -> None:
        while True:
            try:
                self._state.shorten_logs()
            except OSError as error:
                log.warning("logs could not be shortened: %s", error)
            await asyncio.sleep(LOGS_WATCH_S)

    # Templates to a world.

    async def _bring_up(self) -> None:
        """Processes first, on the last world where there is one: they start while the templates are read."""
        if self._world.version:
            await self._settle(self._world.regions)
        if not await self._apply() and not (self._world.resources and await self._fall_back()):
            self._events.report("failed", "nothing was started")
        try:
            async for files in self._stacks.changes():
                if files:
                    self._events.report("reload", f"{', '.join(files)} changed")
                await self._apply(quiet=not files)
        except OSError as error:
            self._events.report("problem", f"files are no longer followed: {error}")

    async def _apply(self, *, quiet: bool = False) -> bool:
        """Make the world what the templates say. Problems leave the world as it is; False then. `quiet`: say nothing
        where there is nothing to do."""
        async with self._turn:
            regions = self._planes.regions
            try:
                application = self._stacks.read()
                self._home = self._order.home or application.home or World().home
                self._planes.keep(application.regions, dead=self._world.faults.dead)
                prepared = await self._stacks.prepare(application)
                await self._deploy(prepared)
                regions = application.regions
                uploaded = await self._upload(prepared)
            except (TemplateProblems, UploadProblem, RolledBack, OSError) as problem:
                self._events.report("problem", str(problem))
                await self._settle(regions)
                return False
            await self._settle(regions)
        if not (quiet and prepared.empty and not uploaded and self._ready.is_set()):
            self._ready.set()
            self._events.report("ready", f"world {self._world.version} serves in {', '.join(self._world.regions)}")
        return True

    async def _deploy(self, prepared: Prepared) -> None:
        """Raises RolledBack, OSError."""
        for sentence in progress(prepared):
            self._events.report("progress", sentence)
        self._stacks.begin(prepared)
        executed = await execute(all_at_once(prepared), self._stacks.standing, self._stacks.catalogue, self)
        self._stacks.keep(executed.states)
        if executed.failed:
            raise RolledBack("\n".join(("rolled back, because", *executed.reasons)))

    async def _upload(self, prepared: Prepared) -> int:
        """How many files changed. Raises UploadProblem."""
        total = 0
        for upload in prepared.uploads:
            count = await synchronise(self._regions, upload)
            total += count
            if count:
                self._events.report("progress", f"{count} files changed in bucket {upload.bucket}")
                for distribution in distributions_of(self._world, upload.bucket):
                    await self._planes.invalidate(distribution)
        return total

    async def _settle(self, regions: Sequence[str]) -> None:
        """Have exactly these regions, and the present order's settings."""
        self._planes.keep(regions, dead=self._world.faults.dead)
        await self._planes.end_all_but(regions)
        if self._world.version:
            try:
                await self._publish(self._world_with())
            except OSError as error:
                self._events.report("problem", str(error))

    async def _fall_back(self) -> bool:
        """Serve the last world, unchanged. False where it does not come up."""
        try:
            await self._planes.until_all_follow(self._world.version)
        except ProcessProblem as problem:
            self._events.report("problem", str(problem))
            return False
        self._ready.set()
        self._events.report("unchanged", f"world {self._world.version} serves as it did before")
        return True

    async def publish(self, resources: tuple[Deployed, ...]) -> Sequence[str]:
        """As `cloudformation.execute.Publisher`: these resources to every living process, and what they say of it."""
        await self._publish(self._world_with(resources=resources))
        try:
            await self._planes.until_all_follow(self._world.version)
        except ProcessProblem as problem:
            return [str(problem)]
        return self._planes.problems()

    def _world_with(self, *, resources: tuple[Deployed, ...] | None = None, faults: Faults | None = None) -> World:
        """The next world: this one, with what is given and the present order's settings."""
        return World(
            version=self._world.version + 1,
            home=self._home,
            port_base=self._order.port_base,
            regions=self._planes.regions,
            scales=Scales(wan=self._order.wan, time=self._order.time_scale),
            faults=self._world.faults if faults is None else faults,
            resources=self._world.resources if resources is None else resources,
        )

    async def _publish(self, world: World) -> None:
        """Durable, then visible: write the world, then tell every living process. Raises OSError where it cannot be
        written; then nothing has changed."""
        if await self._write(world):
            await self._planes.follow()

    async def _write(self, world: World) -> bool:
        """Make this the world. False where it says nothing new. Raises OSError."""
        if self._world.version and same_but_version(world, self._world):
            return False
        await asyncio.to_thread(replace_file, self._state.world_file, encode_world(world))
        self._world = world
        return True

    # The control socket.

    async def _answer(self, request: Request) -> Reply | AsyncIterator[Reply]:
        match request:
            case Status():
                return self._report()
            case ChangeFaults(change=change):
                return await self._change_faults(change)
            case Spans(trace=trace):
                return Traced(spans=await self._planes.spans(trace))
            case Watch():
                return self._events.watch()
            case Stop():
                self._stopped.set()
                return Stopping()
            case _:
                return Refused(why=f"{type(request).__name__} is for the edge and for regions")

    def _report(self) -> StatusReport:
        ports = Ports(self._order.port_base)
        return StatusReport(
            ready=self._ready.is_set(),
            version=self._world.version,
            state=str(self._state.root),
            supervisor_pid=os.getpid(),
            guardian_pid=os.getppid(),
            doors={
                "internet": f"http://127.0.0.1:{ports.internet}",
                "internet_secure": f"https://127.0.0.1:{ports.internet_secure}",
                "endpoint": f"http://127.0.0.1:{ports.endpoint}",
                "dns": f"127.0.0.1:{ports.dns}",
            },
            home=self._world.home,
            regions=self._world.regions,
            names=site_names(self._world),
            processes=tuple(process.status() for process in self._planes),
            stacks=self._stacks.status(),
            faults=self._world.faults,
        )

    async def _change_faults(self, change: FaultChange) -> Reply:
        """Written, then done, then told; a process starts again only when all have been told that it may."""
        why = impossible(change)
        if why is not None:
            return Refused(why=why)
        process = None
        if isinstance(change, Kill | Restart):
            process = self._planes.get(change.process)
            if process is None:
                return Refused(why=f"there is no process {change.process!r}; there are {', '.join(self._planes.names)}")
        async with self._turn:
            try:
                await self._write(self._world_with(faults=changed(self._world.faults, change)))
            except OSError as error:
                return Refused(why=f"nothing has changed, because the world cannot be written: {error}")
            if process is not None and isinstance(change, Kill):
                process.kill()
            await self._planes.follow()
        if process is not None and isinstance(change, Restart):
            process.revive()
            try:
                await process.until_serving()
            except ProcessProblem as problem:
                return Refused(why=str(problem))
        self._events.report("fault", sentences.of_change(change))
        return Published(version=self._world.version, faults=self._world.faults)


class RolledBack(Exception):
    """A change did not come up, and what stood before it stands again; the text says why."""


class _Ended(Exception):
    """Leaves the task group; everything in it is cancelled."""


def progress(prepared: Prepared) -> Iterator[str]:
    """What is going to be done, in a line or a few for each stack and region."""
    for step in prepared.steps:
        where, actions = f"{step.plan.stack} {step.plan.region}", step.plan.actions
        if len(actions) <= NAMED_ACTIONS:
            yield from (f"{where}: {action}" for action in actions)
        else:
            counts = collections.Counter(action.kind for action in actions)
            yield f"{where}: {', '.join(f'{kind} {count} resources' for kind, count in counts.items())}"


def same_but_version(one: World, other: World) -> bool:
    return msgspec.structs.replace(one, version=0) == msgspec.structs.replace(other, version=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.supervisor")
    parser.add_argument("--state", required=True, type=Path)
    state = State(parser.parse_args().state)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s supervisor %(levelname)s %(name)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # what changed is an event
    try:
        state.prepare()
        state.lock("supervisor")
        supervisor = Supervisor(state, read_order(state))
        uvloop.run(supervisor.run())
    except StateProblem as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(CANNOT_RUN)
    if supervisor.orphaned:
        state.unlock("supervisor")
        start_guardian(state)


if __name__ == "__main__":
    main()
