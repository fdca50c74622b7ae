"""Ending a world by the sockets of what lives of it, whatever that is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from globule.run import living as module
from globule.run.living import living, stop_process, stop_world
from globule.run.state import State

PATIENCE_S = 20.0

# Answers like a process of a world, or takes its orders and goes on.
PROCESS = """
import asyncio, sys
from pathlib import Path
from globule.run.channel import serve_channel
from globule.run.messages import Stopping

async def main():
    ended = asyncio.Event()
    async def answer(request):
        if sys.argv[2] == "obeys":
            ended.set()
        return Stopping()
    channel = await serve_channel(Path(sys.argv[1]), answer)
    await ended.wait()
    await asyncio.sleep(0.05)
    await channel.close()

asyncio.run(main())
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    state.prepare()
    yield state
    state.remove_sockets()


@pytest.fixture
def start(state: State) -> Iterator[Callable[[str, str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(name: str, manner: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", PROCESS, str(state.socket(name)), manner])
        started.append(process)
        deadline = time.monotonic() + PATIENCE_S
        while name not in living(state):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_who_lives_is_known_with_its_pid_and_who_died_is_not(
    state: State, start: Callable[[str, str], subprocess.Popen[bytes]]
) -> None:
    process = start("edge", "obeys")
    assert living(state) == {"edge": process.pid}
    process.kill()
    process.wait()
    assert state.socket("edge").exists()
    assert living(state) == {}


async def test_a_world_without_a_supervisor_is_ended_in_order_and_leaves_no_sockets(
    state: State, start: Callable[[str, str], subprocess.Popen[bytes]]
) -> None:
    processes = [start(name, "obeys") for name in ("edge", "eu-west-1", "us-east-1")]
    sockets = state.sockets
    assert await stop_world(state) == ()
    assert [process.wait(PATIENCE_S) for process in processes] == [0, 0, 0]
    assert not sockets.exists()


@pytest.mark.parametrize("hung", [True, False])
async def test_who_does_not_obey_is_killed_and_named(
    state: State,
    start: Callable[[str, str], subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    hung: bool,
) -> None:
    monkeypatch.setattr(module, "SUPERVISOR_STOP_LIMIT_S", 0.5)
    supervisor = start("supervisor", "goes on")
    if hung:
        os.kill(supervisor.pid, signal.SIGSTOP)
    assert await stop_world(state) == ("supervisor",)
    assert await asyncio.to_thread(supervisor.wait, PATIENCE_S) == -signal.SIGKILL


async def test_a_process_that_is_not_there_has_stopped(state: State) -> None:
    assert await stop_process(state, "edge")
    assert await stop_world(state) == ()
