"""The supervisor's hold on processes: none is left behind."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from globule.run import processes
from globule.run.events import Events
from globule.run.processes import Process
from globule.run.state import State

PATIENCE_S = 10.0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that were started, in order: they live on, and never listen."""
    found: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def sleeper(_arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
        found.append(start(["sleep", "60"], **options))
        return found[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", sleeper)
    yield found
    for each in found:
        each.kill()
        each.wait(PATIENCE_S)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    state = State(tmp_path / "state")
    state.prepare()
    yield Process("edge", state, Events())
    state.remove_sockets()


async def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("order", ["stop", "kill"])
async def test_a_process_that_does_not_listen_yet_is_ended(
    process: Process, started: list[subprocess.Popen[bytes]], order: str
) -> None:
    keeping = asyncio.create_task(process.keep_alive())
    await _until(lambda: started)
    if order == "stop":
        await process.stop()
    else:
        process.kill()
    assert started[0].wait(PATIENCE_S) == -signal.SIGKILL
    assert process.condition == "dead"
    await _cancelled(keeping)
    assert len(started) == 1


@pytest.mark.parametrize("turns", range(6))
async def test_no_process_is_started_once_it_was_told_to_stop(
    process: Process, started: list[subprocess.Popen[bytes]], turns: int
) -> None:
    """Whatever point the start has reached when the order comes."""
    keeping = asyncio.create_task(process.keep_alive())
    for _ in range(turns):
        await asyncio.sleep(0)
    await process.stop()
    await asyncio.sleep(0.05)
    await _cancelled(keeping)
    assert all(each.wait(PATIENCE_S) == -signal.SIGKILL for each in started)


async def test_a_process_that_hangs_over_a_world_is_killed(
    process: Process, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever waits for all processes to follow would wait for ever; it starts afresh."""
    monkeypatch.setattr(processes, "FOLLOW_LIMIT_S", 0.2)
    socket = State(tmp_path / "state").socket("edge")
    keeping = asyncio.create_task(process.keep_alive())
    await _until(lambda: started)

    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(started[0].wait)
        writer.close()

    server = await asyncio.start_unix_server(silence, socket)
    await _until(lambda: started[0].poll() == -signal.SIGKILL)
    server.close()
    await _until(lambda: process.restarts)
    await process.stop()
    await _cancelled(keeping)
