"""Point-in-time recovery: whether a table keeps its history, and which times it can go back to.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html. AWS's latest
restorable time is "typically five minutes" ago; here it is now.
"""

from __future__ import annotations

import math
from typing import Any

from globule.dynamodb.model import TableSpec

SETTING = "PointInTimeRecoverySpecification"
RECOVERY_DAYS = 35
_DAY_S = 24 * 60 * 60


def keeps_history(spec: TableSpec) -> bool:
    return bool(_setting(spec).get("PointInTimeRecoveryEnabled"))


def kept_days(spec: TableSpec) -> int:
    return int(_setting(spec).get("RecoveryPeriodInDays") or RECOVERY_DAYS)


def earliest_s(spec: TableSpec, since: float, now: float) -> float:
    """The first whole second that a table can go back to, which keeps its history `since` then."""
    return max(float(math.ceil(since)), now - kept_days(spec) * _DAY_S)


def _setting(spec: TableSpec) -> dict[str, Any]:
    return dict(spec.settings.get(SETTING, {}))
