"""What is known about the health of endpoints: the checkers report, the name servers read.

Every health check has a streak per checker. Their majority says whether the endpoint is healthy, and the tree of
checks what each check is. `version` grows whenever a status changes, so that answers made from it can be forgotten.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from globule.host.clock import Clock
from globule.route53.model import HealthCheck
from globule.route53.rules.health import Streak, check_healthy, endpoint_healthy, observe

logger = logging.getLogger(__name__)

# For people who look at what happened lately; the log has the rest.
CHANGES_KEPT = 256


class HealthChange(msgspec.Struct, frozen=True, kw_only=True):
    """A health check changed its status."""

    check: str
    healthy: bool
    at: float
    """Seconds since the epoch."""
    why: str
    """What the checker that tipped the balance saw."""


class HealthBoard:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._checks: Mapping[str, HealthCheck] = {}
        self._streaks: dict[str, dict[str, Streak]] = {}
        self._last: dict[str, str] = {}
        """By check: what was seen last."""
        self.statuses: Mapping[str, bool] = {}
        """Health checks by id. Replaced, never changed."""
        self.version = 0
        self.changes: collections.deque[HealthChange] = collections.deque(maxlen=CHANGES_KEPT)

    def __repr__(self) -> str:
        return f"<HealthBoard {sum(self.statuses.values())} of {len(self.statuses)} healthy>"

    def follow(self, checks: Mapping[str, HealthCheck]) -> None:
        """These checks exist now. What is known of those that stay the same is kept."""
        for check_id in list(self._streaks):
            if checks.get(check_id) != self._checks.get(check_id):
                del self._streaks[check_id]
                self._last.pop(check_id, None)
        self._checks = dict(checks)
        self._judge("the health check was created or changed")

    def report(self, check_id: str, checker: str, *, passed: bool, why: str) -> None:
        """One probe's outcome."""
        check = self._checks.get(check_id)
        if check is None or checker not in check.regions:
            return
        streaks = self._streaks.setdefault(check_id, {region: Streak() for region in check.regions})
        before = streaks[checker]
        streaks[checker] = observe(before, passed=passed, threshold=check.failure_threshold)
        self._last[check_id] = f"{checker}: {why}"
        if streaks[checker].healthy != before.healthy:
            self._judge(self._last[check_id])

    def statistics(self) -> dict[str, Any]:
        return {
            check_id: {
                "healthy": healthy,
                "checkers_healthy": sum(streak.healthy for streak in self._streaks.get(check_id, {}).values()),
                "checkers": len(self._streaks.get(check_id, {})),
                "last": self._last.get(check_id, ""),
            }
            for check_id, healthy in self.statuses.items()
        }

    def _judge(self, why: str) -> None:
        endpoints = {
            check_id: endpoint_healthy([streak.healthy for streak in streaks.values()])
            for check_id, streaks in self._streaks.items()
        }
        statuses = {check_id: check_healthy(check, self._checks, endpoints) for check_id, check in self._checks.items()}
        if statuses == self.statuses:
            return
        for check_id, healthy in statuses.items():
            if healthy != self.statuses.get(check_id, not self._checks[check_id].inverted):
                self.changes.append(HealthChange(check=check_id, healthy=healthy, at=self._clock.now(), why=why))
                logger.info("health check %s is %s (%s)", check_id, "healthy" if healthy else "unhealthy", why)
        self.statuses = statuses
        self.version += 1
