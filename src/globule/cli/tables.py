"""`globule tables`: what AWS does not show of global tables."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from globule.cli.output import console, print_json, world_options
from globule.cli.worlds import find_world, status_of
from globule.dynamodb.rules.clock import stamp_time
from globule.run.channel import ChannelClosed, ask_once
from globule.run.messages import (
    Compare,
    Compared,
    Conflicts,
    ConflictsFound,
    Inspect,
    Inspected,
    Refused,
    Reply,
    Request,
    StatusReport,
)
from globule.run.state import State
from globule.storage.opening import verify_store
from globule.storage.store import StoreInUse, StoreProblem

# Every named difference is a line; more than a few screens help nobody.
SHOWN_DIFFERENCES = 50


@click.group()
def command() -> None:
    """Look into the world's tables: what each region has, how far behind, and what conflicts cost."""


@command.command("list")
@world_options
def list_(state: str | None, as_json: bool) -> None:
    """List every region's tables: status, items, bytes, replicas."""
    figures = _statistics(find_world(state))
    if as_json:
        print_json({region: found["tables"] for region, found in figures.items()})
        return
    table = _table("region", "table", "status", "items", "bytes", "replicas")
    for region, found in figures.items():
        for name, one in found["tables"].items():
            replicas = ", ".join(f"{other} {status}" for other, status in one["replicas"].items())
            table.add_row(region, escape(name), one["status"], str(one["items"]), str(one["bytes"]), replicas)
    console.print(table)


@command.command()
@world_options
def lag(state: str | None, as_json: bool) -> None:
    """Show how long writes take from each region to each other (ReplicationLatency), and what still waits."""
    world = find_world(state)
    figures = {region: found["replication"]["to"] for region, found in _statistics(world).items()}
    if as_json:
        print_json(figures)
        return
    table = _table("table", "from", "to", "writes", "p50", "p99", "last", "waiting", "")
    for region, others in figures.items():
        for other, link in others.items():
            for name, one in link["tables"].items():
                latency = one["latency"]
                times = [f"{latency[key]:.1f} ms" if key in latency else "" for key in ("p50_ms", "p99_ms", "last_ms")]
                reached = "" if link["reachable"] else "[red]cannot be reached[/]"
                count, waiting = str(latency["count"]), str(one["waiting"])
                table.add_row(escape(name), region, other, count, *times, waiting, reached)
    console.print(table)


@command.command()
@click.argument("table", required=False)
@click.option("--limit", default=100, show_default=True, help="The newest so many of each region.")
@world_options
def conflicts(table: str | None, limit: int, state: str | None, as_json: bool) -> None:
    """Show the writes that last-writer-wins discarded, with the ones that were kept, newest first."""
    world = find_world(state)
    found: list[dict[str, Any]] = []
    for region in _living(status_of(world)):
        reply = _ask(world, region, Conflicts(table=table, limit=limit))
        assert isinstance(reply, ConflictsFound)
        found += [{"region": region, **conflict} for conflict in reply.conflicts]
    found.sort(key=lambda conflict: -float(conflict["at"]))
    if as_json:
        print_json(found)
        return
    rows = _table("settled", "in", "table", "key", "discarded, written in", "kept, written in")
    for conflict in found:
        rows.add_row(
            time.strftime("%H:%M:%S", time.localtime(conflict["at"])),
            conflict["region"],
            escape(conflict["table"]),
            escape(_item(conflict["key"])),
            escape(_side(conflict["lost"])),
            escape(_side(conflict["kept"])),
        )
    console.print(rows if found else "No write was discarded.")


@command.command()
@click.argument("one")
@click.argument("other")
@click.argument("table", required=False)
@world_options
def diff(one: str, other: str, table: str | None, state: str | None, as_json: bool) -> None:
    """Compare the replicas of regions ONE and OTHER, of TABLE or of all tables; exit status 1 where they differ."""
    world = find_world(state)
    figures = _statistics(world)
    if one not in figures:
        raise click.UsageError(f"{one!r} is not a region that serves; those are {', '.join(figures)}")
    names = [name for name, found in figures[one]["tables"].items() if other in found["replicas"]]
    if table is not None:
        names = [table]
    if not names:
        raise click.UsageError(f"{one} has no table with a replica in {other}")
    compared: dict[str, dict[str, Any]] = {}
    for name in names:
        reply = _ask(world, one, Compare(table=name, region=other))
        assert isinstance(reply, Compared)
        compared[name] = reply.comparison
    if as_json:
        print_json(compared)
    else:
        for name, found in compared.items():
            _show_comparison(name, one, other, found)
    if not all(found["equal"] for found in compared.values()):
        raise SystemExit(1)


@command.command()
@click.argument("region")
@world_options
def verify(region: str, state: str | None, as_json: bool) -> None:
    """Read every page and value of REGION's store of tables; the world must be down."""
    folder = find_world(state).region(region) / "tables"
    try:
        found = verify_store(folder)
    except StoreInUse:
        raise click.ClickException(f"{region} is running; stop the world first: globule down") from None
    except StoreProblem as problem:
        raise click.ClickException(str(problem)) from None
    if as_json:
        print_json(found)
    elif not found.problems:
        click.echo(f"{folder}: {found.entries} entries, all whole")
    if found.problems:
        raise click.ClickException("; ".join(found.problems))


def _ask(world: State, process: str, request: Request) -> Reply:
    """A region's own reply. Ends the command with status 1 where it refuses or is not there."""
    try:
        reply = asyncio.run(ask_once(world.socket(process), request))
    except ChannelClosed as error:
        raise click.ClickException(f"{process}: {error}") from None
    if isinstance(reply, Refused):
        raise click.ClickException(f"{process}: {reply.why}")
    return reply


def _statistics(world: State) -> dict[str, dict[str, Any]]:
    """The figures of each living region's tables."""
    figures: dict[str, dict[str, Any]] = {}
    for region in _living(status_of(world)):
        reply = _ask(world, region, Inspect())
        assert isinstance(reply, Inspected)
        figures[region] = reply.statistics["DynamoDBService"]
    return figures


def _living(report: StatusReport) -> list[str]:
    return [process.name for process in report.processes if process.name != "edge" and process.state == "serving"]


def _show_comparison(name: str, one: str, other: str, found: dict[str, Any]) -> None:
    items = f"{found['items_here']} items in {one}, {found['items_there']} in {other}"
    if found["equal"]:
        console.print(f"{escape(name)}: [green]equal[/], {items}")
        return
    console.print(f"{escape(name)}: [yellow]{found['different']} different[/], {items}")
    for difference in found["differences"][:SHOWN_DIFFERENCES]:
        here, there = (_version(difference[side]) for side in ("here", "there"))
        flight = "in flight" if difference["in_flight"] else "[red]not in flight[/]"
        console.print(f"  {escape(_item(difference['key']))}: {one} {here}, {other} {there}, {flight}")


def _version(version: dict[str, Any] | None) -> str:
    if version is None:
        return "has none"
    written = stamp_time(version["stamp"])
    return f"has that of {time.strftime('%H:%M:%S', time.localtime(written))} from {version['region']}"


def _side(side: dict[str, Any]) -> str:
    return f"{side['region']}: {'a delete' if side['image'] is None else _item(side['image'])}"


def _item(item: dict[str, dict[str, Any]]) -> str:
    """One line for people: names and values, without their types."""
    return ", ".join(f"{name}={next(iter(value.values()))}" for name, value in item.items())


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table
