"""Hybrid logical time: near the wall clock, and never behind anything that was seen.

A stamp is 64 bits: milliseconds since the epoch, then 16 bits that count within one millisecond (Kulkarni et al.,
"Logical Physical Clocks", 2014). A region's next stamp is above every stamp that it has given or applied, so a write
that has seen another one always has the later stamp, however slow or fast the region's clock is. A clock that jumps
ahead takes the others with it; a clock that falls behind goes on counting from where it was.
"""

from __future__ import annotations

COUNTER_BITS = 16


def next_stamp(last: int, now_s: float) -> int:
    """The stamp of a new write, where `last` is the latest that was given or seen."""
    return max(int(now_s * 1000) << COUNTER_BITS, last + 1)


def stamp_time(stamp: int) -> float:
    """Seconds since the epoch."""
    return (stamp >> COUNTER_BITS) / 1000
