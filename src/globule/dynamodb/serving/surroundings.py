"""What a write needs to know besides the store: where it is, what time it is, and how its table stands."""

from __future__ import annotations

from collections.abc import Callable

from globule.dynamodb.rules.clock import next_stamp
from globule.dynamodb.serving.catalogue import TableRecord
from globule.host.clock import Clock


class HybridTime:
    """This region's place in hybrid time. A stamp that is given to a change that is undone is only skipped."""

    def __init__(self, clock: Clock, last: int = 0) -> None:
        self._clock = clock
        self.last = last

    def tick(self) -> int:
        """The stamp of a new write."""
        self.last = next_stamp(self.last, self._clock.now())
        return self.last

    def observe(self, stamp: int) -> None:
        """A write of another region was seen."""
        self.last = max(self.last, stamp)


class Surroundings:
    """One for a region."""

    __slots__ = ("clock", "current", "region", "time")

    def __init__(self, *, region: str, clock: Clock, time: HybridTime, current: Callable[[int], TableRecord]) -> None:
        self.region = region
        self.clock = clock
        self.time = time
        self.current = current
        """The newest record of the table with a number. Raises TableNotFound."""
