"""The guardian: a supervisor that dies is started again, one that was stopped is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from globule.run import guardian as module
from globule.run.guardian import START_ATTEMPTS, Guardian, show_life
from globule.run.living import living
from globule.run.state import CANNOT_RUN, State

PATIENCE_S = 20.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    state.prepare()
    yield state
    state.remove_sockets()


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], list[subprocess.Popen[bytes]]]]:
    """Supervisors that live by these programs, one after the other."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def plan(programs: list[str]) -> list[subprocess.Popen[bytes]]:
        def begin(_arguments: list[str], **_options: object) -> subprocess.Popen[bytes]:
            started.append(start([sys.executable, "-c", programs[len(started)]]))
            return started[-1]

        monkeypatch.setattr(module.subprocess, "Popen", begin)
        return started

    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.05)
    yield plan
    for process in started:
        process.kill()
        process.wait()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def served(state: State) -> str:
    return f"open({str(state.socket('supervisor'))!r}, 'w').close();"


def test_a_supervisor_that_dies_is_started_again_until_one_is_stopped_by_order(
    state: State, lives: Callable[[list[str]], list[subprocess.Popen[bytes]]]
) -> None:
    dies = f"{served(state)} import os; os.kill(os.getpid(), 9)"
    started = lives([dies, dies, dies, dies, "raise SystemExit(0)"])
    assert Guardian(state).run() == 0
    assert len(started) == 5


def test_one_that_cannot_run_is_not_tried_again(
    state: State, lives: Callable[[list[str]], list[subprocess.Popen[bytes]]]
) -> None:
    started = lives([f"raise SystemExit({CANNOT_RUN})"])
    assert Guardian(state).run() == CANNOT_RUN
    assert len(started) == 1


def test_one_that_never_serves_is_given_up(
    state: State, lives: Callable[[list[str]], list[subprocess.Popen[bytes]]]
) -> None:
    started = lives(["raise SystemExit(1)"] * START_ATTEMPTS)
    assert Guardian(state).run() == 1
    assert len(started) == START_ATTEMPTS


def test_an_order_is_handed_on_and_nobody_is_started_after_it(
    state: State, lives: Callable[[list[str]], list[subprocess.Popen[bytes]]]
) -> None:
    started = lives(["import time; time.sleep(60)"])

    def order() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not started and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    ordering = threading.Thread(target=order)
    ordering.start()
    assert Guardian(state).run() == -signal.SIGTERM
    ordering.join()
    assert len(started) == 1


def test_it_can_be_seen_to_live_by_any_number_of_callers(state: State) -> None:
    listener = show_life(state)
    assert living(state) == {"guardian": os.getpid()}
    assert all("guardian" in living(state) for _ in range(1000))
    listener.close()
