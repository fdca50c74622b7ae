"""Batches and transactions."""

from __future__ import annotations

from typing import Any

import pytest


def key(pk: Any, sk: str) -> dict[str, Any]:
    return {"pk": pk, "sk": {"S": sk}}


def test_a_batch_writes_and_reads_over_tables(client: Any, table: str, new_table: Any, pk: Any) -> None:
    other = new_table(sort=False)
    client.put_item(TableName=table, Item=key(pk, "gone"))
    answer = client.batch_write_item(
        RequestItems={
            table: [
                {"PutRequest": {"Item": {**key(pk, "a"), "v": {"N": "1"}}}},
                {"DeleteRequest": {"Key": key(pk, "gone")}},
            ],
            other: [{"PutRequest": {"Item": {"pk": pk}}}],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["UnprocessedItems"] == {}
    assert {each["TableName"]: each["CapacityUnits"] for each in answer["ConsumedCapacity"]} == {table: 2.0, other: 1.0}
    read = client.batch_get_item(
        RequestItems={
            table: {"Keys": [key(pk, "a"), key(pk, "gone")], "ProjectionExpression": "v"},
            other: {"Keys": [{"pk": pk}], "ConsistentRead": True},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert read["Responses"] == {table: [{"v": {"N": "1"}}], other: [{"pk": pk}]}
    assert read["UnprocessedKeys"] == {}
    assert {each["TableName"]: each["CapacityUnits"] for each in read["ConsumedCapacity"]} == {table: 1.0, other: 1.0}


def test_a_batch_of_more_than_sixteen_megabytes_says_what_is_left(client: Any, table: str, pk: Any) -> None:
    for number in range(42):
        client.put_item(TableName=table, Item={**key(pk, f"{number:02}"), "v": {"S": "x" * 400_000}})
    answer = client.batch_get_item(RequestItems={table: {"Keys": [key(pk, f"{number:02}") for number in range(42)]}})
    found, left = answer["Responses"][table], answer["UnprocessedKeys"][table]["Keys"]
    assert len(found) + len(left) == 42 and left
    for number in range(42):
        client.delete_item(TableName=table, Key=key(pk, f"{number:02}"))


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        (
            [{"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}}] * 2,
            "Provided list of item keys contains duplicates",
        ),
        ([{"PutRequest": {"Item": {"pk": {"S": "p"}}}}], "The provided key element does not match the schema"),
        (
            [{"PutRequest": {"Item": {"pk": {"N": "1"}, "sk": {"S": "s"}}}}],
            "The provided key element does not match the schema",
        ),
        ([{"DeleteRequest": {"Key": {"pk": {"S": "p"}}}}], "The provided key element does not match the schema"),
        (
            [{}],
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
    ],
)
def test_a_bad_batch_writes_nothing(refused: Any, table: str, writes: list[Any], message: str) -> None:
    assert refused("batch_write_item", RequestItems={table: writes}) == ("ValidationException", message)


def test_more_than_a_hundred_keys_are_refused(refused: Any, table: str, new_table: Any, pk: Any) -> None:
    keys = [key(pk, str(number)) for number in range(60)]
    assert refused("batch_get_item", RequestItems={table: {"Keys": keys}, new_table(): {"Keys": keys}}) == (
        "ValidationException",
        "Too many items requested for the BatchGetItem call",
    )


@pytest.mark.parametrize(("count", "sentence"), [(0, "greater than or equal to 1"), (101, "less than or equal to 100")])
def test_too_few_or_too_many_keys_of_a_table_are_named_as_the_api_names_them(
    refused: Any, table: str, count: int, sentence: str
) -> None:
    keys = [key({"S": "p"}, str(number)) for number in range(count)]
    message = (
        f"1 validation error detected: Value at 'RequestItems.{table}.member.Keys' failed to satisfy constraint: "
        f"Member must have length {sentence}"
    )
    assert refused("batch_get_item", RequestItems={table: {"Keys": keys}}) == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchWriteItem"])
def test_a_batch_needs_a_table(raw: Any, operation: str) -> None:
    _, _, answer = raw(operation, {"RequestItems": {}})
    assert answer["message"] == f"The requestItems parameter is required for {operation}"


def test_expressions_for_one_table_do_not_mix_with_older_parameters_for_another(
    refused: Any, table: str, new_table: Any, pk: Any
) -> None:
    newer = {"Keys": [key(pk, "a")], "ProjectionExpression": "v"}
    older = {"Keys": [{"pk": pk}], "AttributesToGet": ["v"]}
    assert refused("batch_get_item", RequestItems={table: newer, new_table(sort=False): older}) == (
        "ValidationException",
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
    )


def test_a_transaction_does_all_of_it(client: Any, table: str, pk: Any) -> None:
    client.put_item(TableName=table, Item={**key(pk, "b"), "n": {"N": "1"}})
    client.put_item(TableName=table, Item=key(pk, "c"))
    client.put_item(TableName=table, Item=key(pk, "d"))
    answer = client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": key(pk, "a"), "ConditionExpression": "attribute_not_exists(pk)"}},
            {
                "Update": {
                    "TableName": table,
                    "Key": key(pk, "b"),
                    "UpdateExpression": "ADD n :n",
                    "ExpressionAttributeValues": {":n": {"N": "4"}},
                }
            },
            {"Delete": {"TableName": table, "Key": key(pk, "c")}},
            {
                "ConditionCheck": {
                    "TableName": table,
                    "Key": key(pk, "d"),
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}]
    read = client.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(pk, sk)}} for sk in ("a", "b", "c")],
        ReturnConsumedCapacity="TOTAL",
    )
    assert read["Responses"] == [{"Item": key(pk, "a")}, {"Item": {**key(pk, "b"), "n": {"N": "5"}}}, {}]
    assert read["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}]


def test_a_transaction_that_fails_does_nothing_and_gives_its_reasons(client: Any, table: str, pk: Any) -> None:
    item = {**key(pk, "there"), "v": {"S": "x"}}
    client.put_item(TableName=table, Item=item)
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": key(pk, "new")}},
                {
                    "Put": {
                        "TableName": table,
                        "Item": key(pk, "there"),
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Update": {
                        "TableName": table,
                        "Key": key(pk, "other"),
                        "UpdateExpression": "SET a = b",
                    }
                },
            ]
        )
    response = caught.value.response
    assert response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ValidationError]"
    )
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": item},
        {
            "Code": "ValidationError",
            "Message": "The provided expression refers to an attribute that does not exist in the item",
        },
    ]
    assert "Item" not in client.get_item(TableName=table, Key=key(pk, "new"))


def test_a_transaction_may_not_touch_an_item_twice(refused: Any, table: str, pk: Any) -> None:
    put = {"Put": {"TableName": table, "Item": key(pk, "a")}}
    assert refused("transact_write_items", TransactItems=[put, put]) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )


def test_an_item_of_a_transaction_does_one_thing(refused: Any, table: str, pk: Any) -> None:
    both = {"Put": {"TableName": table, "Item": key(pk, "a")}, "Delete": {"TableName": table, "Key": key(pk, "a")}}
    assert refused("transact_write_items", TransactItems=[both]) == (
        "ValidationException",
        "TransactItems can only contain one of Check, Put, Update or Delete",
    )


def test_a_transaction_that_is_sent_again_is_done_once(client: Any, refused: Any, table: str, pk: Any) -> None:
    def add(amount: str) -> dict[str, Any]:
        return {
            "TransactItems": [
                {
                    "Update": {
                        "TableName": table,
                        "Key": key(pk, "a"),
                        "UpdateExpression": "ADD n :n",
                        "ExpressionAttributeValues": {":n": {"N": amount}},
                    }
                }
            ],
            "ClientRequestToken": pk["S"],
        }

    client.transact_write_items(**add("1"))
    client.transact_write_items(**add("1"))
    assert client.get_item(TableName=table, Key=key(pk, "a"))["Item"]["n"] == {"N": "1"}
    assert refused("transact_write_items", **add("2"))[0] == "IdempotentParameterMismatchException"


def test_a_transaction_that_is_sent_again_takes_read_units(client: Any, table: str, pk: Any) -> None:
    request = {
        "TransactItems": [{"Put": {"TableName": table, "Item": {**key(pk, "a"), "v": {"S": "x" * 1500}}}}],
        "ClientRequestToken": pk["S"],
    }
    client.transact_write_items(**request)
    (again,) = client.transact_write_items(**request, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert again == {"TableName": table, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}
    client.put_item(TableName=table, Item={**key(pk, "b"), "v": {"S": "x" * 9000}})
    delete = {"TransactItems": [{"Delete": {"TableName": table, "Key": key(pk, "b")}}], "ClientRequestToken": "nine"}
    client.transact_write_items(**delete)
    (again,) = client.transact_write_items(**delete, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert again["ReadCapacityUnits"] == 6.0, "as much as the item that was deleted"


def test_a_transaction_takes_twice_of_the_table_and_once_of_its_indexes(client: Any, new_table: Any, pk: Any) -> None:
    indexed = new_table(
        attributes={"g": "S"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    put = {"Put": {"TableName": indexed, "Item": {**key(pk, "a"), "g": {"S": "g"}}}}
    (consumed,) = client.transact_write_items(TransactItems=[put], ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert (consumed["CapacityUnits"], consumed["Table"]["WriteCapacityUnits"]) == (3.0, 2.0)
    assert consumed["GlobalSecondaryIndexes"]["by-g"]["CapacityUnits"] == 1.0


def test_placeholders_without_an_expression_do_not_matter_in_a_transaction(client: Any, table: str, pk: Any) -> None:
    names = {"ExpressionAttributeNames": {"#a": "a"}}
    put = {"TableName": table, "Item": key(pk, "a"), **names, "ExpressionAttributeValues": {":a": {"S": "a"}}}
    client.transact_write_items(TransactItems=[{"Put": put}])
    get = {"TableName": table, "Key": key(pk, "a"), **names}
    assert client.transact_get_items(TransactItems=[{"Get": get}])["Responses"] == [{"Item": key(pk, "a")}]


def test_a_transaction_says_nothing_of_an_item_without_the_attributes_asked_for(
    client: Any, table: str, pk: Any
) -> None:
    client.put_item(TableName=table, Item=key(pk, "a"))
    get = {"TableName": table, "Key": key(pk, "a"), "ProjectionExpression": "absent"}
    assert client.transact_get_items(TransactItems=[{"Get": get}])["Responses"] == [{}]


def test_an_empty_key_is_refused_before_the_transaction_begins(refused: Any, table: str) -> None:
    delete = {"Delete": {"TableName": table, "Key": key({"S": ""}, "a")}}
    assert refused("transact_write_items", TransactItems=[delete])[0] == "ValidationException"


def test_an_empty_key_of_an_index_or_of_a_read_is_no_reason_but_an_error(refused: Any, new_table: Any, pk: Any) -> None:
    indexed = new_table(
        attributes={"g": "S"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    put = {"Put": {"TableName": indexed, "Item": {**key(pk, "a"), "g": {"S": ""}}}}
    assert refused("transact_write_items", TransactItems=[put]) == (
        "ValidationException",
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
        "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-g, IndexKey: g",
    )
    update = {
        "TableName": indexed,
        "Key": key(pk, "a"),
        "UpdateExpression": "SET g = :g",
        "ExpressionAttributeValues": {":g": {"S": ""}},
    }
    assert refused("transact_write_items", TransactItems=[{"Update": update}]) == refused("update_item", **update)
    get = {"Get": {"TableName": indexed, "Key": key(pk, "")}}
    assert refused("transact_get_items", TransactItems=[get])[0] == "ValidationException"


def test_a_key_that_does_not_fit_cancels_the_transaction(refused: Any, table: str) -> None:
    delete = {"Delete": {"TableName": table, "Key": {"pk": {"S": "p"}}}}
    assert refused("transact_write_items", TransactItems=[delete])[0] == "TransactionCanceledException"
