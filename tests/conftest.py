"""Worlds for tests: real processes, started by the command line, on ports of their own."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CHAT = ROOT / "examples" / "chat"

# The longest that anything here waits for: a busy machine of two cores, and everything starting at once.
PATIENCE_S = 60.0
POLL_S = 0.05


class Answer:
    """An HTTP response, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<Answer {self.status} {self.headers} {self.body[:200]!r}>"


class RunningWorld:
    """A world that `globule up --detach` started."""

    def __init__(self, state: Path, port_base: int) -> None:
        self.state = state
        self.port_base = port_base

    @property
    def door(self) -> int:
        return self.port_base + 80

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A `globule` command on this world."""
        outcome = subprocess.run(
            [sys.executable, "-m", "globule.cli", *arguments, "--state", str(self.state)],
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_S,
        )
        assert not check or outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def process(self, name: str) -> dict[str, Any]:
        return next(process for process in self.json("status")["processes"] if process["name"] == name)

    def request(
        self, city: str, url: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Through the internet door, as somebody who is in `city`. Raises OSError as sockets do."""
        connection = http.client.HTTPConnection("127.0.0.1", self.door, timeout=PATIENCE_S)
        try:
            connection.request(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers={
                    "X-Globule-From": city,
                    **({"Content-Type": "application/json"} if body else {}),
                    **(headers or {}),
                },
            )
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def down(self) -> None:
        self.run("down", check=False)


def eventually(check: Callable[[], Any], *, within_s: float = PATIENCE_S) -> Any:
    """The first true value of `check`; its last failure where none comes in time."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            value = check()
            if value:
                return value
            problem: Exception | None = None
        except (AssertionError, OSError, http.client.HTTPException) as error:
            problem = error
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {within_s:.0f} s") from problem
        time.sleep(POLL_S)


def free_port_base() -> int:
    """A base whose doors are all free now, below the ports that systems give to outgoing connections."""
    while True:
        base = random.randrange(12_000, 32_000, 100)
        if all(_free(base + offset) for offset in (43, 53, 66, 80, 90)):
            return base


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def port_base() -> int:
    return free_port_base()


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@pytest.fixture(scope="session")
def start_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningWorld]]:
    """Starts a world from an application's path and `globule up` options; stops it at the end of the session."""
    worlds: list[RunningWorld] = []

    def start(application: Path, *options: str, state: Path | None = None) -> RunningWorld:
        world = RunningWorld(state or tmp_path_factory.mktemp("world") / "state", free_port_base())
        worlds.append(world)
        world.run("up", str(application), "--detach", "--port-base", str(world.port_base), *options)
        return world

    yield start
    for world in worlds:
        world.down()


@pytest.fixture(scope="session")
def chat(start_world: Callable[..., RunningWorld]) -> RunningWorld:
    """The chat in three regions, at a tenth of the Earth's size, with health checks ten times as quick."""
    return start_world(CHAT, "--wan", "0.1", "--time-scale", "0.1")
