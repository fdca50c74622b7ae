"""Global secondary indexes of a global table.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Settings] https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_dynamodb.GlobalTableSettingsReplicationMode.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from suite.global_table import INDEX, INDEX_KEY, KEY, GlobalTable, Item
from suite.waiting import eventually


def found(table: GlobalTable, region: str, owner: str, *, index: str = INDEX, attribute: str = INDEX_KEY) -> list[Item]:
    answer: dict[str, Any] = table[region].query(
        IndexName=index,
        KeyConditionExpression="#attribute = :owner",
        ExpressionAttributeNames={"#attribute": attribute},
        ExpressionAttributeValues={":owner": owner},
    )
    items: list[Item] = answer["Items"]
    return items


def test_every_replica_has_the_index_of_the_table_it_was_made_from(table: GlobalTable) -> None:
    """Index definitions are the same in all replicas [Settings]."""
    for region in table.regions:
        indexes = table.describe(region)["GlobalSecondaryIndexes"]
        assert [(index["IndexName"], index["IndexStatus"]) for index in indexes] == [(INDEX, "ACTIVE")]


def test_a_write_is_found_through_the_index_in_every_region(table: GlobalTable, away: str, key: str) -> None:
    """A replica is a DynamoDB table [Concepts]: its indexes follow its items, replicated ones too."""
    item = {KEY: key, INDEX_KEY: f"{key}-first"}
    table[away].put_item(Item=item)
    table.everywhere(
        lambda region: found(table, region, f"{key}-first") == [item], what=f"{item} is found through the index"
    )


def test_a_change_of_the_indexed_attribute_moves_the_item_in_every_region(
    table: GlobalTable, home: str, key: str
) -> None:
    """A replica is a DynamoDB table [Concepts]: an index has an item under its latest value only."""
    table.put_everywhere({KEY: key, INDEX_KEY: f"{key}-first"})
    item = {KEY: key, INDEX_KEY: f"{key}-second"}
    table[home].put_item(Item=item)
    table.everywhere(
        lambda region: found(table, region, f"{key}-second") == [item] and not found(table, region, f"{key}-first"),
        what="the item moves in the index",
    )


@pytest.mark.membership
def test_an_index_added_in_any_region_appears_filled_in_all(
    declare: Callable[[], GlobalTable], home: str, away: str
) -> None:
    """Index definitions are synchronised between replicas [Settings]; an index is backfilled in each of them."""
    table = declare()
    table.create()
    table.add(away)
    table.wait_replicas([home, away])
    item = {KEY: "before", "colour": "red"}
    table[home].put_item(Item=item)
    eventually(lambda: table.item(away, "before") == item, within_s=table.patience_s, what="the item arrives")
    table.update(
        away,
        AttributeDefinitions=[
            {"AttributeName": KEY, "AttributeType": "S"},
            {"AttributeName": "colour", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by_colour",
                    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )

    def statuses(region: str) -> list[str]:
        return [index["IndexStatus"] for index in table.describe(region).get("GlobalSecondaryIndexes", [])]

    pair = (home, away)
    table.everywhere(
        lambda region: statuses(region) == ["ACTIVE"],
        what="the index becomes ACTIVE",
        within_s=table.control_patience_s,
        regions=pair,
    )
    table.everywhere(
        lambda region: found(table, region, "red", index="by_colour", attribute="colour") == [item],
        what="the index has the item from before",
        regions=pair,
    )
