"""Which world a command is about, and how it speaks to that world's supervisor."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click
import msgspec

from globule.run.channel import ChannelClosed, ask_once
from globule.run.living import living
from globule.run.messages import Refused, Reply, Request, Status, StatusReport
from globule.run.order import read_order
from globule.run.settings import read_settings
from globule.run.state import State, StateProblem, known_worlds
from globule.world.ports import Ports

# A supervisor that was killed is there again within two or three seconds, on a busy machine.
COMEBACK_LIMIT_S = 15.0
# For what the supervisor knows by itself.
ANSWER_LIMIT_S = 15.0
POLL_S = 0.05


def find_world(state: str | None) -> State:
    """The world of `--state`, of the current folder or one above it, or the only one that runs on this machine."""
    settings = read_settings(state)
    if (settings.state / "format").is_file():
        return State(settings.state)
    if state is not None:
        raise click.UsageError(f"{settings.state} is not a state directory of Globule")
    running = [world for world in known_worlds() if living(world)]
    if len(running) == 1:
        return running[0]
    if running:
        listed = "".join(f"\n  --state {world.root}" for world in running)
        raise click.UsageError(f"no world in {Path.cwd()} or above, and several run on this machine:{listed}")
    raise click.ClickException(f"no world in {Path.cwd()} or above, and none runs. Start one with: globule up")


def ask(world: State, request: Request, *, limit_s: float = ANSWER_LIMIT_S) -> Reply:
    """The supervisor's reply; of its successor, where it has just died. Ends the command with status 1 where it
    refuses or there is none."""
    try:
        reply = asyncio.run(_ask(world, request, limit_s))
    except ChannelClosed:
        raise click.ClickException(_silence(world)) from None
    except TimeoutError:
        raise click.ClickException(
            f"the supervisor of {world.root} did not answer within {limit_s:.0f} s; see {world.log('supervisor')}"
        ) from None
    if isinstance(reply, Refused):
        raise click.ClickException(reply.why)
    return reply


async def _ask(world: State, request: Request, limit_s: float) -> Reply:
    deadline = time.monotonic() + COMEBACK_LIMIT_S
    while True:
        try:
            async with asyncio.timeout(limit_s):
                return await ask_once(world.socket("supervisor"), request)
        except ChannelClosed:
            if "guardian" not in living(world) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_S)


def _silence(world: State) -> str:
    """Why nobody answers, and what to do."""
    alive = living(world)
    if alive:
        return (
            f"the supervisor of {world.root} is dead; still there: {', '.join(alive)}. "
            "`globule up` takes over, `globule down` ends them."
        )
    return f"no world is running on {world.root}. Start one with: globule up"


def status_of(world: State) -> StatusReport:
    reply = ask(world, Status())
    assert isinstance(reply, StatusReport)
    return reply


class _Home(msgspec.Struct):
    home: str


def home_of(world: State) -> str:
    """The city of clients that do not say where they are; also while the supervisor is dead."""
    try:
        return msgspec.json.decode(world.world_file.read_bytes(), type=_Home).home
    except (OSError, msgspec.DecodeError):
        raise click.ClickException(_silence(world)) from None


def ports_of(world: State) -> Ports:
    """Of the world's doors; also while the supervisor is dead."""
    try:
        return Ports(read_order(world).port_base)
    except StateProblem as problem:
        raise click.ClickException(str(problem)) from None
