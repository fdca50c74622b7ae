"""Writes are acknowledged in one region and arrive in the others later.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Design] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-global-table-design.html
[Version] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_versions.html
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from boto3.dynamodb.types import Binary
from suite.global_table import KEY, GlobalTable, Item
from suite.racing import RACES
from suite.waiting import eventually

# Writes measured for each pair of regions.
MEASURED = 5

# Versions of one item that are written while another region reads it.
VERSIONS = 40

BURST = 100
BATCH = 25


def test_a_write_in_any_region_becomes_visible_in_every_other(
    table: GlobalTable, key: str, lags: dict[tuple[str, str], list[float]]
) -> None:
    """Item changes are replicated asynchronously to all other replicas, typically within a second or less [Concepts].
    AWS promises no limit; the suite's is --patience. The measured times are in the summary."""
    for source, destination in itertools.permutations(table.regions, 2):
        for number in range(MEASURED):
            item_key = f"{key}-{source}-{destination}-{number}"
            table[source].put_item(Item={KEY: item_key})
            written = time.monotonic()
            eventually(
                partial(table.item, destination, item_key),
                within_s=table.patience_s,
                what=f"a write in {source} is seen in {destination}",
            )
            lags.setdefault((source, destination), []).append(time.monotonic() - written)


def put(table: GlobalTable, region: str, key: str) -> Item:
    table[region].put_item(Item={KEY: key, "value": "put"})
    return {KEY: key, "value": "put"}


def update(table: GlobalTable, region: str, key: str) -> Item:
    table[region].update_item(Key={KEY: key}, UpdateExpression="SET n = :one", ExpressionAttributeValues={":one": 1})
    return {KEY: key, "value": "before", "n": 1}


def batch_write(table: GlobalTable, region: str, key: str) -> Item:
    with table[region].batch_writer() as batch:
        batch.put_item(Item={KEY: key, "value": "batch"})
    return {KEY: key, "value": "batch"}


def transact_write(table: GlobalTable, region: str, key: str) -> Item:
    item = {KEY: {"S": key}, "value": {"S": "transaction"}}
    table.regions[region].dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": table.name, "Item": item}}]
    )
    return {KEY: key, "value": "transaction"}


def execute_statement(table: GlobalTable, region: str, key: str) -> Item:
    table.regions[region].dynamodb.execute_statement(
        Statement=f'UPDATE "{table.name}" SET "value" = \'statement\' WHERE {KEY} = ?', Parameters=[{"S": key}]
    )
    return {KEY: key, "value": "statement"}


@pytest.mark.parametrize("write", [put, update, batch_write, transact_write, execute_statement])
def test_every_kind_of_write_is_replicated(
    table: GlobalTable, away: str, key: str, write: Callable[[GlobalTable, str, str], Item]
) -> None:
    """When an application writes data to a replica in one region, it is replicated to all others [Concepts]."""
    table.put_everywhere({KEY: key, "value": "before"})
    table.arrive(write(table, away, key))


@pytest.mark.parametrize("region_index", [0, -1])
def test_a_delete_is_replicated(table: GlobalTable, key: str, region_index: int) -> None:
    """Any change made to any item in any replica is replicated to all others [Concepts]."""
    table.put_everywhere({KEY: key})
    table[list(table.regions)[region_index]].delete_item(Key={KEY: key})
    table.everywhere(lambda region: table.item(region, key) is None, what="the delete arrives")


def test_every_type_of_value_arrives_unchanged(table: GlobalTable, away: str, key: str) -> None:
    """All replicas share the same item data [Concepts]."""
    item = {
        KEY: key,
        "string": "Zürich ✓ 東京",
        "empty": "",
        "number": Decimal("-1234567890123456789012345678901234567.8"),
        "small": Decimal("1E-130"),
        "binary": Binary(bytes(range(256))),
        "true": True,
        "null": None,
        "list": [1, "two", [Decimal("3.5"), {}], []],
        "map": {"a": {"b": {"c": Binary(b"\x00")}}},
        "strings": {"a", "b"},
        "numbers": {Decimal(1), Decimal("2.5")},
        "binaries": {Binary(b"a"), Binary(b"b")},
    }
    table[away].put_item(Item=item)
    table.arrive(item)


def test_a_burst_of_items_arrives_whole(table: GlobalTable, home: str, away: str, key: str) -> None:
    """Replication works item by item [Design], and loses none."""
    keys = {f"{key}-{number}" for number in range(BURST)}
    with table[home].batch_writer() as batch:
        for each in keys:
            batch.put_item(Item={KEY: each})

    def missing() -> set[str]:
        return {each for each in keys if each not in found and table.item(away, each) is None}

    found: set[str] = set()

    def complete() -> bool:
        found.update(keys - missing())
        return found == keys

    eventually(complete, within_s=table.patience_s, what=f"{BURST} items arrive in {away}")


def test_a_region_reads_its_own_writes(table: GlobalTable, key: str) -> None:
    """A strongly consistent read returns the latest version of an item that was last updated in the region of the
    read [Concepts]."""
    for region in table.regions:
        for number in range(10):
            table[region].put_item(Item={KEY: f"{key}-{region}", "n": number})
            assert table.item(region, f"{key}-{region}") == {KEY: f"{key}-{region}", "n": number}


@pytest.mark.parametrize("consistent", [False, True])
def test_a_read_in_another_region_may_be_stale_and_says_nothing(
    table: GlobalTable, home: str, away: str, key: str, consistent: bool
) -> None:
    """A strongly consistent read may return stale data if the item was last updated in another region [Concepts]; an
    eventually consistent one too. One of many reads right after a write must be: otherwise there is no replication,
    but one shared copy, or a copy made before the answer."""
    for number in range(RACES):
        table[home].put_item(Item={KEY: f"{key}-{number}"})
        if "Item" not in table[away].get_item(Key={KEY: f"{key}-{number}"}, ConsistentRead=consistent):
            return
    pytest.fail(f"{RACES} writes in {home} were all visible in {away} at once: these are not two replicas")


def test_versions_of_an_item_never_go_backwards_in_another_region(
    table: GlobalTable, home: str, away: str, key: str
) -> None:
    """Changes of one item are replicated in their order; some may be merged into one [Concepts: streams]."""
    seen: list[int] = []
    done = threading.Event()
    reader_table = table.regions[away].dynamodb

    def watch() -> None:
        deadline = time.monotonic() + table.patience_s
        while time.monotonic() < deadline and (not seen or seen[-1] < VERSIONS - 1):
            answer = reader_table.get_item(TableName=table.name, Key={KEY: {"S": key}}, ConsistentRead=True)
            if "Item" in answer:
                seen.append(int(answer["Item"]["n"]["N"]))
        done.set()

    reader = threading.Thread(target=watch)
    reader.start()
    for number in range(VERSIONS):
        table[home].put_item(Item={KEY: key, "n": number})
    reader.join(2 * table.patience_s)
    assert done.is_set() and seen and seen[-1] == VERSIONS - 1, seen[-1:]
    assert seen == sorted(seen)


def test_replication_adds_nothing_to_an_item(table: GlobalTable, home: str, key: str) -> None:
    """Attributes such as aws:rep:updatetime belong to version 2017.11.29 only: the current version populates no
    attributes in the application's items [Version]."""
    item: Item = {KEY: key, "value": 1}
    table[home].put_item(Item=item)
    table.arrive(item)
    for region in table.regions:
        scanned: list[dict[str, Any]] = table[region].query(
            KeyConditionExpression="id = :key", ExpressionAttributeValues={":key": key}, ConsistentRead=True
        )["Items"]
        assert scanned == [item]
