"""One execution environment: a process that runs a function, one invocation at a time.

A worker starts, is idle when its runtime has asked for work, is busy while an invocation runs, and ends. Whatever
happens to the process becomes the outcome of the invocation that it was running: its answer, an error that its
runtime reports, a time-out, an exit, too much memory.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from globule.awslambda.model import Function
from globule.awslambda.rules import log_lines, outcomes, runtime_api
from globule.awslambda.rules.environment import execution_environment
from globule.awslambda.rules.runtimes import version_notice
from globule.awslambda.serving.invocation import Invocation, Outcome
from globule.awslambda.serving.launch import Surroundings, command
from globule.awslambda.serving.runtime_api import RuntimeApi
from globule.host.processes import ChildProcess, Exit, StartFailed

# The init phase's limit on AWS, which then tries again within the function's own time-out. Here both are one span.
INIT_LIMIT_S = 10.0
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PROCESSES_LIMIT = 1024


class State(Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ENDED = "ended"


class Worker:
    """One process. Its owner, a fleet, is told when it becomes idle (and may answer with an invocation), and when it
    has ended (with the failure, where it has never been idle)."""

    def __init__(
        self,
        function: Function,
        version: str,
        identity: str,
        surroundings: Surroundings,
        *,
        on_idle: Callable[[Worker], bytes | None],
        on_end: Callable[[Worker, outcomes.Failure | None], None],
    ) -> None:
        self.function = function
        self.version = version
        self.state = State.STARTING
        self.ended = asyncio.Event()
        """Set once there is no process any more."""
        self.idle_since = 0.0
        self.served = 0
        self.memory_bytes = 0
        self.init_ms: float | None = None
        self._around = surroundings
        self._clock = surroundings.clock
        self._on_idle = on_idle
        self._on_end = on_end
        self._began = self._clock.monotonic()
        self._stream = log_lines.stream_name(self._clock.now(), version, identity)
        self._splitter = log_lines.LineSplitter()
        self._start_lines: list[str] = []
        """What it printed before its first invocation."""
        self._api = RuntimeApi(self)
        self._process: ChildProcess | None = None
        self._invocation: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Ends a start, or an invocation, that takes too long."""
        self._failure: outcomes.Failure | None = None
        """What its runtime reported of its start."""

    def __repr__(self) -> str:
        pid = self._process.pid if self._process else None
        return f"<Worker {self.function.name} {self.state.value} pid={pid} served={self.served}>"

    @property
    def start_log(self) -> bytes:
        """The end of what it printed before its first invocation."""
        return log_lines.tail(self._start_lines)

    @property
    def is_idle(self) -> bool:
        return self.state is State.IDLE

    # Life.

    async def start(self, task_root: Path, layers: tuple[Path, ...], *, folder: Path, bytecode: Path) -> None:
        """Start the process; `on_idle` or `on_end` follows. `folder` is the worker's own; `bytecode` is where Python
        keeps what it compiles of this code."""
        loop = asyncio.get_running_loop()
        limit_s = INIT_LIMIT_S + self.function.timeout_s
        self._timer = loop.call_later(limit_s, self.stop, outcomes.timed_out(self.function.timeout_s))
        temporary = folder / "tmp"
        temporary.mkdir(parents=True)
        self._log(log_lines.init_start_line(self.function.runtime))
        notice = version_notice(self.function.runtime, sys.version.split()[0])
        if notice is not None:
            self._log(notice)
        environment = execution_environment(
            self.function,
            version=self.version,
            region=self._around.region,
            runtime_api=await self._api.start(self._around.network),
            task_root=str(task_root),
            temporary_folder=str(temporary),
            bytecode_folder=str(bytecode),
            log_stream=self._stream,
            layer_folders=tuple(map(str, layers)),
            surroundings=self._around.variables,
        )
        try:
            program = command(self.function, environment, task_root, layers, node=self._around.node)
            process = await self._around.keeper.start(program, self._take_output)
        except StartFailed as error:
            self.fail_start("Runtime.InvalidEntrypoint", str(error))
            return
        if self.state is State.ENDED:
            process.kill()
            return
        self._process = process
        process.exited.add_done_callback(lambda ended: self._process_ended(ended.result()))

    def fail_start(self, error_type: str, why: str) -> None:
        """There is no process, and will be none."""
        self._log(f"[globule] {why}")
        self._end(outcomes.Failure(error_type=error_type, message=why))

    def stop(self, failure: outcomes.Failure | None = None) -> None:
        """End it at once. `failure` becomes the outcome of the invocation that it runs."""
        if self.state is State.ENDED:
            return
        self._drain()
        self._end(failure or outcomes.exited("signal: killed"))
        if self._process is not None:
            self._process.kill()

    def _process_ended(self, ended: Exit) -> None:
        self._end(self._failure or outcomes.exited(None if ended.status == 0 else str(ended)))
        self.ended.set()

    def _end(self, failure: outcomes.Failure) -> None:
        if self.state is State.ENDED:
            return
        never_idle = self.state is State.STARTING
        self.state = State.ENDED
        if self._process is None:
            self.ended.set()
        self._cancel_timer()
        self._api.close()
        if self._invocation is not None:
            self._fail(failure, status="timeout" if failure.error_type == "Sandbox.Timedout" else "error")
        else:
            self._log(*self._splitter.flush())
        self._on_end(self, failure if never_idle else None)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Work.

    def run(self, invocation: Invocation) -> None:
        """Give an idle worker its next invocation."""
        self._api.deliver(self.take(invocation))

    def take(self, invocation: Invocation) -> bytes:
        """The invocation, as the answer to the runtime that is asking for one."""
        self.state = State.BUSY
        self._invocation = invocation
        invocation.cold = self.served == 0
        invocation.started = self._clock.monotonic()
        now = self._clock.now()
        self._write([log_lines.start_line(invocation.request_id, self.version)], at=now)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.function.timeout_s, self._time_out, invocation)
        return runtime_api.encode_event(
            runtime_api.Event(
                request_id=invocation.request_id,
                invoked_arn=invocation.arn,
                deadline_ms=int((now + self.function.timeout_s) * 1000),
                trace=invocation.trace,
                client_context=invocation.client_context,
                payload=invocation.payload,
            )
        )

    def _time_out(self, invocation: Invocation) -> None:
        if invocation is not self._invocation:
            return
        self._drain()
        self._log(log_lines.timeout_line(invocation.request_id, self._clock.now(), self.function.timeout_s))
        self.stop(outcomes.timed_out(self.function.timeout_s))

    def check_limits(self) -> None:
        """Called from time to time by its owner: beyond its memory, or its number of processes, it is killed."""
        if self._process is None or self.state is State.ENDED:
            return
        usage = self._process.usage()
        self.memory_bytes = max(self.memory_bytes, usage.memory_bytes)
        if self.memory_bytes > self.function.memory_mb * 1024 * 1024:
            self.stop(outcomes.OUT_OF_MEMORY)
        elif usage.processes > PROCESSES_LIMIT:
            self._log(f"[globule] more than {PROCESSES_LIMIT} processes")
            self.stop()

    def _fail(self, failure: outcomes.Failure, *, status: str) -> None:
        assert self._invocation is not None
        payload = failure.payload(self._invocation.request_id)
        self._finish(payload, failed=True, status=status, error_type=failure.error_type)

    def _finish(
        self, payload: bytes, *, failed: bool, status: str | None = None, error_type: str | None = None
    ) -> None:
        """The invocation is over."""
        invocation, self._invocation = self._invocation, None
        assert invocation is not None
        self._cancel_timer()
        duration_ms = (self._clock.monotonic() - invocation.started) * 1000
        self.served += 1
        if self.served == 1 and self._process is not None:
            self.memory_bytes = max(self.memory_bytes, self._process.usage().memory_bytes)
        dropped = self._splitter.renew()
        report = log_lines.Report(
            request_id=invocation.request_id,
            duration_ms=duration_ms,
            memory_mb=self.function.memory_mb,
            memory_used_mb=-(-self.memory_bytes // (1024 * 1024)),
            init_ms=self.init_ms if invocation.cold else None,
            status=status,
            error_type=error_type if status == "error" else None,
        )
        self._write(
            [
                *self._splitter.flush(),
                *([dropped] if dropped else []),
                log_lines.end_line(invocation.request_id),
                log_lines.report_line(report),
            ],
            to=invocation,
        )
        invocation.finish(
            Outcome(
                payload=payload,
                failed=failed,
                status=status,
                error_type=error_type,
                duration_ms=duration_ms,
                log_tail=log_lines.tail(invocation.lines),
            )
        )

    # What the runtime says: `serving.runtime_api.Runtime`.

    def on_next(self) -> bytes | None:
        if self.state is State.STARTING:
            self._cancel_timer()
            self.init_ms = (self._clock.monotonic() - self._began) * 1000
            self._drain()
        elif self.state is State.BUSY and self._invocation is not None:
            # The runtime asks for more before it has answered: the invocation ends when its time is over.
            return None
        self.state = State.IDLE
        self.idle_since = self._clock.monotonic()
        return self._on_idle(self)

    def on_response(self, request_id: str, payload: bytes) -> bytes:
        if not self._is_running(request_id):
            return runtime_api.UNKNOWN_REQUEST
        self._drain()
        self._finish(payload, failed=False)
        return runtime_api.ACCEPTED

    def on_oversize(self, request_id: str) -> bytes:
        if not self._is_running(request_id):
            return runtime_api.UNKNOWN_REQUEST
        self._drain()
        self._fail(outcomes.RESPONSE_TOO_LARGE, status="error")
        return runtime_api.TOO_LARGE

    def on_error(self, request_id: str, payload: bytes, error_type: str) -> bytes:
        if not self._is_running(request_id):
            return runtime_api.UNKNOWN_REQUEST
        self._drain()
        self._finish(payload, failed=True, error_type=error_type)
        return runtime_api.ACCEPTED

    def on_init_error(self, payload: bytes, error_type: str) -> bytes:
        self._drain()
        if error_type == "Runtime.ImportModuleError":
            self._log(outcomes.import_hint(self.function.runtime))
        self._failure = outcomes.Failure(error_type=error_type or "Runtime.Unknown", reported=payload)
        return runtime_api.ACCEPTED

    def _is_running(self, request_id: str) -> bool:
        return self._invocation is not None and self._invocation.request_id == request_id

    # What the process prints.

    def _drain(self) -> None:
        if self._process is not None:
            self._process.drain_output()

    def _take_output(self, data: bytes) -> None:
        self._write(self._splitter.feed(data))

    def _log(self, *lines: str) -> None:
        self._write(list(lines))

    def _write(self, lines: list[str], *, at: float | None = None, to: Invocation | None = None) -> None:
        if lines:
            self._around.logs.append(
                self.function.log_group, self._clock.now() if at is None else at, self._stream, lines
            )
            invocation = to or self._invocation
            if invocation is not None:
                invocation.lines.extend(lines)
            elif self.state is State.STARTING:
                self._start_lines.extend(lines)
