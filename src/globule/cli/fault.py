"""`globule fault`"""

from __future__ import annotations

import click

from globule.cli.output import print_json, world_options
from globule.cli.worlds import ask, find_world
from globule.faults import sentences
from globule.faults.changes import (
    DELAY_LIMIT_MS,
    EVERYWHERE,
    FaultChange,
    Heal,
    Kill,
    Partition,
    Restart,
    Slow,
    impossible,
)
from globule.run.messages import ChangeFaults, Published

# A restarted process may have to be started three times, and a change waits for the one before it.
LIMIT_S = 300.0


@click.group()
def command() -> None:
    """Break the world and mend it."""


def _change(state: str | None, as_json: bool, change: FaultChange) -> None:
    """Asks for a change and says what came of it, and what else is broken that could be taken for it."""
    why = impossible(change)
    if why is not None:
        raise click.UsageError(why)
    reply = ask(find_world(state), ChangeFaults(change=change), limit_s=LIMIT_S)
    assert isinstance(reply, Published)
    if as_json:
        print_json({"version": reply.version, "change": change, "faults": reply.faults})
        return
    click.echo(f"{sentences.of_change(change)}.")
    if isinstance(change, Heal):
        for fault in reply.faults.links:
            click.echo(f"still in force: {sentences.of_link(fault)}.")
        for name in reply.faults.dead:
            click.echo(f"still so: {sentences.of_change(Kill(name))}.")


@command.command()
@click.argument("process")
@world_options
def kill(process: str, state: str | None, as_json: bool) -> None:
    """Kill PROCESS (a region, or `edge`) with SIGKILL, and keep it dead until `restart`."""
    _change(state, as_json, Kill(process))


@command.command()
@click.argument("process")
@world_options
def restart(process: str, state: str | None, as_json: bool) -> None:
    """Start a killed PROCESS again; returns once it serves."""
    _change(state, as_json, Restart(process))


@command.command()
@click.argument("one")
@click.argument("other", default=EVERYWHERE)
@world_options
def partition(one: str, other: str, state: str | None, as_json: bool) -> None:
    """Cut every path between ONE place and OTHER (a region, edge location or city; default: everywhere else)."""
    _change(state, as_json, Partition(one, other))


@command.command()
@click.argument("one")
@click.argument("other", default=EVERYWHERE)
@click.option(
    "--delay",
    "delay_ms",
    default=0.0,
    type=click.FloatRange(0, DELAY_LIMIT_MS),
    metavar="MS",
    help="Delay added to each direction, in ms.",
)
@click.option("--loss", default=0.0, type=click.FloatRange(0, 1), help="Share of segments lost, from 0 to 1.")
@world_options
def slow(one: str, other: str, delay_ms: float, loss: float, state: str | None, as_json: bool) -> None:
    """Make the paths between ONE place and OTHER slow or lossy."""
    if not delay_ms and not loss:
        raise click.UsageError("say how slow: --delay MS, --loss SHARE, or both")
    _change(state, as_json, Slow(one, other, delay_ms=delay_ms, loss=loss))


@command.command()
@click.argument("one", default=EVERYWHERE)
@click.argument("other", default=EVERYWHERE)
@world_options
def heal(one: str, other: str, state: str | None, as_json: bool) -> None:
    """Mend the links between ONE place and OTHER; all of ONE's, or without arguments all."""
    _change(state, as_json, Heal(one, other))
