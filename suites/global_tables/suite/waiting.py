"""Waiting for what must come, with a bound; and making sure that what must not come does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

# Soon after the start, so that short lags are seen; later rarely, so that long waits cost few requests.
FIRST_POLL_S, LAST_POLL_S, SLOWER = 0.001, 1.0, 1.2

# Values that agree must go on agreeing over so many looks: a replica that took the writes in their order of arrival
# may agree with the others for a moment.
LOOKS, BETWEEN_LOOKS_S = 3, 0.15

# How long to watch that nothing comes: several times the usual lag on AWS.
QUIET_S = 3.0


def eventually(check: Callable[[], Found], *, within_s: float, what: str) -> Found:
    """The first true value of `check`; AssertionError with `what` and the last value where none comes in time."""
    deadline = time.monotonic() + within_s
    pause_s = FIRST_POLL_S
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s:g} s (last seen: {found!r})")
        time.sleep(pause_s)
        pause_s = min(LAST_POLL_S, pause_s * SLOWER)


def never(check: Callable[[], object], *, what: str, for_s: float = QUIET_S) -> None:
    """AssertionError where `check` gives a true value within `for_s`."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        found = check()
        assert not found, f"{what}: {found!r}"
        time.sleep(BETWEEN_LOOKS_S)


def lasting(check: Callable[[], bool]) -> bool:
    """Whether `check` holds over several looks."""
    for look in range(LOOKS):
        if look:
            time.sleep(BETWEEN_LOOKS_S)
        if not check():
            return False
    return True
