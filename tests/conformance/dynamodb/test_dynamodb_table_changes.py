"""UpdateTable and tags: what AWS refuses, in its words and in its order."""

from __future__ import annotations

from typing import Any

import pytest

INVALID = "One or more parameter values were invalid: "
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
G_TYPE = [{"AttributeName": "g", "AttributeType": "S"}]
NEW_INDEX = {
    "IndexName": "by-g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
CREATE = [{"Create": NEW_INDEX}]
STREAM = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
JOIN = [{"Create": {"RegionName": "eu-west-1"}}]
NO_MEMBER = (
    "Update global table operation failed because one or more replicas were not part of the global table. "
    "Please retry the request without these replicas: [eu-west-1]."
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ReplicaUpdates": JOIN, "DeletionProtectionEnabled": True},
            INVALID + "Replica modification must be the only operation in the request",
        ),
        (
            {"SSESpecification": {"Enabled": True}, "StreamSpecification": STREAM},
            INVALID + "Server-Side Encryption modification must be the only operation in the request",
        ),
        (
            {"TableClass": "STANDARD", "BillingMode": "PAY_PER_REQUEST"},
            INVALID + "TableClass modification must be the only operation in the request",
        ),
        (
            {"DeletionProtectionEnabled": True, "BillingMode": "PAY_PER_REQUEST"},
            INVALID + "DeletionProtection modification must be the only operation in the request",
        ),
        (
            {"OnDemandThroughput": {"MaxReadRequestUnits": 5}, "StreamSpecification": STREAM},
            INVALID + "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ),
        (
            {
                "AttributeDefinitions": G_TYPE,
                "GlobalSecondaryIndexUpdates": CREATE,
                "StreamSpecification": STREAM,
            },
            INVALID + "You cannot create or delete index while changing stream status",
        ),
        (
            {"ProvisionedThroughput": UNITS},
            INVALID
            + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            {"BillingMode": "PROVISIONED"},
            INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
        ),
        ({"GlobalSecondaryIndexUpdates": CREATE}, INVALID + "AttributeDefinitions is not specified for index: by-g"),
        (
            {"GlobalSecondaryIndexUpdates": [{}]},
            INVALID + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
            "GlobalSecondaryIndexUpdate.Delete must not be null",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [{"Create": NEW_INDEX, "Delete": {"IndexName": "by-g"}}]},
            INVALID + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        ),
        (
            {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-g"}}, {"Delete": {"IndexName": "by-g"}}]},
            INVALID + "Only one global secondary index update per index is allowed simultaneously. Index: by-g",
        ),
        (
            {"WarmThroughput": {"ReadUnitsPerSecond": 1}},
            INVALID + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, "
            "decreasing WarmThroughput is not supported",
        ),
        (
            {"OnDemandThroughput": {"MaxWriteRequestUnits": 0}},
            INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
        ),
        (
            {"StreamSpecification": {"StreamEnabled": True}},
            INVALID + "If stream is being enabled then UpdateViewType is required",
        ),
        ({"SSESpecification": {"Enabled": False}}, INVALID + "Table is already encrypted by default"),
        (
            {"TableClass": "COLD"},
            "Invalid table-class parameter provided. Please try again with a valid table-class value: "
            "[STANDARD, STANDARD_INFREQUENT_ACCESS].",
        ),
    ],
)
def test_changes_that_do_not_go_together_or_cannot_be_are_refused(
    client: Any, refused: Any, table: str, changes: dict[str, Any], message: str
) -> None:
    before = client.describe_table(TableName=table)["Table"]
    assert refused("update_table", TableName=table, **changes) == ("ValidationException", message)
    assert client.describe_table(TableName=table)["Table"] == before


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        (
            [{"Create": {"RegionName": "us-east-1"}}],
            "Cannot add or delete the local region through ReplicaUpdates. "
            "Use CreateTable, DeleteTable, or UpdateTable as required.",
        ),
        (
            JOIN,
            "Region eu-west-1 is not supported. The latest version of global tables are only supported in the "
            "following regions: [us-east-1]",
        ),
        ([{"Delete": {"RegionName": "eu-west-1"}}], NO_MEMBER),
        ([{"Update": {"RegionName": "eu-west-1", "TableClassOverride": "STANDARD"}}], NO_MEMBER),
        (
            [{"Create": {"RegionName": "eu-west-1"}}, {"Create": {"RegionName": "eu-west-2"}}],
            "Update table operation with more than one create or delete replica actions not allowed",
        ),
        (
            [{"Create": {"RegionName": "eu-west-1"}, "Delete": {"RegionName": "eu-west-2"}}],
            "Update table operation with more than one type of replica actions not allowed.",
        ),
        ([{}], "There are no actions specified in the Replica Update Action of the request."),
        (
            [{"Update": {"RegionName": "eu-west-1"}}],
            "There are no actions specified in the Replica Update Action of the request.",
        ),
    ],
)
def test_replicas_that_cannot_be_are_refused(
    refused: Any, table: str, updates: list[dict[str, Any]], message: str
) -> None:
    assert refused("update_table", TableName=table, ReplicaUpdates=updates) == ("ValidationException", message)


def test_a_maximum_of_requests_is_set_and_taken_away(client: Any, new_table: Any) -> None:
    name = new_table()
    client.update_table(TableName=name, OnDemandThroughput={"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 6})
    assert client.describe_table(TableName=name)["Table"]["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 5,
        "MaxWriteRequestUnits": 6,
    }
    client.update_table(TableName=name, OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1})
    assert "OnDemandThroughput" not in client.describe_table(TableName=name)["Table"]


def test_going_back_to_provisioned_capacity_names_that_of_each_index(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table(attributes={"g": "S"}, GlobalSecondaryIndexes=[NEW_INDEX])
    provisioned = {"TableName": name, "BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}
    assert refused("update_table", **provisioned) == (
        "ValidationException",
        INVALID + "ProvisionedThroughput must be specified for index: by-g",
    )
    client.update_table(
        **provisioned,
        GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by-g", "ProvisionedThroughput": UNITS}}],
    )
    (index,) = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"] | UNITS == index["ProvisionedThroughput"]


def test_an_index_that_is_there_or_is_not_is_no_new_or_old_one(refused: Any, new_table: Any) -> None:
    name = new_table(attributes={"g": "S"}, GlobalSecondaryIndexes=[NEW_INDEX])
    assert refused("update_table", TableName=name, AttributeDefinitions=G_TYPE, GlobalSecondaryIndexUpdates=CREATE) == (
        "ValidationException",
        "Attempting to create an index which already exists",
    )
    assert refused(
        "update_table", TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "other"}}]
    ) == ("ResourceNotFoundException", "Requested resource not found")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([{"Key": "aws:own", "Value": ""}], "Tag Key cannot be prefixed with aws:, Key: aws:own"),
        ([{"Key": "", "Value": ""}], "The Tag Key provided is invalid, Key: "),
    ],
)
def test_bad_tags_are_refused(client: Any, refused: Any, table: str, tags: list[dict[str, str]], message: str) -> None:
    arn = client.describe_table(TableName=table)["Table"]["TableArn"]
    assert refused("tag_resource", ResourceArn=arn, Tags=tags) == ("ValidationException", message)
