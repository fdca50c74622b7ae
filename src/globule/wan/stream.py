"""One direction of a shaped connection: what was written here arrives there later, in order.

A stream computes when each burst arrives as it is written (`wan.slow_start`) and hands it over at that instant. It
is bounded: it says `on_full` when more than its limit waits to leave, or, while it is held or its link is cut, has
been sent at all, and `on_drained` when it is down to its low mark; what is in flight is bounded by the window. While
the link is cut nothing is handed over; when it is whole again everything is sent anew, from an initial window, as
TCP's retransmission would.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable

import msgspec

from globule.host.timers import Timers
from globule.wan.links import Link
from globule.wan.slow_start import Path, Sender


class Ended(msgspec.Struct, frozen=True):
    """No more bytes; the other direction goes on."""


class Closed(msgspec.Struct, frozen=True):
    """The connection is over; `error` where it was lost, not closed."""

    error: Exception | None = None


Item = bytes | memoryview | Ended | Closed


class Stream:
    """`deliver` is called with each item at its instant."""

    def __init__(
        self,
        link: Link,
        timers: Timers,
        uniform: Callable[[], float],
        *,
        deliver: Callable[[Item], None],
        on_full: Callable[[], None],
        on_drained: Callable[[], None],
        high_bytes: int,
        low_bytes: int,
    ) -> None:
        self._link = link
        self._timers = timers
        self._uniform = uniform
        self._deliver = deliver
        self._on_full = on_full
        self._on_drained = on_drained
        self._high_bytes = high_bytes
        self._low_bytes = low_bytes
        self._sender = Sender()
        self._queue: collections.deque[tuple[float, Item]] = collections.deque()
        self._queued_bytes = 0
        self._departures: collections.deque[tuple[float, int]] = collections.deque()
        self._undeparted_bytes = 0
        self._armed_at = math.inf
        self._is_full = False
        self._is_held = False

    def __repr__(self) -> str:
        return f"<Stream {self._queued_bytes} bytes on their way, {self._sender}>"

    def send(self, data: bytes) -> None:
        path = self._link.path
        if not self._queue and not self._is_held and path.is_clear:
            self._deliver(data)
            return
        now = self._timers.now()
        bursts = self._sender.send(len(data), now, path, self._uniform)
        if len(bursts) == 1:
            self._enqueue(bursts[0].departs, bursts[0].arrives, data, len(data))
        else:
            view, start = memoryview(data), 0
            for burst in bursts:
                end = start + burst.size_bytes
                self._enqueue(burst.departs, burst.arrives, view[start:end], burst.size_bytes)
                start = end
        self._check_limits(now)
        self._arm()

    def finish(self, mark: Ended | Closed) -> None:
        """Let this arrive after everything that was sent."""
        path = self._link.path
        if not self._queue and not self._is_held and path.is_clear:
            self._deliver(mark)
            return
        self._queue.append((self._sender.mark(self._timers.now(), path, self._uniform), mark))
        self._arm()

    def discard_undeparted(self) -> None:
        """Forget what has not left yet; what is in flight still arrives."""
        self._forget_departed(self._timers.now())
        while self._undeparted_bytes > 0:
            _, item = self._queue.pop()
            if isinstance(item, bytes | memoryview):
                self._undeparted_bytes -= len(item)
                self._queued_bytes -= len(item)
        self._departures.clear()

    def discard(self) -> None:
        """Forget everything."""
        self._queue.clear()
        self._departures.clear()
        self._queued_bytes = self._undeparted_bytes = 0

    def hold(self) -> None:
        """Hand nothing over until `release`: the receiver cannot take more."""
        self._is_held = True
        self._check_limits(self._timers.now())

    def release(self) -> None:
        if self._is_held:
            self._is_held = False
            self._progress(self._timers.now())

    @property
    def is_held(self) -> bool:
        return self._is_held

    def set_limits(self, *, high_bytes: int, low_bytes: int) -> None:
        self._high_bytes, self._low_bytes = high_bytes, low_bytes
        self._check_limits(self._timers.now())
        self._arm()

    @property
    def limits(self) -> tuple[int, int]:
        return self._low_bytes, self._high_bytes

    def waiting_bytes(self) -> int:
        """What has not left yet; while nothing arrives, all that was sent."""
        self._forget_departed(self._timers.now())
        return self._waiting_bytes()

    def path_changed(self, before: Path, now: Path) -> None:
        if before.cut and not now.cut:
            self._send_anew()
        self._check_limits(self._timers.now())

    def _send_anew(self) -> None:
        held, self._queue = self._queue, collections.deque()
        self._departures.clear()
        self._queued_bytes = self._undeparted_bytes = 0
        self._sender.restart()
        for _, item in held:
            if isinstance(item, bytes | memoryview):
                self.send(bytes(item))
            else:
                self.finish(item)

    def _enqueue(self, departs: float, arrives: float, data: bytes | memoryview, size_bytes: int) -> None:
        self._queue.append((arrives, data))
        self._queued_bytes += size_bytes
        self._departures.append((departs, size_bytes))
        self._undeparted_bytes += size_bytes

    def _wake(self) -> None:
        now = self._timers.now()
        if now >= self._armed_at:  # else a call that an earlier one made needless
            self._armed_at = math.inf
            self._progress(now)

    def _progress(self, now: float) -> None:
        while self._queue and self._queue[0][0] <= now and not self._is_stalled():
            _, item = self._queue.popleft()
            if isinstance(item, bytes | memoryview):
                self._queued_bytes -= len(item)
            self._deliver(item)
        self._check_limits(now)
        self._arm()

    def _arm(self) -> None:
        """Wake at the next arrival, or, where someone waits for room, at the next departure."""
        when = math.inf
        if self._queue and not self._is_stalled():
            when = self._queue[0][0]
        if self._is_full and self._departures:
            when = min(when, self._departures[0][0])
        if when < self._armed_at:
            self._armed_at = when
            self._timers.call_at(when, self._wake)

    def _check_limits(self, now: float) -> None:
        self._forget_departed(now)
        waiting_bytes = self._waiting_bytes()
        if not self._is_full and waiting_bytes > self._high_bytes:
            self._is_full = True
            self._on_full()
        elif self._is_full and waiting_bytes <= self._low_bytes:
            self._is_full = False
            self._on_drained()

    def _is_stalled(self) -> bool:
        return self._is_held or self._link.path.cut

    def _waiting_bytes(self) -> int:
        return self._queued_bytes if self._is_stalled() else self._undeparted_bytes

    def _forget_departed(self, now: float) -> None:
        while self._departures and self._departures[0][0] <= now:
            self._undeparted_bytes -= self._departures.popleft()[1]
