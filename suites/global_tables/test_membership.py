"""Replicas are added to a living table, and removed.

[UpdateTable] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
[Create] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateReplicationGroupMemberAction.html
[Update] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicationGroupUpdate.html
[Replica] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicaDescription.html
[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from suite.global_table import KEY, GlobalTable, Item
from suite.waiting import eventually

pytestmark = pytest.mark.membership

# Items that the table holds when the replica is asked for. They take more than one page and one batch.
ITEMS = 60
BALLAST = "x" * 10_000

# Writes while the replica is being made: at most so many, so often; and then only looks.
WRITES_LIMIT = 400
BETWEEN_WRITES_S = 0.05
BETWEEN_LOOKS_S = 1.0

TTL_ATTRIBUTE = "expires"


@dataclass
class Growth:
    """A table that had items, no stream, and no replica; and got one while it was being written to."""

    table: GlobalTable
    answer: dict[str, Any]
    """What UpdateTable said."""
    statuses: list[str] = field(default_factory=list)
    """Of the new replica, as seen from home, changes only."""
    expected: dict[str, Item] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def growth(declare: Callable[[], GlobalTable], home: str, away: str) -> Growth:
    table = declare()
    table.create()
    table.regions[home].dynamodb.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    )
    expected = {f"before-{number}": {KEY: f"before-{number}", "n": 0, "x": BALLAST} for number in range(ITEMS)}
    with table[home].batch_writer() as batch:
        for item in expected.values():
            batch.put_item(Item=item)
    growth = Growth(table, table.add(away), expected=expected)
    write_while_it_grows(growth, home, away)
    table.wait_replicas([home, away])
    growth.statuses.append(table.statuses(home)[away])
    return growth


def write_while_it_grows(growth: Growth, home: str, away: str) -> None:
    """New items, new versions of old ones, and deletes, until the replica is ACTIVE; some in any case."""
    table = growth.table
    deadline = time.monotonic() + table.control_patience_s
    number = 0
    while time.monotonic() < deadline:
        if number < WRITES_LIMIT:
            write_one(growth, home, number)
            number += 1
        status = table.statuses(home).get(away, "")
        if status and status not in growth.statuses[-1:]:
            growth.statuses.append(status)
        if status == "ACTIVE" and number >= ITEMS // 4:
            return
        time.sleep(BETWEEN_WRITES_S if number < WRITES_LIMIT else BETWEEN_LOOKS_S)


def write_one(growth: Growth, home: str, number: int) -> None:
    old = f"before-{number % ITEMS}"
    if number % 5 == 4:
        growth.table[home].delete_item(Key={KEY: old})
        growth.expected.pop(old, None)
        growth.deleted.append(old)
        return
    name = old if number % 2 and old not in growth.deleted else f"during-{number}"
    growth.expected[name] = {KEY: name, "n": number}
    growth.table[home].put_item(Item=growth.expected[name])


def test_adding_a_replica_answers_that_the_table_is_being_updated(growth: Growth) -> None:
    """UpdateTable is asynchronous; while it is executing, the table's status changes from ACTIVE to UPDATING
    [UpdateTable]."""
    assert growth.answer["TableStatus"] == "UPDATING"


def test_a_new_replica_is_creating_before_it_is_active(growth: Growth) -> None:
    """ReplicaStatus: CREATING, the replica is being created; ACTIVE, it is ready for use [Replica]. A replica that is
    made faster than it can be asked for is only ever seen as ACTIVE."""
    assert growth.statuses[-1] == "ACTIVE"
    assert set(growth.statuses) <= {"CREATING", "ACTIVE"}


def test_a_new_replica_gets_the_items_that_were_there_and_those_written_meanwhile(growth: Growth, away: str) -> None:
    """A replica is added to an existing table, and all replicas share the same item data [Concepts]."""

    def different() -> list[str]:
        there = {item[KEY]: item for item in scan(growth.table, away)}
        names = there.keys() | growth.expected.keys()
        return [name for name in sorted(names) if there.get(name) != growth.expected.get(name)]

    eventually(
        lambda: not different(),
        within_s=growth.table.patience_s,
        what=f"the new replica has the table's {len(growth.expected)} items",
    )


def scan(table: GlobalTable, region: str) -> list[Item]:
    items: list[Item] = []
    page: dict[str, Any] = {"ConsistentRead": True}
    while True:
        answer = table[region].scan(**page)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def test_a_new_replica_takes_writes_for_all(growth: Growth, away: str, home: str, key: str) -> None:
    """Any replica can serve reads and writes
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html)."""
    growth.table[away].put_item(Item={KEY: key})
    eventually(
        lambda: growth.table.item(home, key) == {KEY: key},
        within_s=growth.table.patience_s,
        what="a write in the new replica arrives at home",
    )


def test_a_new_replica_takes_over_time_to_live(growth: Growth, away: str) -> None:
    """Time to live settings are synchronised between all replicas [Concepts]."""
    client = growth.table.regions[away].dynamodb
    eventually(
        lambda: (
            client.describe_time_to_live(TableName=growth.table.name)["TimeToLiveDescription"].get("AttributeName")
            == TTL_ATTRIBUTE
        ),
        within_s=growth.table.control_patience_s,
        what="time to live is set in the new replica",
    )


def test_a_table_without_a_stream_gets_one_with_its_first_replica(growth: Growth, home: str, away: str) -> None:
    """Streams are enabled by default on all replicas of such a table and cannot be disabled on them [Concepts]."""
    for region in (home, away):
        specification = growth.table.describe(region)["StreamSpecification"]
        assert specification == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture(scope="module")
def shrunk(declare: Callable[[], GlobalTable], home: str, away: str) -> GlobalTable:
    """A table that had a replica, which ReplicaUpdates deleted."""
    table = declare()
    table.create()
    table.add(away)
    table.wait_replicas([home, away])
    table[home].put_item(Item={KEY: "kept"})
    eventually(lambda: table.item(away, "kept"), within_s=table.patience_s, what="the item arrives")
    table.update(home, ReplicaUpdates=[{"Delete": {"RegionName": away}}])
    eventually(
        lambda: table.statuses(home) == {} and table.describe(home)["TableStatus"] == "ACTIVE",
        within_s=table.control_patience_s,
        what="the replica is not listed any more",
    )
    return table


def test_a_removed_replica_is_deleted_with_its_items(shrunk: GlobalTable, away: str) -> None:
    """Delete: an existing replica is deleted, the replica and all of its items in that region [Update]."""
    shrunk.wait_gone(away)


def test_a_table_that_lost_its_last_replica_is_one_of_its_region_again(
    shrunk: GlobalTable, home: str, key: str
) -> None:
    """GlobalTableVersion and Replicas are those of a table that is replicated across regions
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html). Its items stay."""
    description = shrunk.describe(home)
    assert "GlobalTableVersion" not in description and not description.get("Replicas")
    assert shrunk.item(home, "kept") == {KEY: "kept"}
    shrunk[home].put_item(Item={KEY: key})
    assert shrunk.item(home, key) == {KEY: key}


@pytest.mark.recorded
def test_the_stream_outlives_the_last_replica(shrunk: GlobalTable, home: str) -> None:
    """AWS was seen to keep the stream that it had enabled for the replica."""
    assert shrunk.describe(home)["StreamSpecification"]["StreamEnabled"] is True


def test_a_removed_replica_can_be_made_anew(shrunk: GlobalTable, home: str, away: str) -> None:
    """Replicas can be added and removed at any time [Concepts]; what was written in between is there."""
    shrunk.wait_gone(away)
    shrunk[home].put_item(Item={KEY: "in between"})
    shrunk.add(away)
    shrunk.wait_replicas([home, away])
    eventually(
        lambda: [shrunk.item(away, name) for name in ("kept", "in between")] == [{KEY: "kept"}, {KEY: "in between"}],
        within_s=shrunk.patience_s,
        what="the replica that was made anew has the table's items",
    )


def test_a_replica_that_is_deleted_in_its_own_region_leaves_the_others(
    declare: Callable[[], GlobalTable], home: str, away: str
) -> None:
    """DeleteTable deletes a table and all of its items; a replica can be deleted like any other table
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html)."""
    table = declare()
    table.create()
    table.add(away)
    table.wait_replicas([home, away])
    table[home].put_item(Item={KEY: "kept"})
    table.regions[away].dynamodb.delete_table(TableName=table.name)
    table.wait_gone(away)
    eventually(
        lambda: table.statuses(home) == {},
        within_s=table.control_patience_s,
        what="the replica is not listed any more",
    )
    assert table.item(home, "kept") == {KEY: "kept"}


def test_a_table_that_made_a_replica_today_is_not_deleted(
    declare: Callable[[], GlobalTable], home: str, away: str
) -> None:
    """A table that was used to add a new replica cannot be deleted until 24 hours have elapsed since the replica was
    created (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html). The text
    is recorded."""
    table = declare()
    table.create()
    table.add(away)
    table.wait_replicas([home, away])
    client = table.regions[home].dynamodb
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.delete_table(TableName=table.name)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
        "table in the last 24 hours.",
    )


@pytest.mark.recorded
def test_any_replica_can_add_another(declare: Callable[[], GlobalTable], home: str, away: str) -> None:
    """There is no primary replica: a Create was seen to be accepted at any member's endpoint, and to reach all."""
    table = declare()
    if len(table.regions) < 3:
        pytest.skip("adds a third region to two: give three --regions")
    third = next(region for region in table.regions if region not in (home, away))
    table.create()
    table[home].put_item(Item={KEY: "early"})
    table.add(away)
    table.wait_replicas([home, away])
    table.update(away, ReplicaUpdates=[{"Create": {"RegionName": third}}])
    table.wait_replicas([home, away, third])
    table.arrive({KEY: "early"})
    for number, region in enumerate(table.regions):
        table[region].put_item(Item={KEY: f"late-{number}"})
        table.arrive({KEY: f"late-{number}"})
