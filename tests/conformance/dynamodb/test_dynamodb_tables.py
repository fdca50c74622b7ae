"""Tables: made, described, listed, changed, tagged, deleted; and what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

PATIENCE_SECONDS = 20.0
PK = [{"AttributeName": "pk", "KeyType": "HASH"}]
PK_TYPE = [{"AttributeName": "pk", "AttributeType": "S"}]
INVALID = "One or more parameter values were invalid: "


def index(name: str, key: str, **parameters: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        **parameters,
    }


def test_a_table_is_described_as_it_was_made(client: Any, new_table: Any) -> None:
    name = new_table(
        attributes={"g": "N"},
        GlobalSecondaryIndexes=[index("by-g", "g")],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        SSESpecification={"Enabled": True},
        DeletionProtectionEnabled=False,
        TableClass="STANDARD_INFREQUENT_ACCESS",
    )
    described = client.describe_table(TableName=name)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["TableName"] == name
    assert described["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["ItemCount"] == 0
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert described["LatestStreamArn"] == f"{described['TableArn']}/stream/{described['LatestStreamLabel']}"
    assert described["SSEDescription"]["Status"] == "ENABLED"
    assert described["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    (found,) = described["GlobalSecondaryIndexes"]
    assert found["IndexStatus"] == "ACTIVE"
    assert found["IndexArn"] == f"{described['TableArn']}/index/by-g"


def test_creating_answers_before_the_table_is_active(client: Any, new_table: Any) -> None:
    answer = client.create_table(
        TableName="creating-table",
        KeySchema=PK,
        AttributeDefinitions=PK_TYPE,
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
    )
    description = answer["TableDescription"]
    assert description["TableStatus"] == "CREATING"
    assert description["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 3,
        "WriteCapacityUnits": 4,
    }
    client.get_waiter("table_exists").wait(TableName="creating-table")
    deleted = client.delete_table(TableName="creating-table")
    assert deleted["TableDescription"]["TableStatus"] == "DELETING"


def test_a_name_is_taken_once_and_free_after_deletion(client: Any, refused: Any) -> None:
    definition = {"KeySchema": PK, "AttributeDefinitions": PK_TYPE, "BillingMode": "PAY_PER_REQUEST"}
    client.create_table(TableName="taken", **definition)
    assert refused("create_table", TableName="taken", **definition) == (
        "ResourceInUseException",
        "Table already exists: taken",
    )
    client.put_item(TableName="taken", Item={"pk": {"S": "old"}})
    client.delete_table(TableName="taken")
    client.get_waiter("table_not_exists").wait(TableName="taken", WaiterConfig={"Delay": 0.05})
    client.create_table(TableName="taken", **definition)
    assert "Item" not in client.get_item(TableName="taken", Key={"pk": {"S": "old"}})
    client.delete_table(TableName="taken")


def test_tables_are_listed_in_pages(client: Any, new_table: Any) -> None:
    names = {new_table() for _ in range(3)}
    listed: list[str] = []
    start: dict[str, Any] = {}
    while True:
        answer = client.list_tables(Limit=2, **start)
        listed += answer["TableNames"]
        if "LastEvaluatedTableName" not in answer:
            break
        start = {"ExclusiveStartTableName": answer["LastEvaluatedTableName"]}
    assert listed == sorted(listed) and names <= set(listed)


@pytest.mark.parametrize("operation", ["describe_table", "delete_table", "describe_time_to_live"])
def test_a_table_that_is_not_there_is_named(refused: Any, operation: str) -> None:
    assert refused(operation, TableName="nowhere") == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: nowhere not found",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"BillingMode": "PROVISIONED"},
            INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            INVALID
            + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        ({"AttributeDefinitions": []}, "Invalid KeySchema: Some index key attribute have no definition"),
        (
            {"AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}]},
            INVALID + "Some index key attributes are not defined in AttributeDefinitions. "
            "Keys: [pk], AttributeDefinitions: [x]",
        ),
        (
            {"AttributeDefinitions": [*PK_TYPE, {"AttributeName": "x", "AttributeType": "S"}]},
            INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions",
        ),
        (
            {"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        ({"GlobalSecondaryIndexes": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
        (
            {"LocalSecondaryIndexes": [index("local", "pk")]},
            INVALID
            + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ),
        (
            {"GlobalSecondaryIndexes": [index("same", "pk"), index("same", "pk")]},
            INVALID + "Duplicate index name: same",
        ),
        (
            {"GlobalSecondaryIndexes": [index("one", "pk", Projection={})]},
            INVALID + "Unknown ProjectionType: null",
        ),
        (
            {
                "GlobalSecondaryIndexes": [
                    index("one", "pk", Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})
                ]
            },
            INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index(f"index-{number}", "pk") for number in range(21)]},
            INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
        ),
    ],
)
def test_a_bad_definition_is_refused_in_awss_words(refused: Any, changes: dict[str, Any], message: str) -> None:
    definition = {
        "TableName": "never-made",
        "KeySchema": PK,
        "AttributeDefinitions": PK_TYPE,
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert refused("create_table", **{**definition, **changes}) == ("ValidationException", message)


def test_an_index_is_made_on_a_live_table_and_removed(client: Any, new_table: Any) -> None:
    name = new_table()
    for number in range(20):
        client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": str(number)}, "g": {"S": "ab"[number % 2]}})
    answer = client.update_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}],
    )
    assert answer["TableDescription"]["TableStatus"] == "UPDATING"
    _until_index(client, name, ["ACTIVE"])
    found = client.query(
        TableName=name,
        IndexName="by-g",
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": "a"}},
    )
    assert found["Count"] == 10
    client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    _until_index(client, name, [])


def _until_index(client: Any, name: str, statuses: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        indexes = client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])
        if [each["IndexStatus"] for each in indexes] == statuses:
            return
        time.sleep(0.02)
    pytest.fail(f"the indexes of {name} did not become {statuses}")


def test_throughput_and_billing_change(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    assert refused(
        "update_table", TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    )[1].startswith("The provisioned throughput for the table will not change.")
    client.update_table(TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    described = client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]
    assert (described["ReadCapacityUnits"], described["WriteCapacityUnits"]) == (5, 6)
    client.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    assert client.describe_table(TableName=name)["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_protected_table_is_not_deleted(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table(DeletionProtectionEnabled=True)
    code, message = refused("delete_table", TableName=name)
    assert code == "ValidationException" and "protected against deletion" in message
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=name)


def test_a_stream_is_switched_on_and_off(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table()
    on = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert refused("update_table", TableName=name, StreamSpecification={"StreamEnabled": False})[0] == (
        "ValidationException"
    )
    client.update_table(TableName=name, StreamSpecification=on)
    assert refused("update_table", TableName=name, StreamSpecification=on)[0] == "ValidationException"
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    described = client.describe_table(TableName=name)["Table"]
    assert "StreamSpecification" not in described and "LatestStreamArn" in described


def test_an_update_that_asks_for_nothing_is_refused(refused: Any, table: str) -> None:
    code, message = refused("update_table", TableName=table)
    assert code == "ValidationException" and message.startswith("At least one of ProvisionedThroughput")


def test_time_to_live_is_switched(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table()
    wanted = {"Enabled": True, "AttributeName": "expires"}
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    answer = client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    assert answer["TimeToLiveSpecification"] == wanted
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires",
    }
    assert refused("update_time_to_live", TableName=name, TimeToLiveSpecification=wanted) == (
        "ValidationException",
        "TimeToLive is already enabled",
    )


def test_tags_are_kept(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table(Tags=[{"Key": "a", "Value": "1"}])
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "a", "Value": "3"},
        {"Key": "b", "Value": "2"},
    ]
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused("tag_resource", ResourceArn=arn, Tags=[]) == (
        "ValidationException",
        "Atleast one Tag needs to be provided as Input.",
    )
    assert refused("list_tags_of_resource", ResourceArn=arn + "-not") == (
        "ResourceNotFoundException",
        f"Requested resource not found: ResourceArn: {arn}-not not found",
    )


def test_limits_and_endpoints_are_described(client: Any, port: int) -> None:
    assert client.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    assert client.describe_endpoints()["Endpoints"][0]["Address"] == f"127.0.0.1:{port}"


def test_what_is_recorded_is_shown(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table()
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    client.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE")
    assert client.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "ENABLED"
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    assert refused("get_resource_policy", ResourceArn=arn)[0] == "PolicyNotFoundException"
    revision = client.put_resource_policy(ResourceArn=arn, Policy="{}")["RevisionId"]
    assert client.get_resource_policy(ResourceArn=arn) | {"ResponseMetadata": None} == {
        "Policy": "{}",
        "RevisionId": revision,
        "ResponseMetadata": None,
    }
    client.delete_resource_policy(ResourceArn=arn)
    assert refused("get_resource_policy", ResourceArn=arn)[0] == "PolicyNotFoundException"
