"""When an endpoint, and when a health check, is healthy.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from globule.route53.model import ENDPOINT_CHECKS, HealthCheck

# "If more than 18% of health checkers report that an endpoint is healthy, Route 53 considers it healthy."
HEALTHY_SHARE = 0.18

# Where the checkers stand: the regions that HealthCheckConfig's Regions can name.
CHECKER_REGIONS = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
)


class Streak(msgspec.Struct, frozen=True):
    """What one checker thinks of one endpoint. A new one is healthy until there is enough data."""

    healthy: bool = True
    against: int = 0
    """Results in a row that say otherwise."""


def observe(streak: Streak, *, passed: bool, threshold: int) -> Streak:
    """The failure threshold counts in both directions: so many results in a row change the checker's mind."""
    if passed == streak.healthy:
        return Streak(streak.healthy)
    if streak.against + 1 >= threshold:
        return Streak(passed)
    return Streak(streak.healthy, streak.against + 1)


def endpoint_healthy(reports: Collection[bool]) -> bool:
    """What the checkers' reports amount to."""
    return not reports or sum(reports) > HEALTHY_SHARE * len(reports)


def check_healthy(check: HealthCheck, checks: Mapping[str, HealthCheck], endpoints: Mapping[str, bool]) -> bool:
    """The status of a health check, given those of the endpoints that are probed, by health check.

    A disabled one counts as healthy, unless it is inverted (UpdateHealthCheck, Disabled). Children of a calculated
    check cannot be calculated themselves; such a one counts as healthy, and `notices` says so.
    """
    if check.disabled:
        healthy = True
    elif check.kind in ENDPOINT_CHECKS:
        healthy = endpoints.get(check.id, True)
    elif check.kind == "CALCULATED":
        children = [checks[child] for child in check.children if child in checks]
        healthy = check.health_threshold <= sum(
            child.kind == "CALCULATED" or check_healthy(child, checks, endpoints) for child in children
        )
    else:
        healthy = True
    return healthy != check.inverted


def notices(checks: Mapping[str, HealthCheck]) -> list[str]:
    """What AWS would have refused about these health checks."""
    found = []
    for check in checks.values():
        for child in check.children:
            if child not in checks:
                found.append(f"health check {check.id}: its child {child} does not exist in this world")
            elif checks[child].kind == "CALCULATED":
                found.append(f"health check {check.id}: its child {child} is itself CALCULATED and counts as healthy")
    return found
