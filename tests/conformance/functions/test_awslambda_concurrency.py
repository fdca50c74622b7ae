"""Many invocations at once: one at a time a worker, more workers up to a limit, throttling beyond."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from globule.awslambda.model import Version
from globule.wire.aws.errors import AwsError

Until = Callable[[Callable[[], object]], Awaitable[None]]

SLEEPS = """
import os, time
busy = False
def handler(event, context):
    global busy
    assert not busy
    busy = True
    time.sleep(event)
    busy = False
    return os.getpid()
"""


async def test_each_worker_runs_one_invocation_at_a_time(functions: Any) -> None:
    functions.add("sleeps", SLEEPS)
    results = await asyncio.gather(*(functions.pool.invoke("sleeps", b"0.1") for _ in range(6)))
    assert all(result.function_error is None for result in results)
    assert len({result.payload for result in results}) == 6


async def test_reserved_concurrency_throttles(functions: Any) -> None:
    functions.add("sleeps", SLEEPS, reserved_concurrency=1)
    functions.add("closed", SLEEPS, reserved_concurrency=0)
    with pytest.raises(AwsError) as refused:
        await functions.pool.invoke("closed", b"0")
    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)
    assert refused.value.details["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    results = await asyncio.gather(*(functions.pool.invoke("sleeps", b"0.2") for _ in range(3)), return_exceptions=True)
    assert [isinstance(result, AwsError) for result in results].count(True) == 2


async def test_beyond_the_limit_invocations_wait_for_a_worker(functions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globule.awslambda.rules.scaling.WORKERS_LIMIT", 2)
    functions.add("sleeps", SLEEPS)
    results = await asyncio.gather(*(functions.pool.invoke("sleeps", b"0.05") for _ in range(6)))
    assert len({result.payload for result in results}) == 2


async def test_an_invocation_that_no_worker_is_free_for_is_throttled(
    functions: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globule.awslambda.rules.scaling.WORKERS_LIMIT", 1)
    monkeypatch.setattr("globule.awslambda.serving.fleet.QUEUE_WAIT_S", 0.1)
    functions.add("sleeps", SLEEPS, timeout_s=5)
    first = asyncio.create_task(functions.pool.invoke("sleeps", b"1"))
    await until(functions.any_busy)
    with pytest.raises(AwsError) as refused:
        await functions.pool.invoke("sleeps", b"0")
    assert refused.value.status == 429
    assert (await first).function_error is None


async def test_a_change_while_a_function_runs_lets_it_finish_and_moves_the_queue(
    functions: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globule.awslambda.rules.scaling.WORKERS_LIMIT", 1)
    functions.add("f", "import time\ndef handler(e, c): time.sleep(0.5); return 'old'")
    running = asyncio.create_task(functions.pool.invoke("f", b"{}"))
    await until(functions.any_busy)
    waiting = asyncio.create_task(functions.pool.invoke("f", b"{}"))
    await asyncio.sleep(0)
    functions.add("f", "def handler(e, c): return 'new'")
    assert (await waiting).payload == b'"new"'
    assert (await running).payload == b'"old"'
    await until(lambda: functions.pool.statistics()["workers"] == 1)


async def test_a_function_that_is_gone_is_not_found(functions: Any) -> None:
    functions.add("f", "def handler(e, c): return 1")
    await functions.pool.invoke("f", b"{}")
    functions.remove("f")
    with pytest.raises(AwsError) as missing:
        await functions.pool.invoke("f", b"{}")
    assert missing.value.code == "ResourceNotFoundException"


async def test_a_caller_that_goes_away_leaves_the_worker_usable(functions: Any, until: Until) -> None:
    functions.add("sleeps", SLEEPS)
    await functions.pool.invoke("sleeps", b"0")
    caller = asyncio.create_task(functions.pool.invoke("sleeps", b"0.2"))
    await until(functions.any_busy)
    caller.cancel()
    await until(lambda: not functions.any_busy())
    assert not (await functions.pool.invoke("sleeps", b"0")).cold


async def test_versions_have_workers_of_their_own(functions: Any) -> None:
    functions.add("f", "import os\ndef handler(e, c): return [os.environ['AWS_LAMBDA_FUNCTION_VERSION'], os.getpid()]")
    arn = functions.arn("f")
    functions.put("v", Version(arn=f"{arn}:1", function_arn=arn, number="1"))
    latest = json.loads((await functions.pool.invoke("f", b"{}")).payload)
    result = await functions.pool.invoke(f"{arn}:1", b"{}")
    version = json.loads(result.payload)
    assert (latest[0], version[0], result.executed_version) == ("$LATEST", "1", "1")
    assert latest[1] != version[1]


async def test_workers_that_nobody_needs_end(functions: Any, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globule.awslambda.serving.fleet.IDLE_LIMIT_S", 0.05)
    functions.add("f", "def handler(e, c): return 1")
    await functions.pool.invoke("f", b"{}")
    await until(lambda: functions.pool.statistics()["workers"] == 0)
    assert (await functions.pool.invoke("f", b"{}")).cold


async def test_an_idle_worker_makes_room_for_another_function(functions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globule.awslambda.serving.pool.WORKERS_LIMIT", 2)
    for name in ("a", "b", "c"):
        functions.add(name, "def handler(e, c): return 1")
        await functions.pool.invoke(name, b"{}")
    assert functions.pool.statistics()["workers"] == 2
    assert (await functions.pool.invoke("a", b"{}")).cold
    assert not (await functions.pool.invoke("c", b"{}")).cold
