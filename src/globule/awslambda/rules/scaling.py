"""When a function gets another worker, when an invocation waits, and when it is throttled.

On AWS every concurrent invocation has an execution environment of its own, up to the account's 1,000. A developer's
machine has a few cores, so here a function has few workers, and a short queue stands for those that AWS would start.
Reserved concurrency is a limit that an application has asked for, so beyond it there is no queue.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from enum import Enum

import msgspec

# Workers of one function: more do not finish sooner on a machine of a few cores.
WORKERS_LIMIT = 10
# Invocations that wait; together with those that run they are the concurrency that AWS gives an account.
QUEUE_LIMIT = 1000
# A function that answers this fast is waited for: a cold start takes longer than the queue.
PATIENCE_MS = 20.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when an invocation arrives."""

    idle: int
    busy: int
    starting: int
    waiting: int
    """Invocations in the queue, without this one."""
    mean_ms: float | None
    """What recent invocations took; None where there was none."""
    reserved: int | None
    """The function's reserved concurrency."""

    @property
    def workers(self) -> int:
        return self.idle + self.busy + self.starting

    @property
    def limit(self) -> int:
        return WORKERS_LIMIT if self.reserved is None else min(WORKERS_LIMIT, self.reserved)


class Decision(Enum):
    RUN = "give it to an idle worker"
    START = "start a worker, and wait for whichever is free first"
    WAIT = "wait for a worker"
    THROTTLE = "refuse it"


def decide(load: Load) -> Decision:
    if load.reserved is not None and load.busy + load.waiting >= load.reserved:
        return Decision.THROTTLE
    if load.idle:
        return Decision.RUN
    if load.waiting >= QUEUE_LIMIT:
        return Decision.THROTTLE
    if load.workers >= load.limit or load.waiting < load.starting or soon_free(load):
        return Decision.WAIT
    return Decision.START


def soon_free(load: Load) -> bool:
    """Whether the running workers will be through with the queue before a new one could help."""
    if not load.busy or load.mean_ms is None:
        return False
    return (load.waiting + 1) / load.busy * load.mean_ms < PATIENCE_MS
