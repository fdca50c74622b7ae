"""Calls at an instant: exact to a fraction of a millisecond, and never early.

An event loop's own timers are too coarse for injected distance: uvloop's count whole milliseconds and fire up to
one early. `open_timers` gives one queue for everything in a process that waits for an instant: on Linux a single
timerfd that the loop watches like a socket (https://man7.org/linux/man-pages/man2/timerfd_create.2.html),
elsewhere the loop's timers, armed again where they fire early. A simulation passes its virtual loop's clock to
`LoopTimers`.

Calls cannot be cancelled: who no longer wants one ignores it. So waits should be short, and few for each
connection. They run in an empty context, not in that of whoever asked first.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import heapq
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

CLOCK_MONOTONIC = 1
TFD_NONBLOCK = os.O_NONBLOCK
TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
TFD_TIMER_ABSTIME = 1
DISARMED = 0

# A virtual clock stops where it was told to, give or take the last bits of a float; whoever is called then still sees
# the instant that was asked for.
ROUNDING_SECONDS = 1e-9


class Timers(Protocol):
    def now(self) -> float:
        """Monotonic seconds: the clock of `call_at`."""

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Call once, at `when` or as soon after it as the loop is free; of equal instants, in order of asking."""

    def close(self) -> None:
        """Forget every call."""


async def sleep_until(timers: Timers, when: float) -> None:
    """Return at `when`, never before it."""
    if when <= timers.now():
        return
    waiter = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    timers.call_at(when, wake)
    await waiter


class _Queue:
    """Calls in order of their instant."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0

    def next(self) -> float:
        return self._heap[0][0] if self._heap else math.inf

    def add(self, when: float, callback: Callable[[], None]) -> None:
        self._asked += 1
        heapq.heappush(self._heap, (when, self._asked, callback))

    def pop(self) -> Callable[[], None]:
        return heapq.heappop(self._heap)[2]

    def clear(self) -> None:
        self._heap.clear()


class LoopTimers:
    """On any event loop, with a clock that may be finer than the loop's, or virtual."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop = loop
        self._queue = _Queue()
        self._armed_at = math.inf
        self._handle: asyncio.TimerHandle | None = None
        self._context = contextvars.Context()
        self._clock = clock
        self._called_until = -math.inf

    def now(self) -> float:
        return max(self._clock(), self._called_until)

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self._queue.add(when, callback)
        if when < self._armed_at:
            self._arm()

    def close(self) -> None:
        self._queue.clear()
        self._disarm()

    def _arm(self) -> None:
        self._disarm()
        self._armed_at = self._queue.next()
        if self._armed_at < math.inf:
            self._handle = self._loop.call_later(
                max(0.0, self._armed_at - self.now()), self._fire, context=self._context
            )

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        try:
            while self._queue.next() <= self.now() + ROUNDING_SECONDS:
                self._called_until = max(self._called_until, self._queue.next())
                self._queue.pop()()
        finally:
            self._arm()


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerfdTimers:
    """On Linux: one timerfd, always armed for the earliest call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        if self._fd < 0:
            errno = ctypes.get_errno()
            raise OSError(errno, os.strerror(errno))
        self._loop = loop
        self._queue = _Queue()
        self._armed_at = math.inf
        self._spec = _TimerSpec()
        self.now = time.monotonic
        contextvars.Context().run(loop.add_reader, self._fd, self._fire)

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self._queue.add(when, callback)
        if when < self._armed_at:
            self._arm()

    def close(self) -> None:
        self._queue.clear()
        if self._fd >= 0:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _arm(self) -> None:
        """For the next call, or for none. Setting it also forgets that it expired, so nothing has to be read."""
        self._armed_at = self._queue.next()
        nanoseconds = max(1, math.ceil(self._armed_at * 1e9)) if self._armed_at < math.inf else DISARMED
        self._spec.value.seconds, self._spec.value.nanoseconds = divmod(nanoseconds, 1_000_000_000)
        self._libc.timerfd_settime(self._fd, TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None)

    def _fire(self) -> None:
        try:
            while self._queue.next() <= self.now():
                self._queue.pop()()
        finally:
            if self._fd >= 0:
                self._arm()


def open_timers(loop: asyncio.AbstractEventLoop) -> Timers:
    """The most exact timers that this system has; close them before the loop."""
    return TimerfdTimers(loop) if sys.platform == "linux" else LoopTimers(loop)
