"""Transactions are of one region; their items are replicated one by one.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
"""

from __future__ import annotations

import pytest
from suite.global_table import KEY, GlobalTable
from suite.waiting import eventually

ITEMS = 10


def test_a_transaction_is_taken_and_each_of_its_items_arrives(
    table: GlobalTable, home: str, away: str, key: str
) -> None:
    """Transactions are supported on multi-region eventually consistent tables; they are not replicated as a unit, so
    only some of their writes may be returned by reads in other replicas at a time [Concepts]. All are in the end."""
    keys = [f"{key}-{number}" for number in range(ITEMS)]
    table.regions[home].dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": table.name, "Item": {KEY: {"S": each}}}} for each in keys]
    )
    reads = [{"Get": {"TableName": table.name, "Key": {KEY: {"S": each}}}} for each in keys]

    def complete(region: str) -> bool:
        answer = table.regions[region].dynamodb.transact_get_items(TransactItems=reads)
        return all("Item" in each for each in answer["Responses"])

    assert complete(home)
    eventually(
        lambda: complete(away), within_s=table.patience_s, what=f"{ITEMS} items of a transaction arrive in {away}"
    )


def test_a_cancelled_transaction_reaches_no_region(table: GlobalTable, home: str, key: str) -> None:
    """Transactions are atomic within the region where they are invoked [Concepts]: what was cancelled is not
    written, and so not replicated. An item written afterwards marks the time by which it would have arrived."""
    table.put_everywhere({KEY: f"{key}-taken"})
    client = table.regions[home].dynamodb
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table.name, "Item": {KEY: {"S": f"{key}-free"}}}},
                {
                    "Put": {
                        "TableName": table.name,
                        "Item": {KEY: {"S": f"{key}-taken"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                },
            ]
        )
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed"]
    table.put_everywhere({KEY: f"{key}-after"})
    assert set(table.items(f"{key}-free").values()) == {None}
