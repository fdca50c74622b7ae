"""What is not a request, and what surrounds an answer."""

from __future__ import annotations

import gzip
import http.client
import zlib
from typing import Any

import pytest


def test_an_answer_carries_its_checksum_and_a_request_id(raw: Any) -> None:
    status, headers, _ = raw("ListTables", {})
    assert status == 200
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert len(headers["x-amzn-requestid"]) == 52
    assert headers["x-amz-crc32"].isdigit()


def test_the_checksum_is_of_the_body(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    answer = connection.getresponse()
    assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.read())
    connection.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff", None),
        (b'{"TableName": "\xff"}', None),
        (b"[" * 1_000_000, None),
        (b'{"a":' * 200_000, None),
        ({"TableName": 5}, "NUMBER_VALUE cannot be converted to String"),
        ({"TableName": True}, "TRUE_VALUE cannot be converted to String"),
        ({"TableName": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"TableName": ["a"]}, "Unrecognized collection type class java.lang.String"),
        ({"TableName": {}}, "Start of structure or map found where not expected"),
        ({"Key": "x"}, "Unexpected field type"),
        (
            {"Key": []},
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        ({"Key": {"a": "x"}}, "Unexpected value type in payload"),
        ({"Key": {"a": {"S": 1}}}, "NUMBER_VALUE cannot be converted to String"),
        ({"Key": {"a": {"B": "x"}}}, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
        ({"Key": {"a": {"L": [{"S": 1}]}}}, "NUMBER_VALUE cannot be converted to String"),
        ({"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"ConsistentRead": "maybe"}, "Unexpected token received from parser"),
        ({"AttributesToGet": "x"}, "Unexpected field type"),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_else(raw: Any, body: Any, message: str | None) -> None:
    status, _, error = raw("GetItem", body)
    assert status == 400
    assert error["__type"] == "com.amazon.coral.service#SerializationException"
    assert error.get("Message") == message


def test_a_value_that_cannot_be_read_is_told_before_one_that_is_wrong(raw: Any) -> None:
    _, _, error = raw("PutItem", {"TableName": "abc", "Item": {"a": {"N": "x"}, "b": {"S": 1}}})
    assert error["__type"] == "com.amazon.coral.service#SerializationException"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (
            "GetItem",
            {},
            "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: "
            "Member must not be null; Value null at 'key' failed to satisfy constraint: Member must not be null",
        ),
        (
            "GetItem",
            {"TableName": "a;", "Key": {}},
            "2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
            "Value 'a;' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3",
        ),
        (
            "Query",
            {"TableName": "abc", "Select": "x", "Limit": 0},
            "2 validation errors detected: Value 'x' at 'select' failed to satisfy constraint: "
            "Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
            "ALL_PROJECTED_ATTRIBUTES]; Value '0' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"abc": []}},
            "1 validation error detected: Value '{abc=[]}' at 'requestItems' failed to satisfy constraint: "
            "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
            "Member must have length greater than or equal to 1]",
        ),
        ("CreateTable", {}, "The parameter 'TableName' is required but was not present in the request"),
        (
            "CreateTable",
            {"TableName": "ab"},
            "3 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: "
            "Member must not be null; Value 'ab' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3; "
            "Value null at 'keySchema' failed to satisfy constraint: Member must not be null",
        ),
    ],
)
def test_broken_constraints_are_told_together(raw: Any, operation: str, body: Any, message: str) -> None:
    status, _, error = raw(operation, body)
    assert status == 400
    assert error == {"__type": "com.amazon.coral.validate#ValidationException", "message": message}


def test_words_and_fractions_are_read_where_aws_reads_them(raw: Any, table: str) -> None:
    status, _, answer = raw("Scan", {"TableName": table, "Limit": 1.9, "ConsistentRead": "true", "Unknown": [1]})
    assert status == 200
    assert answer["ScannedCount"] <= 1


@pytest.mark.parametrize(
    "target", ["DynamoDB_20120810.Nothing", "DynamoDB_20120810.ExportTableToPointInTime", "Other.GetItem", "x"]
)
def test_an_unknown_operation_is_told(raw: Any, target: str) -> None:
    status, _, error = raw(target if "." in target else "." + target, {})
    assert status == 400
    assert error["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_an_operation_that_is_not_supported_is_named(raw: Any) -> None:
    _, _, error = raw("ExportTableToPointInTime", {})
    assert error["Message"] == "Globule does not support ExportTableToPointInTime"


def test_a_request_of_more_than_sixteen_megabytes_is_refused(raw: Any) -> None:
    status, _, error = raw("PutItem", b'{"TableName": "' + b"a" * (16 * 1024 * 1024) + b'"}')
    assert status == 413
    assert error["__type"].endswith("#RequestEntityTooLargeException")


def test_a_request_may_be_packed(port: int) -> None:
    packed = gzip.compress(b'{"Limit": 1}')
    for body, status in ((packed, 200), (packed[:-3], 400), (b"not packed", 400)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Encoding": "gzip"}
        connection.request("POST", "/", body, headers)
        assert connection.getresponse().status == status
        connection.close()


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Encoding": "gzip"}
    connection.request("POST", "/", gzip.compress(b" " * (20 * 1024 * 1024)), headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_health_check_is_answered(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"healthy: dynamodb.us-east-1.amazonaws.com "
    connection.close()
