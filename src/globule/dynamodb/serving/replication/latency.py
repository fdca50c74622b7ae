"""ReplicationLatency: from when a write was accepted here to when it was visible in another region.

Kept by the source, for each pair of regions, as CloudWatch has it
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html#ReplicationLatency).
"""

from __future__ import annotations

import collections
from typing import Any

# Some seconds of a busy table, hours of a quiet one.
RECENT_SAMPLES = 4096

# Three hours, which is how long CloudWatch keeps figures of a minute's resolution and less.
MINUTES_KEPT = 180


class Minute:
    """The statistics that CloudWatch asks for, of one minute."""

    __slots__ = ("count", "maximum_ms", "minimum_ms", "minute", "sum_ms")

    def __init__(self, minute: int) -> None:
        self.minute = minute
        self.count = 0
        self.sum_ms = 0.0
        self.minimum_ms = float("inf")
        self.maximum_ms = 0.0


class Latency:
    """Of one table to one region."""

    def __init__(self) -> None:
        self._recent: collections.deque[float] = collections.deque(maxlen=RECENT_SAMPLES)
        self._minutes: collections.deque[Minute] = collections.deque(maxlen=MINUTES_KEPT)
        self.count = 0

    def __repr__(self) -> str:
        return f"<Latency {self.figures()}>"

    def record(self, latency_ms: float, now_s: float) -> None:
        self.count += 1
        self._recent.append(latency_ms)
        number = int(now_s // 60)
        if not self._minutes or self._minutes[-1].minute != number:
            self._minutes.append(Minute(number))
        minute = self._minutes[-1]
        minute.count += 1
        minute.sum_ms += latency_ms
        minute.minimum_ms = min(minute.minimum_ms, latency_ms)
        minute.maximum_ms = max(minute.maximum_ms, latency_ms)

    def minutes(self) -> list[Minute]:
        """The oldest first."""
        return list(self._minutes)

    def figures(self) -> dict[str, Any]:
        """Of the most recent writes."""
        ordered = sorted(self._recent)
        if not ordered:
            return {"count": self.count}
        return {
            "count": self.count,
            "p50_ms": round(ordered[len(ordered) // 2], 2),
            "p99_ms": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 2),
            "last_ms": round(self._recent[-1], 2),
        }
