"""The supervisor's hold on the data plane processes: start, adopt, watch, kill, start again.

A process is alive while its control socket answers. A supervisor that was itself killed and started again finds
the processes of its predecessor by their sockets and adopts them; it never needs to be their parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from globule.run.channel import Channel, ChannelClosed, ask_once
from globule.run.events import Events
from globule.run.living import STOP_LIMIT_S, listener, stop_process
from globule.run.messages import Follow, Followed, ProcessStatus, Reply, Request
from globule.run.settings import child_environment
from globule.run.state import State

# How long a process may take from its start to its first answer, on a machine that is very busy.
START_LIMIT_S = 60.0
# How long it may take to follow a world; one that hangs is killed, and starts afresh.
FOLLOW_LIMIT_S = 60.0
# How long it may take to say something about itself.
ANSWER_LIMIT_S = 10.0
# A process that cannot start will not at the tenth time either; whoever waits for it is told.
START_ATTEMPTS = 3
POLL_S = 0.02
FIRST_PAUSE_S = 0.05
# A process that dies at once, again and again, must not keep a core busy.
LONGEST_PAUSE_S = 5.0
HEALTHY_S = 10.0


class ProcessProblem(Exception):
    """A process cannot be brought up; the text says what it said last."""


class Process:
    """One data plane process that should be alive, unless a fault keeps it dead."""

    def __init__(self, name: str, state: State, events: Events) -> None:
        self.name = name
        self.pid: int | None = None
        self.version = 0
        self.problems: tuple[str, ...] = ()
        self.restarts = 0
        self._state = state
        self._events = events
        self._wanted = True
        self._wanted_changed = asyncio.Event()
        self._serving = asyncio.Event()
        self._gone = asyncio.Event()
        self._failed_starts = 0
        self._failed_start = asyncio.Event()
        self._spawned: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<Process {self.name} {self.condition} pid={self.pid}>"

    @property
    def condition(self) -> str:
        """`serving`, `starting`, or `dead` where a fault keeps it so."""
        if not self._wanted:
            return "dead"
        return "serving" if self._serving.is_set() else "starting"

    def status(self) -> ProcessStatus:
        return ProcessStatus(
            name=self.name,
            state=self.condition,
            pid=self.pid,
            memory_bytes=resident_bytes(self.pid),
            restarts=self.restarts,
            version=self.version,
            problems=self.problems,
        )

    async def keep_alive(self) -> None:
        """Whenever the process is wanted and not there, start it. Runs until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            await self._until_wanted()
            started = time.monotonic()
            try:
                vital_sign = await self._reach()
                try:
                    await self.follow()
                    await vital_sign.until_closed()
                finally:
                    await vital_sign.close()
            except ChannelClosed as error:
                if self._wanted:
                    self._failed_starts += 1
                    self._failed_start.set()
                    self._events.report("process", f"{self.name}: {error}; see {self._state.log(self.name)}")
            self._serving.clear()
            self._gone.set()
            self.pid = None
            if self._wanted:
                self.restarts += 1
                self._events.report("process", f"{self.name} died, and is being started again")
                pause_s = FIRST_PAUSE_S if time.monotonic() - started > HEALTHY_S else min(2 * pause_s, LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)

    async def follow(self) -> None:
        """Have it follow the newest world. Raises ChannelClosed where it is not there, or hangs and was killed."""
        try:
            reply = await self.ask(Follow(), limit_s=FOLLOW_LIMIT_S)
        except TimeoutError:
            self._events.report("process", f"{self.name} did not follow within {FOLLOW_LIMIT_S:.0f} s: killed")
            self._kill()
            raise ChannelClosed("it hung") from None
        if not isinstance(reply, Followed):
            raise ChannelClosed("it is ending")
        self.pid, self.version, self.problems = reply.pid, reply.version, reply.problems
        self._gone.clear()
        self._serving.set()

    async def ask(self, request: Request, *, limit_s: float = ANSWER_LIMIT_S) -> Reply:
        """Raises ChannelClosed, TimeoutError."""
        async with asyncio.timeout(limit_s):
            return await ask_once(self._state.socket(self.name), request)

    async def until_serving(self) -> None:
        """Raises ProcessProblem where from now on it dies START_ATTEMPTS times before it serves."""
        attempts = self._failed_starts + START_ATTEMPTS
        while not self._serving.is_set():
            if self._failed_starts >= attempts:
                raise ProcessProblem(f"{self.name} does not start: {self._state.last_words(self.name)}")
            self._failed_start.clear()
            waits = [asyncio.ensure_future(event.wait()) for event in (self._serving, self._failed_start)]
            _, unfinished = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in unfinished:
                wait.cancel()

    async def until_gone(self) -> None:
        """Wait until it is known that the process has ended."""
        await self._gone.wait()

    def kill(self) -> None:
        """SIGKILL, and stay dead: also one that has only just been started, or that a predecessor of ours started."""
        self._want(False)
        self._kill()

    def _kill(self) -> None:
        if self._spawned is not None and self._spawned.poll() is None:
            self._spawned.kill()
        elif pid := self.pid or listener(self._state.socket(self.name)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def revive(self) -> None:
        self._want(True)

    async def stop(self) -> None:
        """In order; by force where that takes too long, or where it does not listen yet."""
        self._want(False)
        try:
            await (await Channel.open(self._state.socket(self.name))).close()
        except ChannelClosed:
            self._kill()
            return
        if not await stop_process(self._state, self.name):
            self._events.report("problem", f"{self.name} did not stop within {STOP_LIMIT_S:.0f} s, and was killed")

    def _want(self, wanted: bool) -> None:
        self._wanted = wanted
        self._wanted_changed.set()

    async def _until_wanted(self) -> None:
        while not self._wanted:
            self._wanted_changed.clear()
            await self._wanted_changed.wait()

    async def _reach(self) -> Channel:
        """A connection to the process: the living one's, or that of a new one. Raises ChannelClosed."""
        path = self._state.socket(self.name)
        with contextlib.suppress(ChannelClosed):
            return await Channel.open(path)
        if not self._wanted:
            raise ChannelClosed("it was told to stop before it was started")
        self._spawn()
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(ChannelClosed):
                return await Channel.open(path)
            if self._spawned is not None and self._spawned.poll() is not None:
                raise ChannelClosed(f"it ended with status {self._spawned.returncode} before it served")
            await asyncio.sleep(POLL_S)
        raise ChannelClosed(f"it did not serve within {START_LIMIT_S:.0f} s")

    def _spawn(self) -> None:
        with self._state.log(self.name).open("ab") as output:
            self._spawned = subprocess.Popen(
                [sys.executable, "-m", "globule.run.data_plane", self.name, "--state", str(self._state.root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=child_environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to handle
            )


def resident_bytes(pid: int | None) -> int:
    """Resident memory of a process, mapped files apart where the system tells; 0 where it does not."""
    if pid is None:
        return 0
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return (int(fields["VmRSS"].split()[0]) - int(fields.get("RssFile", "0").split()[0])) * 1024
    except (OSError, KeyError, ValueError):
        return 0
