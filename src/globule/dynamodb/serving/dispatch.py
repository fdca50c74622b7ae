"""Every operation of the API in one literal list: its name, the shape of its request, and what does it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from globule.dynamodb.control import (
    backups,
    limits,
    recorded,
    tables,
    tags,
    time_to_live,
    update_table,
)
from globule.dynamodb.control.continuous_backups import describe_continuous_backups, update_continuous_backups
from globule.dynamodb.rules import first_looks
from globule.dynamodb.rules.requests import backups as backup_requests
from globule.dynamodb.rules.requests import batches, control, items
from globule.dynamodb.rules.shapes import Shape, check_table_name
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.operations.batch_get_item import batch_get_item
from globule.dynamodb.serving.operations.batch_write_item import batch_write_item
from globule.dynamodb.serving.operations.delete_item import delete_item
from globule.dynamodb.serving.operations.get_item import get_item
from globule.dynamodb.serving.operations.put_item import put_item
from globule.dynamodb.serving.operations.query import query
from globule.dynamodb.serving.operations.scan import scan
from globule.dynamodb.serving.operations.statements import (
    batch_execute_statement,
    execute_statement,
    execute_transaction,
)
from globule.dynamodb.serving.operations.transact_get_items import transact_get_items
from globule.dynamodb.serving.operations.transact_write_items import transact_write_items
from globule.dynamodb.serving.operations.update_item import update_item


class Operation(msgspec.Struct, frozen=True):
    shape: Shape[Any]
    run: Callable[[Api, Any], Answer | Awaitable[Answer]]


def _data(
    struct: type,
    run: Callable[[Api, Any], Answer | Awaitable[Answer]],
    first: Callable[[first_looks.Document], None] | None = None,
) -> Operation:
    return Operation(Shape(struct, first), run)


def _control(struct: type, run: Callable[[Api, Any], Answer | Awaitable[Answer]]) -> Operation:
    """One that looks at TableName before anything else."""
    return Operation(Shape(struct, check_table_name), run)


OPERATIONS: Mapping[str, Operation] = {
    "GetItem": _data(items.GetItemInput, get_item, first_looks.empty_name),
    "PutItem": _data(items.PutItemInput, put_item, first_looks.put_item),
    "UpdateItem": _data(items.UpdateItemInput, update_item, first_looks.update_item),
    "DeleteItem": _data(items.DeleteItemInput, delete_item, first_looks.empty_name),
    "Query": _data(items.QueryInput, query, first_looks.empty_name),
    "Scan": _data(items.ScanInput, scan, first_looks.empty_name),
    "BatchGetItem": _data(batches.BatchGetItemInput, batch_get_item, first_looks.batch_get_item),
    "BatchWriteItem": _data(batches.BatchWriteItemInput, batch_write_item, first_looks.batch_write_item),
    "TransactGetItems": _data(batches.TransactGetItemsInput, transact_get_items),
    "TransactWriteItems": _data(batches.TransactWriteItemsInput, transact_write_items),
    "ExecuteStatement": _data(batches.ExecuteStatementInput, execute_statement),
    "BatchExecuteStatement": _data(batches.BatchExecuteStatementInput, batch_execute_statement),
    "ExecuteTransaction": _data(batches.ExecuteTransactionInput, execute_transaction),
    "CreateTable": _control(control.CreateTableInput, tables.create_table),
    "DescribeTable": _control(control.TableInput, tables.describe_table),
    "ListTables": _data(control.ListTablesInput, tables.list_tables),
    "UpdateTable": _control(control.UpdateTableInput, update_table.update_table),
    "DeleteTable": _control(control.TableInput, tables.delete_table),
    "UpdateTimeToLive": _control(control.UpdateTimeToLiveInput, time_to_live.update_time_to_live),
    "DescribeTimeToLive": _control(control.TableInput, time_to_live.describe_time_to_live),
    "TagResource": _data(control.TagResourceInput, tags.tag_resource),
    "UntagResource": _data(control.UntagResourceInput, tags.untag_resource),
    "ListTagsOfResource": _data(control.ListTagsOfResourceInput, tags.list_tags_of_resource),
    "DescribeLimits": _data(control.EmptyInput, limits.describe_limits),
    "UpdateContinuousBackups": _control(control.UpdateContinuousBackupsInput, update_continuous_backups),
    "DescribeContinuousBackups": _control(control.TableInput, describe_continuous_backups),
    "CreateBackup": _control(backup_requests.CreateBackupInput, backups.create_backup),
    "DescribeBackup": _data(backup_requests.BackupInput, backups.describe_backup),
    "ListBackups": _data(backup_requests.ListBackupsInput, backups.list_backups),
    "DeleteBackup": _data(backup_requests.BackupInput, backups.delete_backup),
    "RestoreTableFromBackup": _data(backup_requests.RestoreTableFromBackupInput, backups.restore_table_from_backup),
    "RestoreTableToPointInTime": _data(
        backup_requests.RestoreTableToPointInTimeInput, backups.restore_table_to_point_in_time
    ),
    "UpdateContributorInsights": _control(control.UpdateContributorInsightsInput, recorded.update_contributor_insights),
    "DescribeContributorInsights": _control(control.ContributorInsightsInput, recorded.describe_contributor_insights),
    "ListContributorInsights": _data(control.ListContributorInsightsInput, recorded.list_contributor_insights),
    "PutResourcePolicy": _data(control.PutResourcePolicyInput, recorded.put_resource_policy),
    "GetResourcePolicy": _data(control.GetResourcePolicyInput, recorded.get_resource_policy),
    "DeleteResourcePolicy": _data(control.DeleteResourcePolicyInput, recorded.delete_resource_policy),
}

UNSUPPORTED = frozenset(
    (
        "ExportTableToPointInTime",
        "DescribeExport",
        "ListExports",
        "ImportTable",
        "DescribeImport",
        "ListImports",
        "CreateGlobalTable",
        "DescribeGlobalTable",
        "DescribeGlobalTableSettings",
        "ListGlobalTables",
        "UpdateGlobalTable",
        "UpdateGlobalTableSettings",
        "DescribeTableReplicaAutoScaling",
        "UpdateTableReplicaAutoScaling",
        "EnableKinesisStreamingDestination",
        "DisableKinesisStreamingDestination",
        "DescribeKinesisStreamingDestination",
        "UpdateKinesisStreamingDestination",
    )
)
"""Operations that AWS has and Globule refuses by name."""
