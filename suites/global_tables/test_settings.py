"""Settings that replicas share, and settings that are each region's own.

test_time_to_live.py and test_indexes.py have those that are shared and changed from any region.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Settings] https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_dynamodb.GlobalTableSettingsReplicationMode.html:
never synchronised are table class, encryption keys, deletion protection, point-in-time recovery, tags, resource
policies and contributor insights. Table class is not tested: AWS allows two changes in 30 days.
[Best practices] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-bestpractices.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from suite.global_table import GlobalTable
from suite.waiting import QUIET_S, eventually

TAG = {"Key": "made-by", "Value": "global-tables-suite"}


def tags(table: GlobalTable, region: str) -> list[dict[str, str]]:
    arn = table.describe(region)["TableArn"]
    found: list[dict[str, str]] = table.regions[region].dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return found


def is_protected(table: GlobalTable, region: str) -> bool:
    return bool(table.describe(region).get("DeletionProtectionEnabled"))


def can_be_restored(table: GlobalTable, region: str) -> bool:
    """To a point in time."""
    answer = table.regions[region].dynamodb.describe_continuous_backups(TableName=table.name)
    recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return bool(recovery["PointInTimeRecoveryStatus"] == "ENABLED")


@pytest.fixture(scope="module")
def configured(table: GlobalTable, home: str) -> Iterator[GlobalTable]:
    """The shared table, with a tag, protection and recovery set at home, and time for them to spread if they did.
    Protection is taken off at the end."""
    client = table.regions[home].dynamodb
    client.tag_resource(ResourceArn=table.describe(home)["TableArn"], Tags=[TAG])
    client.update_continuous_backups(
        TableName=table.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    table.update(home, DeletionProtectionEnabled=True)
    table.wait_active(home)
    time.sleep(QUIET_S)
    yield table
    table.update(home, DeletionProtectionEnabled=False)
    table.wait_active(home)


@pytest.mark.parametrize("is_set", [tags, is_protected, can_be_restored])
def test_a_setting_of_one_region_stays_in_it(
    configured: GlobalTable, home: str, is_set: Callable[[GlobalTable, str], object]
) -> None:
    """Tags, deletion protection and point-in-time recovery are never synchronised [Settings]; protection must be
    enabled on each replica [Best practices]."""
    eventually(lambda: is_set(configured, home), within_s=configured.patience_s, what=f"the setting is made in {home}")
    for region in configured.regions:
        if region != home:
            assert not is_set(configured, region), f"the setting of {home} is set in {region} too"


def test_a_protected_replica_is_not_deleted(configured: GlobalTable, home: str) -> None:
    """Deletion protection prevents a table from being deleted
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html)."""
    client = configured.regions[home].dynamodb
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.delete_table(TableName=configured.name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert configured.describe(home)["TableStatus"] == "ACTIVE"
