"""CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup, RestoreTableToPointInTime.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

from __future__ import annotations

from typing import Any

from globule.dynamodb.control.continuous_backups import existing_table
from globule.dynamodb.control.describe import index_definition, key_schema, sse_description, table_description
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.recovery import earliest_s
from globule.dynamodb.rules.requests import backups as requests
from globule.dynamodb.rules.restoring import RestoreInput, restored_spec
from globule.dynamodb.serving.backups import BackupBusy, BackupNotFound, BackupRecord
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.tables import TableExists
from globule.wire.aws.errors import AwsError

LISTED_BACKUPS = 100


async def create_backup(api: Api, request: requests.CreateBackupInput) -> Answer:
    table = existing_table(api, request.TableName)
    return {"BackupDetails": _details(await api.tables.backups.create(table, request.BackupName))}


def describe_backup(api: Api, request: requests.BackupInput) -> Answer:
    return {"BackupDescription": _description(_backup(api, request.BackupArn))}


async def delete_backup(api: Api, request: requests.BackupInput) -> Answer:
    backup = _backup(api, request.BackupArn)
    try:
        await api.tables.backups.delete(backup.arn)
    except BackupBusy:
        raise _busy() from None
    description = _description(backup)
    description["BackupDetails"]["BackupStatus"] = "DELETED"
    return {"BackupDescription": description}


def list_backups(api: Api, request: requests.ListBackupsInput) -> Answer:
    found = [backup for backup in api.tables.backups.records() if _listed(backup, request)]
    start = request.ExclusiveStartBackupArn
    if start is not None:
        arns = [backup.arn for backup in found]
        if start not in arns:
            raise validation("Invalid ExclusiveStartBackupArn")
        found = found[arns.index(start) + 1 :]
    page = found[: request.Limit or LISTED_BACKUPS]
    answer: Answer = {"BackupSummaries": [_summary(backup) for backup in page]}
    if len(page) < len(found):
        answer["LastEvaluatedBackupArn"] = page[-1].arn
    return answer


async def restore_table_from_backup(api: Api, request: requests.RestoreTableFromBackupInput) -> Answer:
    backup = _backup(api, request.BackupArn)
    spec = restored_spec(backup.table.spec, request)
    try:
        table = await api.tables.backups.restore_backup(spec, backup)
    except BackupBusy:
        raise _busy() from None
    except TableExists:
        raise _exists(request) from None
    return {"TableDescription": table_description(api, table)}


async def restore_table_to_point_in_time(api: Api, request: requests.RestoreTableToPointInTimeInput) -> Answer:
    named = request.SourceTableArn or request.SourceTableName
    if named is None:
        raise validation("Either SourceTableArn or SourceTableName must be specified")
    source = existing_table(api, named)
    at = _restored_time(api, source, request)
    try:
        table = await api.tables.backups.restore_time(restored_spec(source.spec, request), source, at)
    except TableExists:
        raise _exists(request) from None
    return {"TableDescription": table_description(api, table)}


def _restored_time(api: Api, source: TableRecord, request: requests.RestoreTableToPointInTimeInput) -> float:
    """Raises PointInTimeRecoveryUnavailableException, InvalidRestoreTimeException or ValidationException."""
    since, now = source.recoverable_since, api.clock.now()
    if since is None:
        raise AwsError(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source.name}'",
        )
    if request.UseLatestRestorableTime:
        if request.RestoreDateTime is not None:
            raise validation("RestoreDateTime and UseLatestRestorableTime cannot both be specified")
        return now
    if request.RestoreDateTime is None:
        raise validation("Either RestoreDateTime or UseLatestRestorableTime must be specified")
    if not earliest_s(source.spec, since, now) <= request.RestoreDateTime <= now:
        raise AwsError(
            "InvalidRestoreTimeException",
            "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and "
            "LatestRestorableDateTime.",
        )
    return request.RestoreDateTime


def _backup(api: Api, arn: str) -> BackupRecord:
    try:
        return api.tables.backups.find(arn)
    except BackupNotFound:
        raise AwsError("BackupNotFoundException", f"Backup not found: {arn}") from None


def _busy() -> AwsError:
    return AwsError(
        "BackupInUseException",
        "There is another ongoing conflicting backup control plane operation on the table. The backup is either being "
        "created, deleted or restored to a table.",
    )


def _exists(request: RestoreInput) -> AwsError:
    return AwsError("TableAlreadyExistsException", f"Table already exists: {request.TargetTableName}")


def _listed(backup: BackupRecord, request: requests.ListBackupsInput) -> bool:
    """All backups here are made by users."""
    low, high = request.TimeRangeLowerBound, request.TimeRangeUpperBound
    return (
        request.BackupType in (None, "USER", "ALL")
        and request.TableName in (None, backup.table.name, backup.table.arn)
        and (low is None or backup.created_at >= low)
        and (high is None or backup.created_at < high)
    )


def _details(backup: BackupRecord) -> dict[str, Any]:
    return {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size_bytes,
        "BackupStatus": backup.status,
        "BackupType": "USER",
        "BackupCreationDateTime": backup.created_at,
    }


def _summary(backup: BackupRecord) -> dict[str, Any]:
    table = backup.table
    return {"TableName": table.name, "TableId": table.table_id, "TableArn": table.arn, **_details(backup)}


def _description(backup: BackupRecord) -> dict[str, Any]:
    table, spec = backup.table, backup.table.spec
    read, write = (0, 0) if spec.throughput is None else (spec.throughput.read, spec.throughput.write)
    source: dict[str, Any] = {
        "TableName": table.name,
        "TableId": table.table_id,
        "TableArn": table.arn,
        "TableSizeBytes": backup.size_bytes,
        "KeySchema": key_schema(spec.keys),
        "TableCreationDateTime": table.created_at,
        "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write},
        "ItemCount": backup.items,
        "BillingMode": spec.billing,
    }
    if "OnDemandThroughput" in spec.settings:
        source["OnDemandThroughput"] = spec.settings["OnDemandThroughput"]
    return {
        "BackupDetails": _details(backup),
        "SourceTableDetails": source,
        "SourceTableFeatureDetails": _features(table),
    }


def _features(table: TableRecord) -> dict[str, Any]:
    spec = table.spec
    features: dict[str, Any] = {}
    for scope, member in (("local", "LocalSecondaryIndexes"), ("global", "GlobalSecondaryIndexes")):
        described = [index_definition(index) for index in spec.indexes if index.scope == scope]
        if described:
            features[member] = described
    if table.stream is not None:
        features["StreamDescription"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
    if spec.ttl_attribute is not None:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": spec.ttl_attribute}
    encryption = sse_description(table)
    if encryption is not None:
        features["SSEDescription"] = encryption
    return features
