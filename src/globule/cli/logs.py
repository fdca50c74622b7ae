"""`globule logs`"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import select
import sys
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
# Functions' lines reach the disk a moment after they were printed; with room to spare.
OVERLAP_MS = 5_000
# Whether anybody still reads our output is looked at this often: `globule logs -f | head` should end.
READER_POLL_S = 0.5

Row = tuple[int, str, str, LogEvent]
"""When (in ms), the region or `edge`, the log group, and what."""


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
    if not follow:
        for row in _kept(folders, text, since_ms):
            _show(row, as_json=as_json)
        return
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_follow(folders, text, since_ms, as_json=as_json))


def _folders(world: State, region: str | None) -> dict[str, Path]:
    """Log folders by the region (or `edge`) that writes them."""
    names = sorted(path.name for path in (world.root / "regions").glob("*"))
    folders = {name: world.function_logs(name) for name in (*names, "edge")}
    if region is None:
        return folders
    if region not in folders:
        raise click.UsageError(f"there is no region {region!r} here; there are {', '.join(folders)}")
    return {region: folders[region]}


def _kept(folders: dict[str, Path], text: str, since_ms: int) -> Iterator[Row]:
    """What is on disk, oldest first."""
    groups = [
        _kept_of(place, folder, group, since_ms)
        for place, folder in folders.items()
        for group in log_groups(folder)
        if text in group
    ]
    yield from heapq.merge(*groups, key=lambda row: row[0])


def _kept_of(place: str, folder: Path, group: str, since_ms: int) -> Iterator[Row]:
    for event in read_events(folder, group, since_ms=since_ms):
        yield event.at, place, group, event


async def _follow(folders: dict[str, Path], text: str, since_ms: int, *, as_json: bool) -> None:
    """What is on disk, and then each new line. Raises BrokenPipeError when nobody reads any more."""
    arriving: asyncio.Queue[Row] = asyncio.Queue()

    async def listen(place: str, folder: Path) -> None:
        async for group, event in follow_events(folder, SystemClock()):
            if text in group:
                arriving.put_nowait((event.at, place, group, event))

    listening = [asyncio.create_task(listen(place, folder)) for place, folder in folders.items()]
    await asyncio.sleep(0)  # all of them know now where their files end
    shown_at_ms = time.time() * 1000
    recent: set[Row] = set()
    for row in _kept(folders, text, since_ms):
        _show(row, as_json=as_json)
        if row[0] > shown_at_ms - OVERLAP_MS:
            recent.add(row)  # it may arrive as well
    try:
        while _is_read():
            with contextlib.suppress(TimeoutError):
                row = await asyncio.wait_for(arriving.get(), READER_POLL_S)
                if row not in recent:
                    _show(row, as_json=as_json)
    finally:
        for task in listening:
            task.cancel()


def _is_read() -> bool:
    """Whether standard output leads anywhere: a pipe's reader may have gone."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _show(row: Row, *, as_json: bool) -> None:
    at, place, group, event = row
    if as_json:
        line = {"at": at, "place": place, "group": group, "stream": event.stream, "message": event.message}
        click.echo(msgspec.json.encode(line))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(at / 1000))
    click.echo(f"{clock}.{at % 1000:03d} {place} {group.rpartition('/')[2]} {event.message.rstrip()}")
