"""The workers of one function, and the invocations that wait for one.

A change of the function's code or configuration makes another fleet; this one then finishes what its workers run,
and its queue moves on.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
from collections.abc import Callable
from typing import Any

from globule.awslambda.model import Function, LayerVersion
from globule.awslambda.rules import outcomes
from globule.awslambda.rules.scaling import PATIENCE_MS, Decision, Load, decide
from globule.awslambda.serving.invocation import Invocation, Outcome
from globule.awslambda.serving.worker import State, Worker
from globule.host.clock import Clock
from globule.wire.aws.errors import AwsError

# An invocation that no worker is free for in this time is throttled.
QUEUE_WAIT_S = 10.0
# AWS keeps an unused execution environment for minutes.
IDLE_LIMIT_S = 300.0
# The weight of the newest invocation in the mean duration.
MEAN_WEIGHT = 0.2

Launch = Callable[["Fleet"], Worker]
"""Makes a worker that calls `worker_idle` and `worker_ended`, and sees to its start."""


class Fleet:
    """The workers that run one function as it is in one world."""

    def __init__(self, function: Function, layers: tuple[LayerVersion, ...], launch: Launch, clock: Clock) -> None:
        self.function = function
        self.layers = layers
        self.workers: set[Worker] = set()
        self._launch = launch
        self._clock = clock
        self._idle: list[Worker] = []
        """The one that was used last is used next, so that the others can be let go."""
        self._waiting: collections.deque[Invocation] = collections.deque()
        self._mean_ms: float | None = None
        self._draining = False
        self.invocations = 0
        self.errors = 0
        self.throttles = 0
        self.cold_starts = 0

    def __repr__(self) -> str:
        return f"<Fleet {self.function.name} {self.load()}>"

    @property
    def content(self) -> str:
        """A name for the code that its workers run."""
        hashes = (self.function.code.content_hash, *(layer.content.content_hash for layer in self.layers))
        return hashlib.sha256("\0".join(hashes).encode()).hexdigest()[:16]

    def load(self) -> Load:
        busy = sum(worker.state is State.BUSY for worker in self.workers)
        return Load(
            idle=len(self._idle),
            busy=busy,
            starting=len(self.workers) - busy - len(self._idle),
            waiting=len(self._waiting),
            mean_ms=self._mean_ms,
            reserved=self.function.reserved_concurrency,
        )

    async def run(self, invocation: Invocation) -> Outcome:
        """Raises AwsError: TooManyRequestsException."""
        if self._idle and self.function.reserved_concurrency is None:
            self._idle.pop().run(invocation)
        else:
            self._admit(invocation)
        outcome = await invocation.done
        self.invocations += 1
        self.errors += outcome.failed
        mean_ms = outcome.duration_ms if self._mean_ms is None else self._mean_ms
        self._mean_ms = mean_ms + MEAN_WEIGHT * (outcome.duration_ms - mean_ms)
        return outcome

    def _admit(self, invocation: Invocation) -> None:
        match decide(self.load()):
            case Decision.RUN:
                self._idle.pop().run(invocation)
            case Decision.START:
                self._enqueue(invocation)
                self._start_worker()
            case Decision.WAIT:
                self._enqueue(invocation)
            case Decision.THROTTLE:
                self.throttles += 1
                raise outcomes.throttled(reserved=self.function.reserved_concurrency is not None)

    def adopt(self, invocation: Invocation) -> None:
        """Take over an invocation out of another fleet's queue."""
        try:
            self._admit(invocation)
        except AwsError as error:
            invocation.done.set_exception(error)

    def _enqueue(self, invocation: Invocation) -> None:
        invocation.started = self._clock.monotonic()
        self._waiting.append(invocation)
        asyncio.get_running_loop().call_later(QUEUE_WAIT_S, self._give_up, invocation)

    def _give_up(self, invocation: Invocation) -> None:
        """The invocation has waited long enough, unless it waits for a worker that is starting."""
        if invocation not in self._waiting:
            return
        if self.load().starting:
            asyncio.get_running_loop().call_later(QUEUE_WAIT_S, self._give_up, invocation)
            return
        self._waiting.remove(invocation)
        self.throttles += 1
        if not invocation.done.done():
            invocation.done.set_exception(outcomes.throttled(reserved=False))

    def _start_worker(self) -> None:
        self.cold_starts += 1
        self.workers.add(self._launch(self))

    # What workers say.

    def worker_idle(self, worker: Worker) -> bytes | None:
        invocation = self._next_waiting()
        if invocation is not None:
            return worker.take(invocation)
        if self._draining:
            worker.stop()
        else:
            self._idle.append(worker)
        return None

    def worker_ended(self, worker: Worker, failure: outcomes.Failure | None) -> None:
        """`failure` is why a worker could not start: one invocation gets it, the others get another worker."""
        self.workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if failure is not None:
            invocation = self._next_waiting()
            if invocation is not None:
                invocation.cold = True
                invocation.finish(
                    Outcome(
                        payload=failure.payload(invocation.request_id),
                        failed=True,
                        status="error",
                        error_type=failure.error_type,
                        log_tail=worker.start_log,
                    )
                )
        self._start_for_the_waiting()

    def _start_for_the_waiting(self) -> None:
        load = self.load()
        if load.waiting > load.starting and load.workers < load.limit:
            self._start_worker()

    def _next_waiting(self) -> Invocation | None:
        """The oldest invocation that somebody still waits for."""
        while self._waiting:
            invocation = self._waiting.popleft()
            if not invocation.done.done():
                return invocation
        return None

    # What the pool asks.

    def look_after(self) -> None:
        """From time to time: limits, and workers that nobody needs."""
        now = self._clock.monotonic()
        for worker in list(self.workers):
            if worker.state is State.IDLE:
                if now - worker.idle_since > IDLE_LIMIT_S:
                    worker.stop()
            else:
                worker.check_limits()
        if self._waiting and now - self._waiting[0].started > PATIENCE_MS / 1000:
            # It waits for a function that is usually fast, and now is not.
            self._start_for_the_waiting()

    def drain(self) -> list[Invocation]:
        """Stop idle workers now and busy ones when they are through. Returns the queue."""
        self._draining = True
        waiting = [invocation for invocation in self._waiting if not invocation.done.done()]
        self._waiting.clear()
        for worker in list(self.workers):
            if worker.state is not State.BUSY:
                worker.stop()
        return waiting

    def statistics(self) -> dict[str, Any]:
        load = self.load()
        return {
            "idle": load.idle,
            "busy": load.busy,
            "starting": load.starting,
            "waiting": load.waiting,
            "invocations": self.invocations,
            "errors": self.errors,
            "throttles": self.throttles,
            "cold_starts": self.cold_starts,
        }
