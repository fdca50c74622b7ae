"""Requests of the control API: tables, tags, time to live, and what is recorded.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from globule.dynamodb.rules.shapes import (
    NAME_CONSTRAINTS,
    IndexName,
    TableName,
    constrained,
)

BillingMode = Literal["PROVISIONED", "PAY_PER_REQUEST"]
Units = Annotated[int, msgspec.Meta(ge=1)]
KeyName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class AttributeDefinition(msgspec.Struct, frozen=True, kw_only=True):
    AttributeName: KeyName
    AttributeType: Literal["B", "N", "S"]


class KeySchemaElement(msgspec.Struct, frozen=True, kw_only=True):
    AttributeName: KeyName
    KeyType: Literal["HASH", "RANGE"]


class ProvisionedThroughput(msgspec.Struct, frozen=True, kw_only=True):
    WriteCapacityUnits: Units
    ReadCapacityUnits: Units


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    ProjectionType: Literal["ALL", "INCLUDE", "KEYS_ONLY"] | None = None
    NonKeyAttributes: Annotated[list[KeyName], msgspec.Meta(min_length=1, max_length=20)] | None = None


class OnDemandThroughput(msgspec.Struct, frozen=True, kw_only=True):
    MaxReadRequestUnits: int | None = None
    MaxWriteRequestUnits: int | None = None


class WarmThroughput(msgspec.Struct, frozen=True, kw_only=True):
    ReadUnitsPerSecond: Units | None = None
    WriteUnitsPerSecond: Units | None = None


TableKeySchema = Annotated[list[KeySchemaElement], msgspec.Meta(min_length=1, max_length=2)]
IndexKeySchema = Annotated[list[KeySchemaElement], msgspec.Meta(min_length=1, max_length=8)]


class LocalSecondaryIndex(msgspec.Struct, frozen=True, kw_only=True):
    IndexName: IndexName
    KeySchema: IndexKeySchema
    Projection: Projection


class GlobalSecondaryIndex(msgspec.Struct, frozen=True, kw_only=True):
    IndexName: IndexName
    KeySchema: IndexKeySchema
    Projection: Projection
    ProvisionedThroughput: ProvisionedThroughput | None = None
    OnDemandThroughput: OnDemandThroughput | None = None
    WarmThroughput: WarmThroughput | None = None


class StreamSpecification(msgspec.Struct, frozen=True, kw_only=True):
    StreamEnabled: bool
    StreamViewType: Literal["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"] | None = None


class SSESpecification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    Enabled: bool | None = None
    SSEType: Literal["AES256", "KMS"] | None = None
    KMSMasterKeyId: str | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    Key: str
    Value: str | None = None


class CreateTableInput(msgspec.Struct, frozen=True, kw_only=True):
    AttributeDefinitions: list[AttributeDefinition]
    TableName: TableName
    BillingMode: BillingMode | None = None
    ProvisionedThroughput: ProvisionedThroughput | None = None
    KeySchema: TableKeySchema
    LocalSecondaryIndexes: list[LocalSecondaryIndex] | None = None
    GlobalSecondaryIndexes: list[GlobalSecondaryIndex] | None = None
    StreamSpecification: StreamSpecification | None = None
    SSESpecification: SSESpecification | None = None
    Tags: list[Tag] | None = None
    TableClass: str | None = None
    DeletionProtectionEnabled: bool | None = None
    WarmThroughput: WarmThroughput | None = None
    ResourcePolicy: str | None = None
    OnDemandThroughput: OnDemandThroughput | None = None


class UpdateGlobalSecondaryIndexAction(msgspec.Struct, frozen=True, kw_only=True):
    IndexName: IndexName
    ProvisionedThroughput: ProvisionedThroughput | None = None
    OnDemandThroughput: OnDemandThroughput | None = None
    WarmThroughput: WarmThroughput | None = None


class DeleteGlobalSecondaryIndexAction(msgspec.Struct, frozen=True, kw_only=True):
    IndexName: IndexName


class GlobalSecondaryIndexUpdate(msgspec.Struct, frozen=True, kw_only=True):
    Update: UpdateGlobalSecondaryIndexAction | None = None
    Create: GlobalSecondaryIndex | None = None
    Delete: DeleteGlobalSecondaryIndexAction | None = None


class ReplicaAction(msgspec.Struct, frozen=True, kw_only=True):
    RegionName: str
    KMSMasterKeyId: str | None = None
    TableClassOverride: str | None = None
    ProvisionedThroughputOverride: Any | None = None
    OnDemandThroughputOverride: Any | None = None
    GlobalSecondaryIndexes: list[Any] | None = None


class ReplicationGroupUpdate(msgspec.Struct, frozen=True, kw_only=True):
    Create: ReplicaAction | None = None
    Update: ReplicaAction | None = None
    Delete: ReplicaAction | None = None


class UpdateTableInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    AttributeDefinitions: list[AttributeDefinition] | None = None
    BillingMode: BillingMode | None = None
    ProvisionedThroughput: ProvisionedThroughput | None = None
    GlobalSecondaryIndexUpdates: list[GlobalSecondaryIndexUpdate] | None = None
    StreamSpecification: StreamSpecification | None = None
    SSESpecification: SSESpecification | None = None
    ReplicaUpdates: Annotated[list[ReplicationGroupUpdate], msgspec.Meta(min_length=1)] | None = None
    TableClass: str | None = None
    DeletionProtectionEnabled: bool | None = None
    MultiRegionConsistency: Literal["EVENTUAL", "STRONG"] | None = None
    OnDemandThroughput: OnDemandThroughput | None = None
    WarmThroughput: WarmThroughput | None = None


class TableInput(msgspec.Struct, frozen=True, kw_only=True):
    """DeleteTable, DescribeTable, DescribeTimeToLive, DescribeContinuousBackups..."""

    TableName: TableName


class ListTablesInput(msgspec.Struct, frozen=True, kw_only=True):
    Limit: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    ExclusiveStartTableName: (
        Annotated[str, constrained(*NAME_CONSTRAINTS, pattern=r"^[a-zA-Z0-9_.-]{3,255}\Z")] | None
    ) = None


class TimeToLiveSpecification(msgspec.Struct, frozen=True, kw_only=True):
    AttributeName: KeyName
    Enabled: bool


class UpdateTimeToLiveInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    TimeToLiveSpecification: TimeToLiveSpecification


class TagResourceInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str | None = None
    Tags: list[Tag]


class UntagResourceInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str | None = None
    TagKeys: list[str]


class ListTagsOfResourceInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str | None = None
    NextToken: str | None = None


class EmptyInput(msgspec.Struct, frozen=True, kw_only=True):
    """DescribeLimits, DescribeEndpoints."""


class PointInTimeRecoverySpecification(msgspec.Struct, frozen=True, kw_only=True):
    PointInTimeRecoveryEnabled: bool
    RecoveryPeriodInDays: Annotated[int, msgspec.Meta(ge=1, le=35)] | None = None


class UpdateContinuousBackupsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    PointInTimeRecoverySpecification: PointInTimeRecoverySpecification


class ContributorInsightsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    IndexName: IndexName | None = None


class UpdateContributorInsightsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName
    IndexName: IndexName | None = None
    ContributorInsightsAction: Literal["ENABLE", "DISABLE"]
    ContributorInsightsMode: Literal["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"] | None = None


class ListContributorInsightsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName | None = None
    NextToken: str | None = None
    MaxResults: Annotated[int, msgspec.Meta(le=100)] | None = None


PolicyRevision = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class PutResourcePolicyInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str
    Policy: str
    ExpectedRevisionId: PolicyRevision | None = None
    ConfirmRemoveSelfResourceAccess: bool | None = None


class DeleteResourcePolicyInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str
    ExpectedRevisionId: PolicyRevision | None = None


class GetResourcePolicyInput(msgspec.Struct, frozen=True, kw_only=True):
    ResourceArn: str
