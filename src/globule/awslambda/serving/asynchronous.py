"""Asynchronous invocations (InvocationType Event): accepted at once, run in turn, tried again where they fail.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html. The queue is in memory, so unlike
AWS's it does not survive the region; destinations and dead-letter queues are recorded and get nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from globule.awslambda.rules import outcomes
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import Clock
from globule.wire.aws.errors import AwsError

log = logging.getLogger(__name__)

# Events that wait or are being tried again; more are refused as throttled.
EVENTS_LIMIT = 10_000
# Between the attempts: one minute before the second, two before the third.
RETRY_WAITS_S = (60.0, 120.0)
# Before a throttled event is tried again; AWS begins with a second and goes up to five minutes.
FIRST_THROTTLE_WAIT_S = 1.0
LAST_THROTTLE_WAIT_S = 300.0


class AsynchronousInvocations:
    """The events of one region's functions."""

    def __init__(self, pool: FunctionPool, clock: Clock) -> None:
        self.time_scale = 1.0
        """Factor on the waits between attempts."""
        self._pool = pool
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, function: str, payload: bytes, *, qualifier: str | None = None, trace: str | None = None) -> None:
        """Accept an event. Raises AwsError: as Invoker.invoke does."""
        too_large = outcomes.request_too_large(len(payload), event=True)
        if too_large is not None:
            raise too_large
        self._pool.directory.resolve(function, qualifier, chance=0)
        if len(self._tasks) >= EVENTS_LIMIT:
            raise outcomes.throttled(reserved=False)
        task = asyncio.get_running_loop().create_task(self._run(function, payload, qualifier, trace))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)

    async def _run(self, function: str, payload: bytes, qualifier: str | None, trace: str | None) -> None:
        """Until it succeeds, its attempts are used up, it is too old, or the function is gone."""
        began = self._clock.monotonic()
        attempts = 0
        throttle_wait_s = FIRST_THROTTLE_WAIT_S
        with contextlib.suppress(AwsError):  # the function was deleted meanwhile
            while True:
                config = self._pool.directory.event_config(self._pool.directory.find(function).arn, qualifier)
                try:
                    result = await self._pool.invoke(function, payload, qualifier=qualifier, trace=trace)
                except AwsError as error:
                    if error.status != 429:
                        raise
                    wait_s = throttle_wait_s
                    throttle_wait_s = min(2 * throttle_wait_s, LAST_THROTTLE_WAIT_S)
                else:
                    if result.function_error is None:
                        return
                    if attempts >= min(config.maximum_retry_attempts, len(RETRY_WAITS_S)):
                        log.warning("an event for %s failed %d times, and is dropped", function, attempts + 1)
                        return
                    wait_s = RETRY_WAITS_S[attempts]
                    attempts += 1
                wait_s *= self.time_scale
                if self._clock.monotonic() - began + wait_s > config.maximum_event_age_s * self.time_scale:
                    log.warning("an event for %s grew too old, and is dropped", function)
                    return
                await self._clock.sleep(wait_s)
