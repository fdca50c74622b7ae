"""UpdateContinuousBackups, DescribeContinuousBackups: the switch of point-in-time recovery.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

from typing import Any

from globule.dynamodb.control.recorded import record_setting
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.recovery import RECOVERY_DAYS, SETTING, earliest_s, kept_days
from globule.dynamodb.rules.requests import control
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.wire.aws.errors import AwsError


async def update_continuous_backups(api: Api, request: control.UpdateContinuousBackupsInput) -> Answer:
    table = existing_table(api, request.TableName)
    given = request.PointInTimeRecoverySpecification
    if not given.PointInTimeRecoveryEnabled and given.RecoveryPeriodInDays is not None:
        raise validation("Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
    setting = {
        "PointInTimeRecoveryEnabled": given.PointInTimeRecoveryEnabled,
        "RecoveryPeriodInDays": given.RecoveryPeriodInDays or RECOVERY_DAYS,
    }
    table = await record_setting(api, table, SETTING, setting)
    return {"ContinuousBackupsDescription": _continuous_backups(api, table)}


def describe_continuous_backups(api: Api, request: control.TableInput) -> Answer:
    return {"ContinuousBackupsDescription": _continuous_backups(api, existing_table(api, request.TableName))}


def existing_table(api: Api, name: str) -> TableRecord:
    """As operations on backups look for it. Raises TableNotFoundException."""
    try:
        return api.described_table(name)
    except AwsError:
        raise AwsError("TableNotFoundException", f"Table not found: {name}") from None


def _continuous_backups(api: Api, table: TableRecord) -> dict[str, Any]:
    since, now = table.recoverable_since, api.clock.now()
    if since is None:
        recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    else:
        earliest = earliest_s(table.spec, since, now)
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": kept_days(table.spec),
            "EarliestRestorableDateTime": earliest,
            "LatestRestorableDateTime": max(earliest, now),
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
