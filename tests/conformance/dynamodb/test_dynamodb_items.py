"""Single items, by AWS's own client: put, get, update, delete, with all of their options and refusals."""

from __future__ import annotations

from typing import Any

import pytest

INVALID = "One or more parameter values were invalid: "


def test_an_item_of_every_type_comes_back_as_it_was_put(client: Any, table: str, pk: Any) -> None:
    item = {
        "pk": pk,
        "sk": {"S": "all"},
        "string": {"S": "é\u0000\U0001f600"},
        "empty": {"S": ""},
        "number": {"N": "-12345678901234567890.123456789"},
        "binary": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "null": {"NULL": True},
        "strings": {"SS": ["a", "b"]},
        "numbers": {"NS": ["1", "2.5"]},
        "binaries": {"BS": [b"\x00", b"\x01"]},
        "list": {"L": [{"S": "x"}, {"L": []}]},
        "map": {"M": {"k": {"M": {}}}},
    }
    client.put_item(TableName=table, Item=item)
    answer = client.get_item(TableName=table, Key={"pk": pk, "sk": {"S": "all"}}, ConsistentRead=True)
    assert answer["Item"] == item


def test_an_item_that_is_not_there_is_no_error(client: Any, table: str, pk: Any) -> None:
    assert "Item" not in client.get_item(TableName=table, Key={"pk": pk, "sk": {"S": "a"}})


def test_a_table_may_be_named_by_its_arn(client: Any, table: str, pk: Any) -> None:
    arn = client.describe_table(TableName=table)["Table"]["TableArn"]
    client.put_item(TableName=arn, Item={"pk": pk, "sk": {"S": "a"}})
    assert client.get_item(TableName=arn, Key={"pk": pk, "sk": {"S": "a"}})["Item"]["pk"] == pk


def test_a_projection_returns_parts_of_the_item(client: Any, table: str, pk: Any) -> None:
    client.put_item(
        TableName=table,
        Item={
            "pk": pk,
            "sk": {"S": "a"},
            "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}},
            "l": {"L": [{"S": "0"}, {"S": "1"}]},
        },
    )
    answer = client.get_item(
        TableName=table,
        Key={"pk": pk, "sk": {"S": "a"}},
        ProjectionExpression="#m.x, l[1], absent",
        ExpressionAttributeNames={"#m": "m"},
    )
    assert answer["Item"] == {"m": {"M": {"x": {"N": "1"}}}, "l": {"L": [{"S": "1"}]}}
    older = client.get_item(TableName=table, Key={"pk": pk, "sk": {"S": "a"}}, AttributesToGet=["l"])
    assert older["Item"] == {"l": {"L": [{"S": "0"}, {"S": "1"}]}}


def test_put_returns_what_it_replaced_where_asked(client: Any, table: str, pk: Any) -> None:
    old = {"pk": pk, "sk": {"S": "a"}, "v": {"N": "1"}}
    first = client.put_item(TableName=table, Item=old, ReturnValues="ALL_OLD")
    second = client.put_item(TableName=table, Item={"pk": pk, "sk": {"S": "a"}}, ReturnValues="ALL_OLD")
    assert "Attributes" not in first
    assert second["Attributes"] == old


def test_a_failed_condition_changes_nothing_and_shows_the_item_where_asked(client: Any, table: str, pk: Any) -> None:
    item = {"pk": pk, "sk": {"S": "a"}, "v": {"N": "1"}}
    client.put_item(TableName=table, Item=item)
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.put_item(
            TableName=table,
            Item={"pk": pk, "sk": {"S": "a"}, "v": {"N": "2"}},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == item
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert client.get_item(TableName=table, Key={"pk": pk, "sk": {"S": "a"}})["Item"] == item


@pytest.mark.parametrize(
    ("return_values", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", {"n": {"N": "1"}, "other": {"S": "x"}}),
        ("UPDATED_OLD", {"n": {"N": "1"}}),
        ("ALL_NEW", {"n": {"N": "3"}, "other": {"S": "x"}, "fresh": {"S": "y"}}),
        ("UPDATED_NEW", {"n": {"N": "3"}, "fresh": {"S": "y"}}),
    ],
)
def test_update_returns_what_it_is_asked_for(
    client: Any, table: str, pk: Any, return_values: str, attributes: dict[str, Any] | None
) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    client.put_item(TableName=table, Item={**key, "n": {"N": "1"}, "other": {"S": "x"}})
    answer = client.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET n = n + :two, fresh = :y",
        ExpressionAttributeValues={":two": {"N": "2"}, ":y": {"S": "y"}},
        ReturnValues=return_values,
    )
    if attributes is None:
        assert "Attributes" not in answer
    else:
        whole = {**key, **attributes} if return_values.startswith("ALL") else attributes
        assert answer["Attributes"] == whole


def test_an_update_creates_the_item_that_is_not_there(client: Any, table: str, pk: Any) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    client.update_item(TableName=table, Key=key)
    assert client.get_item(TableName=table, Key=key)["Item"] == key


def test_an_update_that_only_removes_creates_nothing(client: Any, table: str, pk: Any) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE a")
    assert "Item" not in client.get_item(TableName=table, Key=key)


def test_delete_returns_what_was_there_where_asked(client: Any, table: str, pk: Any) -> None:
    item = {"pk": pk, "sk": {"S": "a"}, "v": {"N": "1"}}
    client.put_item(TableName=table, Item=item)
    key = {"pk": pk, "sk": {"S": "a"}}
    assert client.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"] == item
    assert "Attributes" not in client.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")


def test_older_parameters_mean_what_expressions_mean(client: Any, table: str, pk: Any) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    client.update_item(
        TableName=table,
        Key=key,
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "2"}},
            "s": {"Value": {"SS": ["a", "b"]}},
            "gone": {"Action": "DELETE"},
        },
    )
    client.update_item(
        TableName=table,
        Key=key,
        AttributeUpdates={
            "s": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "n": {"Action": "ADD", "Value": {"N": "1"}},
        },
        Expected={"n": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "2"}]}, "absent": {"Exists": False}},
        ConditionalOperator="AND",
    )
    assert client.get_item(TableName=table, Key=key)["Item"] == {**key, "n": {"N": "3"}, "s": {"SS": ["b"]}}
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.delete_item(TableName=table, Key=key, Expected={"n": {"Value": {"N": "2"}}})


def test_capacity_is_counted_as_aws_counts_it(client: Any, table: str, pk: Any) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    put = client.put_item(TableName=table, Item={**key, "v": {"S": "x" * 2000}}, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 2.0}
    eventual = client.get_item(TableName=table, Key=key, ReturnConsumedCapacity="INDEXES")
    assert eventual["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}
    strong = client.get_item(TableName=table, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert strong["ConsumedCapacity"]["CapacityUnits"] == 1.0
    smaller = client.put_item(TableName=table, Item=key, ReturnConsumedCapacity="TOTAL")
    assert smaller["ConsumedCapacity"]["CapacityUnits"] == 2.0


KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("get_item", {"Key": {"pk": {"S": "p"}}}, "The provided key element does not match the schema"),
        ("get_item", {"Key": {**KEY, "x": {"S": "y"}}}, "The provided key element does not match the schema"),
        (
            "get_item",
            {"Key": {"pk": {"N": "1"}, "sk": {"S": "s"}}},
            "The provided key element does not match the schema",
        ),
        (
            "get_item",
            {"Key": {"pk": {"S": ""}, "sk": {"S": "s"}}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            "empty string value. Key: pk",
        ),
        (
            "get_item",
            {"Key": KEY, "ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            "get_item",
            {"Key": KEY, "ProjectionExpression": "a", "AttributesToGet": ["a"]},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
        ),
        ("get_item", {"Key": KEY, "AttributesToGet": ["a", "a"]}, INVALID + "Duplicate value in attribute name: a"),
        ("put_item", {"Item": {"pk": {"S": "p"}}}, INVALID + "Missing the key sk in the item"),
        (
            "put_item",
            {"Item": {"pk": {"N": "1"}, "sk": {"S": "s"}}},
            INVALID + "Type mismatch for key pk expected: S actual: N",
        ),
        (
            "put_item",
            {"Item": {"pk": {"S": "p" * 2049}, "sk": {"S": "s"}}},
            INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            "put_item",
            {"Item": {"pk": {"S": "p"}, "sk": {"S": "é" * 513}}},
            INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
        ("put_item", {"Item": {**KEY, "a": {"S": "x" * 409_600}}}, "Item size has exceeded the maximum allowed size"),
        ("put_item", {"Item": KEY, "ReturnValues": "ALL_NEW"}, "Return values set to invalid value"),
        (
            "put_item",
            {"Item": KEY, "ExpressionAttributeValues": {":a": {"S": "a"}}},
            "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
        ),
        ("put_item", {"Item": {**KEY, "a": {"SS": []}}}, INVALID + "An string set  may not be empty"),
        (
            "update_item",
            {"Key": KEY, "UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}},
            INVALID + "Cannot update attribute pk. This attribute is part of the key",
        ),
        (
            "update_item",
            {"Key": KEY, "UpdateExpression": "SET a = b", "ConditionExpression": "attribute_not_exists(zz)"},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "update_item",
            {"Key": KEY, "AttributeUpdates": {"a": {"Action": "ADD", "Value": {"S": "x"}}}},
            INVALID + "ADD action is not supported for the type S",
        ),
        (
            "update_item",
            {"Key": KEY, "Expected": {"a": {"ComparisonOperator": "EQ"}}},
            INVALID + "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            "delete_item",
            {"Key": KEY, "ConditionalOperator": "OR"},
            INVALID + "ConditionalOperator cannot be used without Filter or Expected",
        ),
        (
            "delete_item",
            {"Key": KEY, "ConditionExpression": "pk.a = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}},
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk",
        ),
    ],
)
def test_a_bad_request_is_refused_in_awss_words(
    refused: Any, table: str, operation: str, parameters: dict[str, Any], message: str
) -> None:
    assert refused(operation, TableName=table, **parameters) == ("ValidationException", message)


def test_an_update_may_not_make_an_item_too_large(client: Any, refused: Any, table: str, pk: Any) -> None:
    key = {"pk": pk, "sk": {"S": "a"}}
    client.put_item(TableName=table, Item={**key, "a": {"S": "x" * 300_000}})
    assert refused(
        "update_item",
        TableName=table,
        Key=key,
        UpdateExpression="SET b = :b",
        ExpressionAttributeValues={":b": {"S": "x" * 200_000}},
    ) == ("ValidationException", "Item size to update has exceeded the maximum allowed size")


def test_a_table_that_is_not_there_is_told(refused: Any) -> None:
    assert refused("get_item", TableName="nowhere", Key=KEY) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )


ENUM = "failed to satisfy constraint: Member must satisfy enum value set:"


@pytest.mark.parametrize(
    ("operation", "changes", "message"),
    [
        (
            "put_item",
            {"TableName": "", "ReturnValues": "X"},
            "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "put_item",
            {"TableName": "a;b", "ReturnValues": "X"},
            "1 validation error detected: Value 'a;b' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            "put_item",
            {"ReturnValues": "X", "ReturnConsumedCapacity": "Y"},
            f"2 validation errors detected: Value 'Y' at 'returnConsumedCapacity' {ENUM} [INDEXES, TOTAL, NONE]; "
            f"Value 'X' at 'returnValues' {ENUM} [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
        (
            "update_item",
            {"ReturnValues": "X", "ReturnConsumedCapacity": "Y"},
            "1 validation error detected: "
            f"Value 'X' at 'returnValues' {ENUM} [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
    ],
)
def test_some_problems_are_told_alone(
    refused: Any, table: str, operation: str, changes: dict[str, Any], message: str
) -> None:
    item = {"Item" if operation == "put_item" else "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}
    assert refused(operation, **{"TableName": table, **item, **changes}) == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"])
def test_a_conditional_operator_does_not_go_with_an_expression(refused: Any, table: str, operation: str) -> None:
    item = {"Item" if operation == "put_item" else "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}
    condition = {"ConditionExpression": "attribute_exists(pk)", "ConditionalOperator": "AND"}
    assert refused(operation, TableName=table, **item, **condition) == (
        "ValidationException",
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {ConditionalOperator} Expression parameters: {ConditionExpression}",
    )


LONG_NAME = "n" * 65_536


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("put_item", {"Item": {LONG_NAME: {"S": "v"}}}),
        ("put_item", {"Item": {"m": {"M": {LONG_NAME: {"S": "v"}}}}}),
        (
            "update_item",
            {
                "UpdateExpression": "SET #n = :v",
                "ExpressionAttributeNames": {"#n": LONG_NAME},
                "ExpressionAttributeValues": {":v": {"S": "v"}},
            },
        ),
        (
            "update_item",
            {
                "UpdateExpression": "SET m = :v",
                "ExpressionAttributeValues": {":v": {"M": {LONG_NAME: {"S": "v"}}}},
            },
        ),
        ("update_item", {"AttributeUpdates": {LONG_NAME: {"Value": {"S": "v"}}}}),
    ],
)
def test_a_name_has_less_than_64_kilobytes_at_every_depth(
    refused: Any, table: str, operation: str, parameters: dict[str, Any]
) -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    request = {"Item": key | parameters["Item"]} if operation == "put_item" else {"Key": key, **parameters}
    assert refused(operation, TableName=table, **request) == (
        "ValidationException",
        "Attribute name is too large, must be less than 65536 bytes",
    )
