"""`globule logs`"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from globule.awslambda.serving.logs import LogEvent, follow_events, log_groups, read_events
from globule.cli.output import world_options
from globule.cli.worlds import find_world
from globule.host.clock import SystemClock
from globule.run.state import State

FROM_THE_START_MS = 0


@click.command()
@click.argument("text", default="")
@click.option("--follow", "-f", is_flag=True, help="Go on showing new lines, until Ctrl-C.")
@click.option("--region", metavar="REGION", help="Only this region's; `edge` for edge functions.")
@click.option("--since", "since_s", type=float, metavar="SECONDS", help="Only the last so many seconds.")
@world_options
def command(
    text: str, follow: bool, region: str | None, since_s: float | None, state: str | None, as_json: bool
) -> None:
    """Show what functions print, of log groups whose name contains TEXT, oldest first."""
    folders = _folders(find_world(state), region)
    since_ms = FROM_THE_START_MS if since_s is None else int((time.time() - since_s) * 1000)
    kept = [_kept(place, folder, text, since_ms) for place, folder in folders.items()]
    for _, place, group, event in heapq.merge(*kept, key=lambda row: row[0]):
        _show(place, group, event, as_json=as_json)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_follow(folders, text, as_json=as_json))


def _folders(world: State, region: str | None) -> dict[str, Path]:
    """Log folders by the region (or `edge`) that writes them."""
    names = sorted(path.name for path in (world.root / "regions").glob("*"))
    folders = {name: world.function_logs(name) for name in (*names, "edge")}
    if region is None:
        return folders
    if region not in folders:
        raise click.UsageError(f"there is no region {region!r} here; there are {', '.join(folders)}")
    return {region: folders[region]}


def _kept(place: str, folder: Path, text: str, since_ms: int) -> Iterator[tuple[int, str, str, LogEvent]]:
    groups = [group for group in log_groups(folder) if text in group]
    streams = [
        ((event.at, group, event) for event in read_events(folder, group, since_ms=since_ms)) for group in groups
    ]
    for at, group, event in heapq.merge(*streams, key=lambda row: row[0]):
        yield at, place, group, event


async def _follow(folders: dict[str, Path], text: str, *, as_json: bool) -> None:
    async def one(place: str, folder: Path) -> None:
        async for group, event in follow_events(folder, SystemClock()):
            if text in group:
                _show(place, group, event, as_json=as_json)

    async with asyncio.TaskGroup() as tasks:
        for place, folder in folders.items():
            tasks.create_task(one(place, folder))


def _show(place: str, group: str, event: LogEvent, *, as_json: bool) -> None:
    if as_json:
        line = {"at": event.at, "place": place, "group": group, "stream": event.stream, "message": event.message}
        click.echo(msgspec.json.encode(line))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(event.at / 1000))
    click.echo(f"{clock}.{event.at % 1000:03d} {place} {group.rpartition('/')[2]} {event.message.rstrip()}")
