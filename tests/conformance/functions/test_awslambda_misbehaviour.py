"""Functions that crash, hang, flood, fork or die: each invocation ends with an error of AWS's form, and nothing else
is harmed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

Until = Callable[[Callable[[], object]], Awaitable[None]]

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems kill the process group only")

MISBEHAVING = textwrap.dedent(
    """
    import os, signal, subprocess, sys, threading, time
    def handler(event, context):
        what = event["what"]
        if what == "behave": return "well"
        if what == "exit": os._exit(event["status"])
        if what == "sys.exit": sys.exit(event["status"])
        if what == "kill": os.kill(os.getpid(), signal.SIGSEGV)
        if what == "hang": time.sleep(60)
        if what == "hang deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: pass
        if what == "large": return "x" * (7 * 1024 * 1024)
        if what == "print": print(("y" * 99 + "\\n") * 100_000)
        if what == "print one line": sys.stdout.write("z" * 10_000_000)
        if what == "memory": kept = [b"1" * (1024 * 1024) for _ in range(800)]; time.sleep(10)
        if what == "close": os.closerange(0, 100)
        if what == "exec": os.execv("/bin/true", ["true"])
        if what == "thread": threading.Thread(target=lambda: time.sleep(60)).start()
        if what == "fork":
            if os.fork() == 0:
                os.setsid()
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)", event["mark"]])
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", event["mark"]])
        return what
    """
)


async def ask(functions: Any, **event: Any) -> tuple[str | None, Any]:
    result = await functions.pool.invoke("f", json.dumps(event).encode())
    return result.function_error, json.loads(result.payload)


@pytest.mark.parametrize(
    ("event", "error_type", "message"),
    [
        ({"what": "exit", "status": 3}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ({"what": "exit", "status": 0}, "Runtime.ExitError", "Runtime exited without providing a reason"),
        ({"what": "sys.exit", "status": 4}, "Runtime.ExitError", "Runtime exited with error: exit status 4"),
        ({"what": "kill"}, "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        ({"what": "exec"}, "Runtime.ExitError", "Runtime exited without providing a reason"),
        ({"what": "hang"}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ({"what": "hang deaf"}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ({"what": "memory"}, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_process_that_does_not_answer_is_an_error_and_the_next_one_answers(
    functions: Any, event: dict[str, Any], error_type: str, message: str
) -> None:
    functions.add("f", MISBEHAVING, timeout_s=5 if event["what"] == "memory" else 1)
    error, answer = await ask(functions, **event)
    assert error == "Unhandled"
    assert answer["errorType"] == error_type
    request_id = answer["errorMessage"].split()[1]
    assert answer["errorMessage"] == f"RequestId: {request_id} Error: {message}"
    assert await ask(functions, what="behave") == (None, "well")


async def test_seven_megabytes_are_too_large_and_the_worker_goes_on(functions: Any) -> None:
    functions.add("f", MISBEHAVING)
    error, answer = await ask(functions, what="large")
    assert error == "Unhandled"
    assert answer == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    result = await functions.pool.invoke("f", b'{"what": "behave"}')
    assert (result.payload, result.cold) == (b'"well"', False)


@pytest.mark.parametrize("what", ["print", "print one line"])
async def test_ten_megabytes_of_output_are_bounded(functions: Any, what: str) -> None:
    functions.add("f", MISBEHAVING)
    result = await functions.pool.invoke("f", json.dumps({"what": what}).encode())
    assert result.function_error is None
    assert b"bytes of output were dropped" in result.log_tail
    functions.pool.logs.flush()
    folder = functions.pool.logs._folder
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2 * 1024 * 1024


async def test_a_function_that_never_finishes_its_start_is_ended(
    functions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globule.awslambda.serving.worker.INIT_LIMIT_S", 0.2)
    functions.add("f", "import time; time.sleep(60)", timeout_s=1)
    error, answer = await ask(functions)
    assert (error, answer["errorType"]) == ("Unhandled", "Sandbox.Timedout")


@linux
async def test_a_function_that_has_too_many_processes_is_ended_with_them(
    functions: Any,
    tmp_path: Path,
    until: Until,
    processes_of: Callable[[str], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("globule.awslambda.serving.worker.PROCESSES_LIMIT", 2)
    mark = f"one-of-many-{tmp_path.name}"
    source = """
    import subprocess, sys, time
    def handler(event, context):
        for _ in range(3): subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", event])
        time.sleep(60)
    """
    functions.add("many", source, timeout_s=20)
    result = await functions.pool.invoke("many", json.dumps(mark).encode())
    assert json.loads(result.payload)["errorType"] == "Runtime.ExitError"
    await until(lambda: not processes_of(mark))


async def test_a_function_that_closes_all_its_descriptors_is_ended(functions: Any) -> None:
    functions.add("f", MISBEHAVING, timeout_s=2)
    error, answer = await ask(functions, what="close")
    assert error == "Unhandled"
    assert answer["errorType"] in ("Runtime.ExitError", "Sandbox.Timedout")
    assert await ask(functions, what="behave") == (None, "well")


@linux
async def test_what_a_function_leaves_behind_ends_with_its_worker(
    functions: Any, tmp_path: Path, until: Until, processes_of: Callable[[str], list[int]]
) -> None:
    mark = f"left-behind-by-{tmp_path.name}"
    functions.add("f", MISBEHAVING)
    assert await ask(functions, what="fork", mark=mark) == (None, "fork")
    await until(lambda: len(processes_of(mark)) == 2)
    await ask(functions, what="exit", status=1)
    await until(lambda: not processes_of(mark))
    assert await ask(functions, what="behave") == (None, "well")


@linux
async def test_a_worker_that_is_killed_from_outside_is_replaced(functions: Any, until: Until) -> None:
    functions.add("f", "import os\ndef handler(e, c): return os.getpid()")
    _, first = await ask(functions)
    os.kill(first, signal.SIGKILL)
    await until(lambda: functions.pool.statistics()["workers"] == 0)
    _, second = await ask(functions)
    assert second != first


@linux
async def test_a_keeper_that_is_killed_is_replaced_and_its_invocations_fail(functions: Any, until: Until) -> None:
    functions.add("f", MISBEHAVING, timeout_s=20)
    assert await ask(functions, what="behave") == (None, "well")
    running = asyncio.create_task(ask(functions, what="hang"))
    await until(functions.any_busy)
    functions.pool._around.keeper._program.kill()
    error, answer = await running
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert await ask(functions, what="behave") == (None, "well")


OWNER = """
import asyncio, sys
from pathlib import Path
from globule.host.processes import Command, ProcessKeeper
async def main():
    keeper = ProcessKeeper()
    mark = sys.argv[1]
    nested = "import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', "
    nested += f"'{mark}'], start_new_session=True); time.sleep(60)"
    command = Command(name="x", environment={}, folder=Path("/"), arguments=(sys.executable, "-c", nested, mark))
    await keeper.start(command, lambda data: None)
    print("started", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@linux
async def test_nothing_outlives_an_owner_that_is_killed(
    tmp_path: Path, until: Until, processes_of: Callable[[str], list[int]]
) -> None:
    mark = f"owned-by-{tmp_path.name}"
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, mark, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"started\n"
    await until(lambda: len(processes_of(mark)) >= 3)
    owner.kill()
    await owner.wait()
    await until(lambda: not processes_of(mark))
