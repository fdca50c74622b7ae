"""Wall clocks that are wrong: they start apart, run too fast or too slow, and are set back and forth."""

from __future__ import annotations

import asyncio

# A day in the life of the simulation.
EPOCH_S = 1_800_000_000.0


class SkewedClock:
    """Implements `host.clock.Clock` on the loop's time; only `now` is wrong."""

    def __init__(self, *, offset_s: float = 0.0, drift: float = 0.0) -> None:
        self._offset_s = offset_s
        self._drift = drift

    def now(self) -> float:
        elapsed_s = self.monotonic()
        return EPOCH_S + elapsed_s * (1 + self._drift) + self._offset_s

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jump(self, seconds: float) -> None:
        """Somebody set the clock."""
        self._offset_s += seconds
