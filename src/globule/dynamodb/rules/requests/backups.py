"""Requests about backups, and about tables that begin as one.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from globule.dynamodb.rules.requests.control import (
    BillingMode,
    GlobalSecondaryIndex,
    LocalSecondaryIndex,
    OnDemandThroughput,
    ProvisionedThroughput,
    SSESpecification,
)
from globule.dynamodb.rules.shapes import NAME_CONSTRAINTS, TableName, constrained

Name = Annotated[str, constrained(*NAME_CONSTRAINTS, pattern=r"^[a-zA-Z0-9_.-]{3,255}\Z")]
BackupArn = Annotated[str, msgspec.Meta(min_length=37, max_length=1024)]


class CreateBackupInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    BackupName: Name


class BackupInput(msgspec.Struct, frozen=True, kw_only=True):
    """DescribeBackup, DeleteBackup."""

    BackupArn: BackupArn


class ListBackupsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName | None = None
    Limit: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    TimeRangeLowerBound: float | None = None
    TimeRangeUpperBound: float | None = None
    ExclusiveStartBackupArn: BackupArn | None = None
    BackupType: Literal["USER", "SYSTEM", "AWS_BACKUP", "ALL"] | None = None


class RestoreTableFromBackupInput(msgspec.Struct, frozen=True, kw_only=True):
    TargetTableName: Name
    BackupArn: BackupArn
    BillingModeOverride: BillingMode | None = None
    GlobalSecondaryIndexOverride: list[GlobalSecondaryIndex] | None = None
    LocalSecondaryIndexOverride: list[LocalSecondaryIndex] | None = None
    ProvisionedThroughputOverride: ProvisionedThroughput | None = None
    OnDemandThroughputOverride: OnDemandThroughput | None = None
    SSESpecificationOverride: SSESpecification | None = None


class RestoreTableToPointInTimeInput(msgspec.Struct, frozen=True, kw_only=True):
    SourceTableArn: str | None = None
    SourceTableName: Name | None = None
    TargetTableName: Name
    UseLatestRestorableTime: bool | None = None
    RestoreDateTime: float | None = None
    BillingModeOverride: BillingMode | None = None
    GlobalSecondaryIndexOverride: list[GlobalSecondaryIndex] | None = None
    LocalSecondaryIndexOverride: list[LocalSecondaryIndex] | None = None
    ProvisionedThroughputOverride: ProvisionedThroughput | None = None
    OnDemandThroughputOverride: OnDemandThroughput | None = None
    SSESpecificationOverride: SSESpecification | None = None
