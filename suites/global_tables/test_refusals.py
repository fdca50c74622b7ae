"""What UpdateTable refuses about replicas, and its words.

Every refusal is a ValidationException: the exceptions named Replica... belong to the API of version 2017.11.29, and
UpdateTable declares none of them [UpdateTable]. The words are recorded: AWS documents none.

[UpdateTable] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
[Best practices] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-bestpractices.html
[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Recorded] Findings DDB-TABLE-203, -222, -223, -224, -225, -265, -297 and -307 of the ack-api-quirks laboratory,
verified against AWS on 2026-10-09; https://github.com/aws/aws-cli/issues/4906; and
https://github.com/hashicorp/terraform-provider-aws/issues/34450.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from suite.global_table import SCHEMA, GlobalTable

pytestmark = [pytest.mark.membership, pytest.mark.recorded]

# Where the table has no replica. Nothing is made there.
ELSEWHERE = ("ca-central-1", "sa-east-1")


def paired(table: GlobalTable, home: str, away: str) -> GlobalTable:
    table.create()
    table.add(away)
    table.wait_replicas([home, away])
    return table


@pytest.fixture(scope="module")
def pairs(declare: Callable[[], GlobalTable], home: str, away: str) -> list[GlobalTable]:
    """Tables with one replica. One is enough, unless some request is not refused and changes it."""
    return [paired(declare(), home, away)]


@pytest.fixture
def pair(declare: Callable[[], GlobalTable], pairs: list[GlobalTable], home: str, away: str) -> GlobalTable:
    if pairs[-1].statuses(home) != {away: "ACTIVE"} or pairs[-1].statuses(away) != {home: "ACTIVE"}:
        pairs.append(paired(declare(), home, away))
    return pairs[-1]


@pytest.fixture
def stranger(pair: GlobalTable) -> str:
    """A region in which the table has no replica."""
    return next(region for region in ELSEWHERE if region not in pair.regions)


def refuse(table: GlobalTable, region: str, message: str, **request: Any) -> None:
    """Assert that UpdateTable refuses a request in words that match, and does nothing."""
    client = table.regions[region].dynamodb
    table.wait_active(region)
    before = table.statuses(region)
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.update_table(TableName=table.name, **request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException", error
    assert re.fullmatch(message, error["Message"]), error["Message"]
    assert table.statuses(region) == before


@pytest.mark.parametrize("action", ["Create", "Delete"])
def test_the_local_region_is_not_named(pair: GlobalTable, home: str, action: str) -> None:
    """A table's own region is not added or deleted through ReplicaUpdates [Recorded]; the text was longer in 2020."""
    refuse(
        pair,
        home,
        r"Cannot add(, delete, or update| or delete) the local region through ReplicaUpdates\. "
        r"Use CreateTable, DeleteTable, or UpdateTable as required\.",
        ReplicaUpdates=[{action: {"RegionName": home}}],
    )


def test_a_replica_is_not_added_twice(pair: GlobalTable, home: str, away: str) -> None:
    """A global table can have only one replica a region [Concepts]; the text (sic) is [Recorded]."""
    refuse(pair, home, already_there(pair), ReplicaUpdates=[{"Create": {"RegionName": away}}])


def test_a_table_of_the_same_name_in_the_other_region_is_not_taken_over(
    lone: GlobalTable, home: str, away: str
) -> None:
    """If a table with the same name exists in the region, it must be deleted before a replica can be made there
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html) [Recorded]."""
    lone.regions[away].dynamodb.create_table(TableName=lone.name, BillingMode="PAY_PER_REQUEST", **SCHEMA)
    lone.wait_active(away)
    refuse(lone, home, already_there(lone), ReplicaUpdates=[{"Create": {"RegionName": away}}])
    assert lone.statuses(home) == lone.statuses(away) == {}


def already_there(table: GlobalTable) -> str:
    return (
        rf"Failed to create a the new replica of table with name: .{re.escape(table.name)}. "
        r"because one or more replicas already existed as tables\."
    )


@pytest.mark.parametrize("update", [{"Delete": {}}, {"Update": {"TableClassOverride": "STANDARD"}}])
def test_a_region_without_a_replica_has_none_to_change(
    pair: GlobalTable, home: str, stranger: str, update: dict[str, dict[str, str]]
) -> None:
    """Only a replica can be deleted or updated; the text was another one before [Recorded]."""
    ((action, members),) = update.items()
    refuse(
        pair,
        home,
        r"Update global table operation failed because one or more replicas were not part of the global table\. "
        rf"Please retry the request without these replicas: \[{stranger}\]\.|"
        r"Replica specified in the Replica Update or Replica Delete action of the request was not found\.",
        ReplicaUpdates=[{action: {"RegionName": stranger, **members}}],
    )


def test_a_region_must_exist(pair: GlobalTable, home: str) -> None:
    """Replicas are made in regions that have global tables; the text goes on to list them [Recorded]."""
    refuse(
        pair, home, r"Region us-fake-1 is not supported\..*", ReplicaUpdates=[{"Create": {"RegionName": "us-fake-1"}}]
    )


def test_replicas_are_added_one_by_one(pair: GlobalTable, home: str) -> None:
    """One create or delete action a request [Recorded]."""
    refuse(
        pair,
        home,
        r"Update table operation with more than one create or delete replica actions not allowed\.?",
        ReplicaUpdates=[{"Create": {"RegionName": region}} for region in ELSEWHERE],
    )


def test_an_update_of_replicas_has_one_action(pair: GlobalTable, home: str, away: str, stranger: str) -> None:
    """ReplicationGroupUpdate represents one of: a new replica, new parameters, or a deletion
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicationGroupUpdate.html) [Recorded]."""
    refuse(
        pair,
        home,
        r"Update table operation with more than one type of replica actions not allowed\.?",
        ReplicaUpdates=[{"Create": {"RegionName": stranger}, "Delete": {"RegionName": away}}],
    )


@pytest.mark.parametrize("empty", [True, False], ids=["no action", "an Update of nothing"])
def test_an_update_of_replicas_changes_something(pair: GlobalTable, home: str, away: str, empty: bool) -> None:
    """[Recorded]"""
    refuse(
        pair,
        home,
        r"There are no actions specified in the Replica Update Action of the request\.",
        ReplicaUpdates=[{} if empty else {"Update": {"RegionName": away}}],
    )


def test_replicas_are_not_changed_together_with_anything_else(pair: GlobalTable, home: str, stranger: str) -> None:
    """A replica modification is the only operation of its request [Recorded]."""
    refuse(
        pair,
        home,
        r"One or more parameter values were invalid: Replica modification must be the only operation in the request",
        ReplicaUpdates=[{"Create": {"RegionName": stranger}}],
        DeletionProtectionEnabled=True,
    )


def test_the_stream_of_a_replica_stays_on(pair: GlobalTable, home: str, away: str) -> None:
    """Streams cannot be disabled on the replicas of an eventually consistent global table [Concepts]; the text is
    [Recorded]."""
    for region in (home, away):
        refuse(
            pair,
            region,
            r"One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica\.",
            StreamSpecification={"StreamEnabled": False},
        )


def test_the_view_of_a_replicas_stream_is_not_changed(pair: GlobalTable, home: str) -> None:
    """A stream's view cannot be changed once it is set up
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html) [Recorded]."""
    refuse(
        pair,
        home,
        rf"Table already has an enabled stream: TableName: {re.escape(pair.name)}",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )


def test_fixed_write_capacity_cannot_be_replicated(declare: Callable[[], GlobalTable], home: str, away: str) -> None:
    """A table in provisioned mode needs automatic scaling of its writes before it gets a replica
    (https://github.com/aws/aws-cdk/issues/11346) [Recorded]."""
    provisioned = declare()
    provisioned.create(
        BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    )
    refuse(
        provisioned,
        home,
        r"Table write capacity should either be Pay-Per-Request or AutoScaled\.",
        ReplicaUpdates=[{"Create": {"RegionName": away}}],
    )


def test_a_protected_replica_is_not_removed_from_another_region(pair: GlobalTable, home: str, away: str) -> None:
    """Deletion protection is enabled on each replica that is to be protected [Best practices], and holds against
    ReplicaUpdates too [Recorded]."""
    pair.update(away, DeletionProtectionEnabled=True)
    pair.wait_active(away)
    refuse(
        pair,
        home,
        rf"Cannot delete table {re.escape(pair.name)} in region {away} because it has deletion protection "
        r"enabled\. Disable deletion protection first\.",
        ReplicaUpdates=[{"Delete": {"RegionName": away}}],
    )


def test_a_table_that_does_not_exist_gets_no_replica(pair: GlobalTable, home: str, away: str) -> None:
    """ResourceNotFoundException: the operation tried to access a nonexistent table [UpdateTable]."""
    client = pair.regions[home].dynamodb
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.update_table(TableName=f"{pair.name}-missing", ReplicaUpdates=[{"Create": {"RegionName": away}}])
