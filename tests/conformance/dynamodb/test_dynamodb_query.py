"""Query and Scan: conditions on keys, filters, projections, pages, indexes, and their refusals."""

from __future__ import annotations

from typing import Any

import pytest

GLOBAL = {
    "IndexName": "by-kind",
    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
}
LOCAL = {
    "IndexName": "by-rank",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


@pytest.fixture(scope="module")
def books(client: Any, new_table: Any) -> str:
    """Twelve items in two partitions, with a global and a local index; every third lacks the index's key."""
    name: str = new_table(
        attributes={"kind": "S", "rank": "N"}, GlobalSecondaryIndexes=[GLOBAL], LocalSecondaryIndexes=[LOCAL]
    )
    for number in range(12):
        item: dict[str, Any] = {
            "pk": {"S": "ab"[number % 2]},
            "sk": {"S": f"{number:02}"},
            "title": {"S": f"title {number}"},
            "other": {"S": "x"},
        }
        if number % 3:
            item |= {"kind": {"S": "k"}, "rank": {"N": str(-number)}}
        client.put_item(TableName=name, Item=item)
    return name


def sort_keys(answer: dict[str, Any]) -> list[str]:
    return [item["sk"]["S"] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("pk = :a", {}, ["00", "02", "04", "06", "08", "10"]),
        ("pk = :a AND sk = :v", {":v": {"S": "04"}}, ["04"]),
        ("pk = :a AND sk < :v", {":v": {"S": "04"}}, ["00", "02"]),
        ("pk = :a AND sk <= :v", {":v": {"S": "04"}}, ["00", "02", "04"]),
        ("pk = :a AND sk > :v", {":v": {"S": "04"}}, ["06", "08", "10"]),
        (":v <= sk and :a = pk", {":v": {"S": "08"}}, ["08", "10"]),
        ("(pk = :a) AND (sk BETWEEN :v AND :w)", {":v": {"S": "03"}, ":w": {"S": "06"}}, ["04", "06"]),
        ("pk = :a AND begins_with(sk, :v)", {":v": {"S": "1"}}, ["10"]),
    ],
)
def test_a_key_condition_chooses_a_part_of_a_partition(
    client: Any, books: str, condition: str, values: dict[str, Any], found: list[str]
) -> None:
    answer = client.query(
        TableName=books, KeyConditionExpression=condition, ExpressionAttributeValues={":a": {"S": "a"}, **values}
    )
    assert sort_keys(answer) == found
    assert answer["Count"] == answer["ScannedCount"] == len(found)
    assert "LastEvaluatedKey" not in answer


def test_a_query_can_go_backwards_and_page_by_page(client: Any, books: str) -> None:
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        answer = client.query(
            TableName=books,
            KeyConditionExpression="pk = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
            ScanIndexForward=False,
            Limit=2,
            **start,
        )
        found += sort_keys(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert found == ["10", "08", "06", "04", "02", "00"]


def test_a_filter_is_applied_after_the_limit(client: Any, books: str) -> None:
    answer = client.query(
        TableName=books,
        KeyConditionExpression="pk = :a",
        FilterExpression="attribute_exists(kind) AND NOT title = :t",
        ExpressionAttributeValues={":a": {"S": "a"}, ":t": {"S": "title 2"}},
        Limit=3,
    )
    assert (answer["Count"], answer["ScannedCount"]) == (1, 3)
    assert answer["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"S": "04"}}


def test_counting_returns_no_items(client: Any, books: str) -> None:
    answer = client.query(
        TableName=books,
        KeyConditionExpression="pk = :a",
        ExpressionAttributeValues={":a": {"S": "a"}},
        Select="COUNT",
    )
    assert answer["Count"] == 6 and "Items" not in answer


def test_older_parameters_query_and_filter(client: Any, books: str) -> None:
    answer = client.query(
        TableName=books,
        KeyConditions={
            "pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "sk": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "02"}, {"S": "08"}]},
        },
        QueryFilter={
            "title": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "8"}]},
            "kind": {"ComparisonOperator": "NULL"},
        },
        ConditionalOperator="OR",
        AttributesToGet=["sk"],
    )
    assert answer["Items"] == [{"sk": {"S": "06"}}, {"sk": {"S": "08"}}]


def test_a_global_index_holds_what_it_projects_of_items_that_have_its_key(client: Any, books: str) -> None:
    answer = client.query(
        TableName=books,
        IndexName="by-kind",
        KeyConditionExpression="kind = :k AND #r < :r",
        ExpressionAttributeNames={"#r": "rank"},
        ExpressionAttributeValues={":k": {"S": "k"}, ":r": {"N": "-7"}},
    )
    assert [item["rank"]["N"] for item in answer["Items"]] == ["-11", "-10", "-8"]
    assert set(answer["Items"][0]) == {"pk", "sk", "kind", "rank", "title"}


def test_a_local_index_fetches_what_it_lacks_where_asked(client: Any, books: str) -> None:
    query = {
        "TableName": books,
        "IndexName": "by-rank",
        "KeyConditionExpression": "pk = :a",
        "ExpressionAttributeValues": {":a": {"S": "a"}},
        "Limit": 1,
        "ReturnConsumedCapacity": "INDEXES",
    }
    keys_only = client.query(**query)
    whole = client.query(**query, Select="ALL_ATTRIBUTES")
    assert set(keys_only["Items"][0]) == {"pk", "sk", "rank"}
    assert whole["Items"][0]["other"] == {"S": "x"}
    assert keys_only["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"by-rank": {"CapacityUnits": 0.5}}
    assert whole["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.5}
    assert whole["LastEvaluatedKey"].keys() == {"pk", "sk", "rank"}


def test_a_scan_reads_everything_once(client: Any, books: str) -> None:
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        answer = client.scan(TableName=books, Limit=5, **start)
        found += sort_keys(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(found) == [f"{number:02}" for number in range(12)]


def test_segments_of_a_scan_are_disjoint_and_complete(client: Any, books: str) -> None:
    found: list[str] = []
    for segment in range(3):
        found += sort_keys(client.scan(TableName=books, Segment=segment, TotalSegments=3))
    assert sorted(found) == [f"{number:02}" for number in range(12)]


def test_a_scan_of_an_index_sees_only_its_entries(client: Any, books: str) -> None:
    answer = client.scan(
        TableName=books,
        IndexName="by-kind",
        FilterExpression="title <> :t",
        ExpressionAttributeValues={":t": {"S": "title 1"}},
    )
    assert (answer["Count"], answer["ScannedCount"]) == (7, 8)


def test_a_page_ends_at_a_megabyte(client: Any, new_table: Any) -> None:
    name = new_table()
    for number in range(5):
        client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": str(number)}, "v": {"S": "x" * 300_000}})
    answer = client.query(
        TableName=name,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Count"] == 3
    assert answer["LastEvaluatedKey"]["sk"] == {"S": "2"}
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 110.0


A, K = {":a": {"S": "a"}}, {":k": {"S": "k"}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
        (
            {"KeyConditionExpression": "sk = :a", "ExpressionAttributeValues": A},
            "Query condition missed key schema element: pk",
        ),
        (
            {"KeyConditionExpression": "pk > :a", "ExpressionAttributeValues": A},
            "Query key condition not supported",
        ),
        (
            {"KeyConditionExpression": "pk = :a AND elsewhere = :k", "ExpressionAttributeValues": A | K},
            "Query condition missed key schema element: sk",
        ),
        (
            {"KeyConditionExpression": "pk = :a OR sk = :k", "ExpressionAttributeValues": A | K},
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            {"KeyConditionExpression": "pk = :a AND contains(sk, :k)", "ExpressionAttributeValues": A | K},
            "Invalid operator used in KeyConditionExpression: contains",
        ),
        (
            {"KeyConditionExpression": "pk = :a AND pk = :k", "ExpressionAttributeValues": A | K},
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            {"KeyConditionExpression": "pk = :a", "FilterExpression": "sk = :k", "ExpressionAttributeValues": A | K},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": A, "IndexName": "nothing"},
            "The table does not have the specified index: nothing",
        ),
        (
            {
                "KeyConditionExpression": "kind = :a",
                "ExpressionAttributeValues": A,
                "IndexName": "by-kind",
                "ConsistentRead": True,
            },
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            {
                "KeyConditionExpression": "kind = :a",
                "ExpressionAttributeValues": A,
                "IndexName": "by-kind",
                "Select": "ALL_ATTRIBUTES",
            },
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
            "secondary index by-kind because its projection type is not ALL",
        ),
        (
            {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": A, "Select": "SPECIFIC_ATTRIBUTES"},
            "1 validation error detected: "
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            {"KeyConditionExpression": "pk.x = :a", "ExpressionAttributeValues": A},
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": A, "Select": "ALL_PROJECTED_ATTRIBUTES"},
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            {
                "KeyConditionExpression": "pk = :a",
                "ExpressionAttributeValues": A,
                "ExclusiveStartKey": {"pk": {"S": "b"}, "sk": {"S": "00"}},
            },
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            {
                "KeyConditionExpression": "pk = :a",
                "ExpressionAttributeValues": A,
                "ExclusiveStartKey": {"pk": {"S": "a"}},
            },
            "The provided starting key is invalid",
        ),
        (
            {
                "KeyConditionExpression": "pk = :a",
                "ExpressionAttributeValues": A,
                "ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"N": "1"}},
            },
            "The provided starting key is invalid",
        ),
        (
            {
                "KeyConditions": {"pk": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a"}]}},
            },
            "Attempted conditional constraint is not an indexable operation",
        ),
    ],
)
def test_a_bad_query_is_refused_in_awss_words(
    refused: Any, books: str, parameters: dict[str, Any], message: str
) -> None:
    assert refused("query", TableName=books, **parameters) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Segment": 0},
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present",
        ),
        (
            {"TotalSegments": 2},
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present",
        ),
        (
            {"Segment": 2, "TotalSegments": 2},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 2 is not less than TotalSegments: 2",
        ),
        (
            {"Segment": 1, "TotalSegments": 1_000_000, "ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"S": "00"}}},
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
            "correct Segment. TotalSegments: 1000000 Segment: 1",
        ),
        ({"FilterExpression": ""}, "Invalid FilterExpression: The expression can not be empty;"),
        (
            {"ExclusiveStartKey": {"pk": {"S": "a"}}},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            {"ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"S": "a"}}, "IndexName": "by-kind"},
            "The provided starting key is invalid",
        ),
    ],
)
def test_a_bad_scan_is_refused_in_awss_words(
    refused: Any, books: str, parameters: dict[str, Any], message: str
) -> None:
    assert refused("scan", TableName=books, **parameters) == ("ValidationException", message)


def test_an_index_key_of_the_wrong_type_is_refused(refused: Any, books: str) -> None:
    key = {"pk": {"S": "z"}, "sk": {"S": "z"}}
    assert refused("put_item", TableName=books, Item={**key, "rank": {"S": "x"}}) == (
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for Index Key rank Expected: N Actual: S "
        "IndexName: by-kind",
    )
    assert refused("put_item", TableName=books, Item={**key, "kind": {"S": ""}}) == (
        "ValidationException",
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
        "The AttributeValue for a key attribute cannot contain an empty string value. "
        "IndexName: by-kind, IndexKey: kind",
    )
