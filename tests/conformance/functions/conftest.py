"""Functions that run in real workers, one pool a test."""

from __future__ import annotations

import asyncio
import hashlib
import os
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from globule.awslambda.model import Function, InlineCode, LocalCode
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.world.snapshot import Deployed, World

REGION = "eu-west-1"


class Functions:
    """A pool, and the functions of its world."""

    def __init__(self, pool: FunctionPool, tracer: Tracer) -> None:
        self.pool = pool
        self.tracer = tracer
        self._resources: dict[str, Deployed] = {}

    @property
    def world(self) -> World:
        return World(resources=tuple(self._resources.values()))

    def arn(self, name: str) -> str:
        return f"arn:aws:lambda:{REGION}:000000000000:function:{name}"

    def add(self, name: str, source: str = "", *, path: Path | None = None, **settings: Any) -> None:
        """Put a function into the world: inline source, or code at `path`."""
        source = textwrap.dedent(source)
        digest = hashlib.sha256(source.encode()).hexdigest()
        code = (
            InlineCode(source=source, content_hash=digest)
            if path is None
            else LocalCode(path=str(path), content_hash=settings.pop("content_hash", ""))
        )
        function = Function(
            name=name,
            arn=self.arn(name),
            code=code,
            log_group=f"/aws/lambda/{name}",
            **{"runtime": "python3.12", "handler": "index.handler", **settings},
        )
        self.put(name, function)

    def put(self, logical_id: str, model: Any) -> None:
        """Put any resource into the world, and have the pool follow it."""
        self._resources[logical_id] = Deployed(
            stack="s", region=REGION, logical_id=logical_id, type="T", physical_id=logical_id, resource=model
        )
        self.pool.follow(self.world)

    def any_busy(self) -> bool:
        return any(fleet["busy"] for fleet in self.pool.statistics()["functions"].values())

    def remove(self, logical_id: str) -> None:
        del self._resources[logical_id]
        self.pool.follow(self.world)


@pytest.fixture
async def functions(tmp_path: Path) -> AsyncIterator[Functions]:
    tracer = Tracer()
    pool = FunctionPool(
        REGION,
        tmp_path / "region",
        network=LoopbackNetwork(),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        tracer=tracer,
        variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PATH": os.environ["PATH"]},
    )
    yield Functions(pool, tracer)
    await pool.close()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for a condition, within a bound."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def processes_of() -> Callable[[str], list[int]]:
    """Pids of living processes whose environment or command line holds a text. Linux only."""

    def find(text: str) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and text.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    return find
