"""`globule fault`"""

from __future__ import annotations

import click

from globule.cli.output import print_json, world_options
from globule.cli.worlds import ask, find_world
from globule.faults.changes import FaultChange, Heal, Kill, Partition, Restart, Slow
from globule.run.messages import ChangeFaults, Published


@click.group()
def command() -> None:
    """Break the world and mend it."""


def _change(state: str | None, as_json: bool, change: FaultChange, done: str) -> None:
    reply = ask(find_world(state), ChangeFaults(change=change))
    assert isinstance(reply, Published)
    if as_json:
        print_json({"version": reply.version, "change": change})
    else:
        click.echo(done)


@command.command()
@click.argument("process")
@world_options
def kill(process: str, state: str | None, as_json: bool) -> None:
    """Kill PROCESS (a region, or `edge`) with SIGKILL, and keep it dead until `restart`."""
    _change(state, as_json, Kill(process), f"{process} is dead. Bring it back with: globule fault restart {process}")


@command.command()
@click.argument("process")
@world_options
def restart(process: str, state: str | None, as_json: bool) -> None:
    """Start a killed PROCESS again; returns once it serves."""
    _change(state, as_json, Restart(process), f"{process} serves again.")


@command.command()
@click.argument("one")
@click.argument("other", default="*")
@world_options
def partition(one: str, other: str, state: str | None, as_json: bool) -> None:
    """Cut every path between ONE place and OTHER (a region, edge location or city; default: everywhere else)."""
    _change(state, as_json, Partition(one, other), f"Nothing passes between {one} and {_named(other)}.")


@command.command()
@click.argument("one")
@click.argument("other", default="*")
@click.option("--delay", "delay_ms", default=0.0, metavar="MS", help="Delay added to each direction, in ms.")
@click.option("--loss", default=0.0, type=click.FloatRange(0, 1), help="Share of segments lost, from 0 to 1.")
@world_options
def slow(one: str, other: str, delay_ms: float, loss: float, state: str | None, as_json: bool) -> None:
    """Make the paths between ONE place and OTHER slow or lossy."""
    if delay_ms <= 0 and loss <= 0:
        raise click.UsageError("say how slow: --delay MS, --loss SHARE, or both")
    change = Slow(one, other, delay_ms=delay_ms, loss=loss)
    _change(state, as_json, change, f"{one} and {_named(other)}: {delay_ms:g} ms more each way, {loss:.0%} loss.")


@command.command()
@click.argument("one", default="*")
@click.argument("other", default="*")
@world_options
def heal(one: str, other: str, state: str | None, as_json: bool) -> None:
    """Mend the link between two places; without arguments, all links."""
    mended = "All links are whole." if (one, other) == ("*", "*") else f"{one} and {_named(other)} are connected."
    _change(state, as_json, Heal(one, other), mended)


def _named(place: str) -> str:
    return "everywhere else" if place == "*" else place
