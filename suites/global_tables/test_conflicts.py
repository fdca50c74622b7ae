"""Two regions that write one item at the same time, by racing. test_partition.py makes the same certain.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Overview] https://docs.aws.amazon.com/prescriptive-guidance/latest/dynamodb-global-tables/overview.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from suite.global_table import KEY, GlobalTable, Item
from suite.racing import RACES, at_once

# Races that are all run to their end: each costs some seconds on AWS. Others end with the first that shows what it
# is to show.
SETTLED_RACES = 8


def setting(table: GlobalTable, region: str, key: str, expression: str, **values: Any) -> Callable[[], Any]:
    """An update, ready to be sent."""
    placeholders = {f":{name}": value for name, value in values.items()}
    return partial(
        table[region].update_item,
        Key={KEY: key},
        UpdateExpression=expression,
        ExpressionAttributeValues=placeholders,
    )


def test_concurrent_writes_end_as_one_of_them_in_every_region(table: GlobalTable, key: str) -> None:
    """Last writer wins: an item will eventually converge in all replicas to the version that was created by the last
    write [Concepts]. Each region's item has many attributes, so that a mixture would be seen."""
    for number in range(SETTLED_RACES):
        item_key = f"{key}-{number}"
        written: list[Item] = [
            {KEY: item_key, **{f"a{index}": region for index in range(10)}} for region in table.regions
        ]
        at_once(
            *(partial(table[region].put_item, Item=item) for region, item in zip(table.regions, written, strict=True))
        )
        assert table.settle(item_key) in written


def test_the_last_writer_wins_the_whole_item(table: GlobalTable, home: str, away: str, key: str) -> None:
    """Conflicts are resolved on a per-item basis [Concepts], not by attribute: of two concurrent updates of different
    attributes one is lost. In every race the regions agree, and in some race one attribute is missing."""
    outcomes = []
    for number in range(RACES):
        item_key = f"{key}-{number}"
        table.put_everywhere({KEY: item_key, "here": 0, "there": 0})
        at_once(
            setting(table, home, item_key, "SET here = :one", one=1),
            setting(table, away, item_key, "SET there = :one", one=1),
        )
        settled = table.settle(item_key)
        assert settled is not None
        outcomes.append((int(settled["here"]), int(settled["there"])))
        if outcomes[-1] in ((1, 0), (0, 1)):
            return
    pytest.fail(f"no update was ever lost: {outcomes}: attributes are merged, or the regions are one copy")


def test_concurrent_increments_are_lost(table: GlobalTable, home: str, away: str, key: str) -> None:
    """Replication carries the resulting items, so that concurrent increments overwrite each other: global counters
    need another design [Overview: write modes]."""
    for number in range(RACES):
        item_key = f"{key}-{number}"
        table.put_everywhere({KEY: item_key, "n": 0})
        at_once(
            setting(table, home, item_key, "ADD n :one", one=1),
            setting(table, away, item_key, "ADD n :one", one=1),
        )
        settled = table.settle(item_key)
        assert settled is not None and settled["n"] in (1, 2)
        if settled["n"] == 1:
            return
    pytest.fail(f"{RACES} races lost no increment: increments are replicated, or the regions are one copy")


def test_two_regions_may_both_win_the_same_condition(table: GlobalTable, home: str, away: str, key: str) -> None:
    """Conditional writes evaluate the condition expression against the region's version of the item [Concepts]."""
    for number in range(RACES):
        item_key = f"{key}-{number}"
        calls = [
            partial(
                table[region].put_item,
                Item={KEY: item_key, "winner": region},
                ConditionExpression="attribute_not_exists(id)",
            )
            for region in (home, away)
        ]
        if not any(isinstance(outcome, ClientError) for outcome in at_once(*calls)):
            assert (table.settle(item_key) or {}).get("winner") in (home, away)
            return
    pytest.fail(f"in {RACES} races only one region won: conditions are judged in one place for all regions")


def test_a_condition_sees_what_has_been_replicated(table: GlobalTable, home: str, away: str, key: str) -> None:
    """Conditional writes evaluate the condition expression against the region's version of the item [Concepts]."""
    table.put_everywhere({KEY: key, "winner": home})
    with pytest.raises(table.regions[away].dynamodb.exceptions.ConditionalCheckFailedException):
        table.regions[away].dynamodb.put_item(
            TableName=table.name,
            Item={KEY: {"S": key}, "winner": {"S": away}},
            ConditionExpression="attribute_not_exists(id)",
        )
    assert table.settle(key) == {KEY: key, "winner": home}


def test_a_delete_that_races_with_an_update_ends_the_same_everywhere(
    table: GlobalTable, home: str, away: str, key: str
) -> None:
    """Deletes take part in conflicts like any other modification [Concepts]: the item is gone everywhere or, with the
    update applied, present everywhere."""
    for number in range(SETTLED_RACES):
        item_key = f"{key}-{number}"
        table.put_everywhere({KEY: item_key, "n": 0})
        at_once(
            partial(table[home].delete_item, Key={KEY: item_key}),
            setting(table, away, item_key, "SET n = :one", one=1),
        )
        assert table.settle(item_key) in (None, {KEY: item_key, "n": 1})
