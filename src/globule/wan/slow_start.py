"""When the bytes of one direction of a TCP connection leave and arrive: windows, bandwidth, losses. Pure.

What is modelled:
- An initial window of 10 segments (RFC 6928); every acknowledged byte lets one more out, so the window doubles
  each round trip (RFC 5681, section 3.1) until a loss; after one it grows by a segment a round trip.
- The window grows only while it is what limits the sender, as in Linux (`tcp_is_cwnd_limited`), and is kept while
  the connection is idle (Linux with `tcp_slow_start_after_idle=0`, what long-lived proxy connections use).
- A line of limited bandwidth, which bytes leave one after another.
- A lost segment costs a round trip where enough others follow it (fast retransmit), else Linux's retransmission
  timeout; the receiver sees only delay, because TCP delivers in order.

What is not: segments and headers as such (bytes leave in bursts), delayed acknowledgements, selective
acknowledgements, pacing, queues shared by connections.

Acknowledgements follow from the model, so the whole schedule of a write is known when it is made, and does not
depend on how late a timer fires.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable

import msgspec

# Ethernet's 1,500 bytes less the IPv4 and TCP headers.
SEGMENT_BYTES = 1460

# RFC 6928: 10 segments.
INITIAL_WINDOW_BYTES = 10 * SEGMENT_BYTES

# Linux's default limit of a socket's send buffer (`tcp_wmem`), and with it of what one connection has in flight.
MAXIMUM_WINDOW_BYTES = 4 * 1024 * 1024

# What Linux hands to the network card at once (GSO).
BURST_BYTES = 64 * 1024

# Linux's TCP_RTO_MIN: the retransmission timeout is the round trip plus at least this.
MINIMUM_TIMEOUT_SECONDS = 0.2

# A burst with this many segments has three duplicate acknowledgements to tell the loss (RFC 5681, section 3.2).
FAST_RETRANSMIT_SEGMENTS = 4

# Retransmissions of one burst that may be lost as well, with the timeout doubling; a worse link is a cut link.
MAXIMUM_BACKOFFS = 6


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """What one direction of a link does to bytes."""

    one_way_seconds: float = 0.0
    jitter_seconds: float = 0.0
    """Mean of what is added to each burst's way, exponentially distributed."""
    bytes_per_second: float = math.inf
    loss: float = 0.0
    """Chance that a segment is lost."""
    cut: bool = False

    @property
    def round_trip_seconds(self) -> float:
        return 2 * self.one_way_seconds

    @property
    def is_clear(self) -> bool:
        """Whether this path changes nothing at all."""
        return not (self.one_way_seconds or self.jitter_seconds or self.loss or self.cut) and (
            self.bytes_per_second == math.inf
        )

    def jitter(self, uniform: Callable[[], float]) -> float:
        """Seconds to add to a burst's way; at most seven times the mean, so that nothing is late for ever."""
        return min(-math.log1p(-uniform()), 7.0) * self.jitter_seconds if self.jitter_seconds else 0.0


class Burst(msgspec.Struct, frozen=True):
    """Bytes that travel together."""

    size_bytes: int
    departs: float
    """When the last of its bytes has left."""
    arrives: float


class Sender:
    """The state of one direction: its window, and what is in flight."""

    def __init__(self) -> None:
        self.window_bytes = INITIAL_WINDOW_BYTES
        self._threshold_bytes = MAXIMUM_WINDOW_BYTES
        self._in_flight_bytes = 0
        self._acknowledgements: collections.deque[tuple[float, int, bool]] = collections.deque()
        self._line_free_at = -math.inf
        self._last_arrival = -math.inf

    def __repr__(self) -> str:
        return f"<Sender window {self.window_bytes}, {self._in_flight_bytes} in flight>"

    def send(self, size_bytes: int, now: float, path: Path, uniform: Callable[[], float]) -> list[Burst]:
        """The bursts that a write of `size_bytes` at `now` becomes, in order. `uniform` is drawn from only where
        the path has loss or jitter."""
        bursts = []
        at = max(now, self._line_free_at)
        while size_bytes > 0:
            self._acknowledge(at)
            room_bytes = self.window_bytes - self._in_flight_bytes
            if room_bytes < min(size_bytes, SEGMENT_BYTES):
                at = max(at, self._acknowledgements[0][0])
                continue
            burst = self._burst(min(size_bytes, room_bytes, BURST_BYTES), at, path, uniform)
            bursts.append(burst)
            size_bytes -= burst.size_bytes
            at = burst.departs
        return bursts

    def mark(self, now: float, path: Path, uniform: Callable[[], float]) -> float:
        """When something without bytes (the end of the stream) arrives: after everything before it."""
        departs = max(now, self._line_free_at)
        return self._arrival(departs + path.one_way_seconds + path.jitter(uniform))

    def restart(self) -> None:
        """Begin again with nothing in flight, as after a retransmission timeout."""
        self._threshold_bytes = max(self.window_bytes // 2, 2 * SEGMENT_BYTES)
        self.window_bytes = INITIAL_WINDOW_BYTES
        self._in_flight_bytes = 0
        self._acknowledgements.clear()
        self._line_free_at = self._last_arrival = -math.inf

    def _burst(self, size_bytes: int, at: float, path: Path, uniform: Callable[[], float]) -> Burst:
        departs = at + size_bytes / path.bytes_per_second
        delay = path.one_way_seconds + path.jitter(uniform)
        recovery = self._recovery_seconds(size_bytes, path, uniform) if path.loss else 0.0
        arrives = self._arrival(departs + delay + recovery)
        self._line_free_at = departs
        self._in_flight_bytes += size_bytes
        self._acknowledgements.append((arrives + path.one_way_seconds, size_bytes, recovery == 0.0))
        return Burst(size_bytes, departs, arrives)

    def _arrival(self, at: float) -> float:
        self._last_arrival = max(at, self._last_arrival)
        return self._last_arrival

    def _acknowledge(self, now: float) -> None:
        while self._acknowledgements and self._acknowledgements[0][0] <= now:
            _, size_bytes, may_grow = self._acknowledgements.popleft()
            if may_grow and self.window_bytes < 2 * self._in_flight_bytes:
                self._grow(size_bytes)
            self._in_flight_bytes -= size_bytes

    def _grow(self, acknowledged_bytes: int) -> None:
        if self.window_bytes >= self._threshold_bytes:
            acknowledged_bytes = SEGMENT_BYTES * acknowledged_bytes // self.window_bytes
        self.window_bytes = min(self.window_bytes + acknowledged_bytes, MAXIMUM_WINDOW_BYTES)

    def _recovery_seconds(self, size_bytes: int, path: Path, uniform: Callable[[], float]) -> float:
        """How long a burst waits for its lost segments to be sent again; 0 where none was lost."""
        segments = math.ceil(size_bytes / SEGMENT_BYTES)
        if uniform() >= 1 - (1 - path.loss) ** segments:
            return 0.0
        self._threshold_bytes = max(self.window_bytes // 2, 2 * SEGMENT_BYTES)
        timeout = path.round_trip_seconds + MINIMUM_TIMEOUT_SECONDS
        if segments >= FAST_RETRANSMIT_SEGMENTS:
            self.window_bytes = self._threshold_bytes
            waited = path.round_trip_seconds
        else:
            self.window_bytes = SEGMENT_BYTES
            waited = timeout
        for _ in range(MAXIMUM_BACKOFFS):
            if uniform() >= path.loss:
                break
            waited += timeout
            timeout *= 2
        return waited
