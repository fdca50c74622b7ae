"""The life of a data plane process: read the newest world, follow it, answer the control socket until told to stop.

    python -m globule.run.data_plane edge --state DIR
    python -m globule.run.data_plane eu-west-1 --state DIR

It never writes the world, and goes on serving from the last one it read when the supervisor is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvloop

from globule.host.tracing import Tracer
from globule.run.catalogue import MODELS
from globule.run.channel import serve_channel
from globule.run.messages import (
    Follow,
    Followed,
    Inspect,
    Inspected,
    Refused,
    Reply,
    Request,
    Spans,
    Stop,
    Stopping,
    Traced,
)
from globule.run.state import State, StateProblem
from globule.world.snapshot import World, WorldDecoder

log = logging.getLogger(__name__)


class DataPlane(Protocol):
    """The edge, or a region."""

    tracer: Tracer

    async def follow(self, world: World) -> None: ...

    def problems(self) -> Iterable[str]: ...

    def statistics(self) -> dict[str, Any]: ...

    async def answer(self, request: Request) -> Reply:
        """What only this kind of process can answer; Refused for the rest."""

    async def close(self) -> None: ...


class Follower:
    """Brings one data plane from world to world, and answers its control socket."""

    def __init__(self, plane: DataPlane, state: State) -> None:
        self._plane = plane
        self._state = state
        self._decoder = WorldDecoder(MODELS)
        self._turn = asyncio.Lock()
        self._version = -1
        self.stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when told to stop; with the error where a world could not be followed."""

    async def follow_newest(self) -> None:
        """Follow the world on disk, unless it is the one that is followed already."""
        async with self._turn:
            try:
                world = read_world(self._state, self._decoder)
                if world is None or world.version <= self._version:
                    return
                await self._plane.follow(world)
            except Exception as error:  # a data plane in no known state ends, and starts afresh
                self.stop(error)
                raise
            self._version = world.version

    def stop(self, error: Exception | None = None) -> None:
        if self.stopped.done():
            return
        if error is None:
            self.stopped.set_result(None)
        else:
            self.stopped.set_exception(error)

    async def answer(self, request: Request) -> Reply:
        match request:
            case _ if self.stopped.done():
                return Refused(why="this process is ending")
            case Follow():
                await self.follow_newest()
                return Followed(pid=os.getpid(), version=self._version, problems=tuple(self._plane.problems()))
            case Inspect():
                return Inspected(statistics=self._plane.statistics())
            case Spans(trace=trace):
                return Traced(spans=tuple(self._plane.tracer.of(trace)))
            case Stop():
                self.stop()
                return Stopping()
            case _:
                return await self._plane.answer(request)


def read_world(state: State, decoder: WorldDecoder) -> World | None:
    """The newest published world; None where there is none yet. Raises StateProblem on a damaged one."""
    try:
        return decoder.decode(state.world_file.read_bytes())
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StateProblem(
            f"{state.world_file} is damaged, or not of this version of Globule: {error}. "
            "Use the version that wrote it, or another directory with --state."
        ) from error


async def live(name: str, state: State) -> None:
    """Serve until told to stop."""
    # The two compositions import all that their process needs and nothing of the other's.
    if name == "edge":
        from globule.run.edge import EdgePlane

        plane: DataPlane = await EdgePlane.open(state)
    else:
        from globule.run.region import RegionPlane

        plane = await RegionPlane.open(name, state)
    follower = Follower(plane, state)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, follower.stop)
    await follower.follow_newest()
    channel = await serve_channel(state.socket(name), follower.answer)
    await follower.stopped
    await plane.close()
    await channel.close()  # last, because it says that this process lives


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.data_plane")
    parser.add_argument("name", help="edge, or a region code")
    parser.add_argument("--state", required=True, type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {arguments.name} %(levelname)s %(name)s %(message)s")
    try:
        uvloop.run(live(arguments.name, State(arguments.state)))
    except StateProblem as problem:
        raise SystemExit(str(problem)) from problem


if __name__ == "__main__":
    main()
