"""Requests that are nearly right: whatever is wrong with them, the answer is one of AWS's, and the server goes on."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

REQUESTS_EACH = 150
A, ONE = {"S": "a"}, {"N": "1"}
KEY = {"pk": A, "sk": {"S": "b"}}
DOCUMENT = {"M": {"list": {"L": [{"BOOL": True}, {"NULL": True}, {"B": "aGk="}]}, "numbers": {"NS": ["1", "2"]}}}

SOUND: dict[str, dict[str, Any]] = {
    "GetItem": {"Key": KEY, "ProjectionExpression": "#a, b[0].c", "ExpressionAttributeNames": {"#a": "a"}},
    "PutItem": {
        "Item": {**KEY, "document": DOCUMENT, "n": ONE},
        "ConditionExpression": "attribute_not_exists(#a) OR size(b) > :n AND NOT contains(c, :a)",
        "ExpressionAttributeNames": {"#a": "a"},
        "ExpressionAttributeValues": {":a": A, ":n": ONE},
        "ReturnValues": "ALL_OLD",
    },
    "UpdateItem": {
        "Key": KEY,
        "UpdateExpression": "SET a = if_not_exists(a, :a), l = list_append(:l, :l) REMOVE q ADD n :n",
        "ExpressionAttributeValues": {":a": A, ":l": {"L": [A]}, ":n": ONE},
    },
    "DeleteItem": {
        "Key": KEY,
        "Expected": {"a": {"ComparisonOperator": "IN", "AttributeValueList": [A]}, "b": {"Exists": False}},
        "ConditionalOperator": "OR",
    },
    "Query": {
        "KeyConditionExpression": "pk = :a AND begins_with(sk, :a)",
        "FilterExpression": "n BETWEEN :n AND :n",
        "ExpressionAttributeValues": {":a": A, ":n": ONE},
        "ExclusiveStartKey": {"pk": A, "sk": {"S": "ab"}},
        "Limit": 3,
    },
    "Scan": {
        "ScanFilter": {"a": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [A]}},
        "Segment": 0,
        "TotalSegments": 2,
    },
    "TransactWriteItems": {
        "TransactItems": [
            {"Put": {"TableName": "", "Item": KEY}},
            {"Delete": {"TableName": "", "Key": {"pk": A, "sk": A}, "ConditionExpression": "attribute_exists(a)"}},
        ]
    },
    "ExecuteStatement": {
        "Statement": "SELECT a, b[0].c FROM TABLE WHERE pk = ? AND (sk > 'a' OR n IN [1, 2])",
        "Parameters": [A],
    },
    "UpdateTable": {"ReplicaUpdates": [{"Delete": {"RegionName": "eu-west-1"}}]},
}
VOCABULARY = """
pk #a :a :n SET REMOVE AND OR NOT BETWEEN IN = <> < ( ) , [0] . size( contains( + - SELECT FROM WHERE ? 'x' 1 << >> { }
\u00e9 \0
"""
WORDS = VOCABULARY.split()
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 10**30, "", "a", "x" * 2000, [], [None], {}, [[]], ":a", "#a", "ALL_OLD", {"zzz": 1}),
    *({"S": None}, {"N": "nan"}, {"N": "1e999"}, {"N": "1" * 39}, {"B": "?"}, {"SS": []}, {"NS": ["1", "1.0"]}),
    *({"L": [{}]}, {"M": {"": A}}, {"NULL": False}, {"S": "a", "N": "1"}),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys or positions."""
    inside: list[tuple[Any, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in inside] + [place for _, each in inside for place in places(each)]


def broken(dice: random.Random, sound: Any) -> Any:
    request = copy.deepcopy(sound)
    for _ in range(dice.choice((1, 1, 2, 3))):
        container, key = dice.choice(places(request))
        old = container[key]
        match dice.randrange(4):
            case 0 if isinstance(container, dict):
                del container[key]
            case 1 if isinstance(old, str):
                words = old.split(" ")
                words.insert(dice.randrange(len(words) + 1), dice.choice(WORDS))
                container[key] = " ".join(words)
            case 2 if isinstance(old, list):
                container[key] = old * dice.choice((2, 101))
            case _:
                container[key] = copy.deepcopy(dice.choice(JUNK))
        if not places(request):
            break
    return request


def named(value: Any, table: str) -> Any:
    """The request with the table's name where it belongs."""
    if isinstance(value, dict):
        return {key: table if key == "TableName" else named(each, table) for key, each in value.items()}
    if isinstance(value, list):
        return [named(each, table) for each in value]
    return value.replace("FROM TABLE", f'FROM "{table}"') if isinstance(value, str) else value


@pytest.mark.parametrize("operation", SOUND)
def test_a_broken_request_is_refused_or_done(raw: Any, table: str, operation: str) -> None:
    sound = named(SOUND[operation], table)
    if "TransactItems" not in sound and "Statement" not in sound:
        sound["TableName"] = table
    dice = random.Random(operation)
    statuses = set()
    for _ in range(REQUESTS_EACH):
        request = broken(dice, sound)
        status, _, answer = raw(operation, request)
        assert status in (200, 400), (request, answer)
        assert status == 200 or answer["__type"].partition("#")[2].endswith("Exception"), (request, answer)
        statuses.add(status)
    assert 400 in statuses
