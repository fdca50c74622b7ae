"""Backups, and tables restored from them or to a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE_SECONDS = 20.0
BY_G = {
    "IndexName": "by-g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
NOWHERE = "arn:aws:dynamodb:us-east-1:000000000000:table/none/backup/01489602797149-73d8d5bc"


def eventually(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def back_up(client: Any, name: str) -> str:
    arn = client.create_backup(TableName=name, BackupName=f"of-{name}")["BackupDetails"]["BackupArn"]
    eventually(
        lambda: (
            client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"
        )
    )
    return str(arn)


def numbers(client: Any, name: str) -> dict[str, str]:
    """Sort keys and what they hold."""
    found = [item for page in client.get_paginator("scan").paginate(TableName=name) for item in page["Items"]]
    return {item["sk"]["S"]: item["n"]["N"] for item in found}


def put(client: Any, name: str, key: str, number: int, group: str = "a") -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": key}, "n": {"N": str(number)}, "g": {"S": group}}
    client.put_item(TableName=name, Item=item)


def keep_history(client: Any, name: str, *, enabled: bool = True) -> dict[str, Any]:
    answer = client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
    )
    return dict(answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"])


def test_a_table_restored_from_a_backup_has_its_items_and_indexes_as_they_were(client: Any, new_table: Any) -> None:
    name = new_table(
        attributes={"g": "S"},
        GlobalSecondaryIndexes=[BY_G],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    for number in range(250):
        put(client, name, f"{number}", number, group="even" if number % 2 == 0 else "odd")
    arn = back_up(client, name)
    put(client, name, "0", 1000)
    client.delete_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": "1"}})
    restored = f"{name}-restored"
    answer = client.restore_table_from_backup(TargetTableName=restored, BackupArn=arn)["TableDescription"]
    assert answer["TableStatus"] == "CREATING"
    assert answer["RestoreSummary"]["RestoreInProgress"] and answer["RestoreSummary"]["SourceBackupArn"] == arn
    client.get_waiter("table_exists").wait(TableName=restored, WaiterConfig={"Delay": 1})
    described = client.describe_table(TableName=restored)["Table"]
    assert not described["RestoreSummary"]["RestoreInProgress"]
    assert "StreamSpecification" not in described
    assert described["ItemCount"] == 250
    assert client.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"] == []
    assert numbers(client, restored) == {str(number): str(number) for number in range(250)}
    even = client.query(
        TableName=restored,
        IndexName="by-g",
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": "even"}},
        Select="COUNT",
    )
    assert even["Count"] == 125
    put(client, restored, "new", 1)
    assert "new" not in numbers(client, name)


def test_a_backup_outlives_its_table_and_is_listed_until_it_is_deleted(
    client: Any, refused: Any, new_table: Any
) -> None:
    name = new_table()
    put(client, name, "a", 1)
    first, second = back_up(client, name), back_up(client, name)
    client.delete_table(TableName=name)
    pages = client.get_paginator("list_backups").paginate(TableName=name, PaginationConfig={"PageSize": 1})
    assert [each["BackupArn"] for page in pages for each in page["BackupSummaries"]] == [first, second]
    source = client.describe_backup(BackupArn=first)["BackupDescription"]["SourceTableDetails"]
    assert (source["TableName"], source["ItemCount"], source["BillingMode"]) == (name, 1, "PAY_PER_REQUEST")
    client.restore_table_from_backup(TargetTableName=name, BackupArn=first)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert numbers(client, name) == {"a": "1"}
    deleted = client.delete_backup(BackupArn=first)["BackupDescription"]["BackupDetails"]
    assert deleted["BackupStatus"] == "DELETED"
    assert refused("describe_backup", BackupArn=first) == ("BackupNotFoundException", f"Backup not found: {first}")
    assert [each["BackupArn"] for each in client.list_backups(TableName=name)["BackupSummaries"]] == [second]


def test_a_restored_table_may_have_fewer_indexes_and_other_capacity(client: Any, refused: Any, new_table: Any) -> None:
    arn = back_up(client, new_table(attributes={"g": "S"}, GlobalSecondaryIndexes=[BY_G]))
    target = {"TargetTableName": "table-with-less", "BackupArn": arn}
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    assert refused(
        "restore_table_from_backup",
        **target,
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride=units,
    ) == (
        "ValidationException",
        "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: by-g",
    )
    code, message = refused(
        "restore_table_from_backup", **target, GlobalSecondaryIndexOverride=[{**BY_G, "IndexName": "by-h"}]
    )
    assert code == "ValidationException" and "by-h" in message
    answer = client.restore_table_from_backup(
        **target,
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride=units,
        GlobalSecondaryIndexOverride=[],
    )["TableDescription"]
    assert "GlobalSecondaryIndexes" not in answer
    assert answer["ProvisionedThroughput"]["WriteCapacityUnits"] == 3


def test_a_table_goes_back_to_what_it_was(client: Any, new_table: Any) -> None:
    name = new_table()
    put(client, name, "before", 1)
    recovery = keep_history(client, name)
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    put(client, name, "kept", 1)
    put(client, name, "changed", 1)
    put(client, name, "deleted", 1)
    # AWS's clients send whole seconds and those of the test have to be after the first that can be gone back to.
    at = max(recovery["EarliestRestorableDateTime"].timestamp(), float(int(time.time()) + 1))
    eventually(lambda: time.time() > at)
    put(client, name, "changed", 2)
    put(client, name, "changed", 3)
    put(client, name, "added", 1)
    client.delete_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": "deleted"}})
    now = numbers(client, name)
    for target, when in (("then", {"RestoreDateTime": at}), ("now", {"UseLatestRestorableTime": True})):
        restored = f"{name}-{target}"
        client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=restored, **when)
        client.get_waiter("table_exists").wait(TableName=restored, WaiterConfig={"Delay": 1})
    assert numbers(client, f"{name}-then") == {"before": "1", "kept": "1", "changed": "1", "deleted": "1"}
    assert numbers(client, f"{name}-now") == now == {"before": "1", "kept": "1", "changed": "3", "added": "1"}


def test_times_and_tables_that_cannot_be_gone_back_to_are_refused(client: Any, refused: Any, new_table: Any) -> None:
    name = new_table()
    restore = {"SourceTableName": name, "TargetTableName": f"{name}-never"}
    unavailable = (
        "PointInTimeRecoveryUnavailableException",
        f"Point in time recovery is not enabled for table '{name}'",
    )
    assert refused("restore_table_to_point_in_time", **restore, UseLatestRestorableTime=True) == unavailable
    keep_history(client, name)
    for at in (time.time() - 3600, time.time() + 3600):
        code, _ = refused("restore_table_to_point_in_time", **restore, RestoreDateTime=at)
        assert code == "InvalidRestoreTimeException"
    assert refused("restore_table_to_point_in_time", **restore)[0] == "ValidationException"
    taken = {"SourceTableName": name, "TargetTableName": name, "UseLatestRestorableTime": True}
    assert refused("restore_table_to_point_in_time", **taken) == (
        "TableAlreadyExistsException",
        f"Table already exists: {name}",
    )
    keep_history(client, name, enabled=False)
    assert refused("restore_table_to_point_in_time", **restore, UseLatestRestorableTime=True) == unavailable


@pytest.mark.parametrize(
    ("operation", "parameters", "error"),
    [
        ("create_backup", {"TableName": "none", "BackupName": "abc"}, "TableNotFoundException"),
        ("describe_backup", {"BackupArn": NOWHERE}, "BackupNotFoundException"),
        ("delete_backup", {"BackupArn": NOWHERE}, "BackupNotFoundException"),
        ("restore_table_from_backup", {"BackupArn": NOWHERE, "TargetTableName": "abc"}, "BackupNotFoundException"),
        ("create_backup", {"TableName": "none", "BackupName": "a b"}, "ValidationException"),
    ],
)
def test_what_is_not_there_is_named(refused: Any, operation: str, parameters: dict[str, Any], error: str) -> None:
    assert refused(operation, **parameters)[0] == error
