"""What `globule up` does while it is there: show what happens to its world, and end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import click
import msgspec
from rich.markup import escape

from globule.cli.output import console
from globule.cli.status import show
from globule.cli.worlds import status_of
from globule.run.channel import Channel, ChannelClosed
from globule.run.living import living, stop_world
from globule.run.messages import Event, Watch
from globule.run.state import State

# From the guardian's start to the supervisor's first answer: an interpreter's start on a busy machine.
SUPERVISOR_LIMIT_S = 60.0
POLL_S = 0.02

_COLOURS = {
    "problem": "red",
    "process": "yellow",
    "fault": "yellow",
    "unchanged": "yellow",
    "ready": "green",
    "reload": "cyan",
}


async def attend(world: State, guardian: subprocess.Popen[bytes], *, detach: bool, as_json: bool) -> None:
    """Until the world serves where detached, else until Ctrl-C, the end of the terminal, or the end of the world.

    Unless it is detached and serves, the world does not outlive this. Raises ClickException where it cannot start."""
    ordered = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ordered.set)
    attendance = _Attendance(world, guardian, detach=detach, as_json=as_json)
    watching = asyncio.create_task(attendance.watch())
    ordering = asyncio.create_task(ordered.wait())
    try:
        await asyncio.wait((watching, ordering), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        ordering.cancel()
        if not (detach and attendance.ready):
            if living(world) and not as_json:
                _say_last("Stopping...")
            await stop_world(world)


def _say_last(text: str) -> None:
    """To a terminal that may be gone: what it can no longer take must not fail the command at its very end
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    try:
        console.print(text)
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class _Attendance:
    """What has been told so far."""

    def __init__(self, world: State, guardian: subprocess.Popen[bytes], *, detach: bool, as_json: bool) -> None:
        self._world = world
        self._guardian = guardian
        self._detach = detach
        self._as_json = as_json
        self._problems: list[Event] = []
        """Told once it is known what came of them."""
        self.ready = False
        """The world serves."""

    async def watch(self) -> None:
        """Until it serves, where detached, or somebody ends it."""
        while (channel := await self._reach()) is not None:
            async for event in channel.stream(Watch()):
                assert isinstance(event, Event)
                await self._take(event)
                if self.ready and self._detach:
                    return
            await channel.close()
        if not self.ready:
            raise click.ClickException(f"the world did not start: {self._world.last_words('supervisor')}")

    async def _reach(self) -> Channel | None:
        """The supervisor, or after its death the next one; None when there will be none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SUPERVISOR_LIMIT_S
        while loop.time() < deadline:
            ended = self._guardian.poll() is not None and "guardian" not in living(self._world)
            with contextlib.suppress(ChannelClosed):
                return await Channel.open(self._world.socket("supervisor"))
            if ended:
                return None
            await asyncio.sleep(POLL_S)
        raise click.ClickException(f"the supervisor does not answer; see {self._world.log('supervisor')}")

    async def _take(self, event: Event) -> None:
        if self.ready or event.kind not in ("problem", "failed", "unchanged", "ready"):
            self._say(event)
        elif event.kind == "problem":
            self._problems.append(event)
        elif event.kind == "failed" or (event.kind == "unchanged" and self._detach):
            raise click.ClickException("\n".join(dict.fromkeys(each.text for each in self._problems)) or event.text)
        else:
            self.ready = True
            await self._show_start(event)

    async def _show_start(self, event: Event) -> None:
        report = await asyncio.to_thread(status_of, self._world)
        if self._as_json:
            click.echo(msgspec.json.encode(report))
        else:
            show(report)
        for problem in self._problems:
            self._say(problem)
        if event.kind == "unchanged":
            self._say(event)
        if not self._detach and not self._as_json:
            console.print("\nCtrl-C stops the world.")

    def _say(self, event: Event) -> None:
        if self._as_json:
            click.echo(msgspec.json.encode(event))
        else:
            console.print(f"[{_COLOURS.get(event.kind, 'dim')}]{escape(event.text)}[/]")
