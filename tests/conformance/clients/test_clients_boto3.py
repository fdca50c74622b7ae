"""boto3, with its resources, paginators, waiters and batch writers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.config import Config

from .conftest import PATIENCE_SECONDS, REGION

WAIT = {"Delay": 1, "MaxAttempts": int(PATIENCE_SECONDS)}
PRECISE = Decimal("-1.2345678901234567890123456789012345678")


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    return boto3.session.Session("local", "local", region_name=REGION)


@pytest.fixture(scope="module")
def client(session: Any, endpoint: str) -> Any:
    return session.client("dynamodb", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}))


@pytest.fixture(scope="module")
def music(session: Any, client: Any, endpoint: str) -> Any:
    """A table with both kinds of indexes and a stream."""
    client.create_table(
        TableName="music",
        AttributeDefinitions=[
            {"AttributeName": "artist", "AttributeType": "S"},
            {"AttributeName": "song", "AttributeType": "S"},
            {"AttributeName": "genre", "AttributeType": "S"},
            {"AttributeName": "year", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "artist", "KeyType": "HASH"},
            {"AttributeName": "song", "KeyType": "RANGE"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-year",
                "KeySchema": [
                    {"AttributeName": "artist", "KeyType": "HASH"},
                    {"AttributeName": "year", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-genre",
                "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.get_waiter("table_exists").wait(TableName="music", WaiterConfig=WAIT)
    return session.resource("dynamodb", endpoint_url=endpoint).Table("music")


def test_a_resource_keeps_every_type_of_python(music: Any) -> None:
    item = {
        "artist": "types",
        "song": "all",
        "precise": PRECISE,
        "bytes": Binary(b"\x00\xff"),
        "words": {"a", "b"},
        "numbers": {Decimal(1), Decimal("2.5")},
        "blobs": {Binary(b"x"), Binary(b"y")},
        "nothing": None,
        "yes": True,
        "deep": [{"empty": "", "list": []}],
    }
    music.put_item(Item=item)
    assert music.get_item(Key={"artist": "types", "song": "all"}, ConsistentRead=True)["Item"] == item


def test_a_batch_writer_fills_a_table_and_conditions_find_it_again(music: Any) -> None:
    with music.batch_writer(overwrite_by_pkeys=["artist", "song"]) as batch:
        for number in range(60):
            batch.put_item(
                Item={"artist": "many", "song": f"{number:02}", "year": 1960 + number, "genre": f"g{number % 2}"}
            )
        batch.put_item(Item={"artist": "many", "song": "00", "year": 1960, "genre": "g0"})
        batch.delete_item(Key={"artist": "many", "song": "59"})
    page = music.query(
        KeyConditionExpression=Key("artist").eq("many") & Key("song").between("10", "19"),
        FilterExpression=Attr("year").gte(1975) & Attr("genre").is_in(["g1"]) & ~Attr("gone").exists(),
        ProjectionExpression="song",
        ScanIndexForward=False,
    )
    assert [item["song"] for item in page["Items"]] == ["19", "17", "15"]
    assert (page["Count"], page["ScannedCount"]) == (3, 10)
    newest = music.query(
        IndexName="by-year", KeyConditionExpression=Key("artist").eq("many") & Key("year").gt(2016), Select="COUNT"
    )
    assert newest["Count"] == 2
    of_genre = music.query(IndexName="by-genre", KeyConditionExpression=Key("genre").eq("g1"), Limit=1)
    assert of_genre["LastEvaluatedKey"].keys() == {"artist", "song", "genre"}


def test_paginators_see_each_item_once(client: Any, music: Any) -> None:
    with music.batch_writer() as batch:
        for number in range(25):
            batch.put_item(Item={"artist": "paged", "song": f"{number:02}"})
    pages = client.get_paginator("query").paginate(
        TableName=music.name,
        KeyConditionExpression="artist = :artist",
        ExpressionAttributeValues={":artist": {"S": "paged"}},
        PaginationConfig={"PageSize": 4},
    )
    assert [item["song"]["S"] for page in pages for item in page["Items"]] == [f"{number:02}" for number in range(25)]
    segments = [
        client.get_paginator("scan").paginate(
            TableName=music.name, Segment=segment, TotalSegments=3, PaginationConfig={"PageSize": 5}
        )
        for segment in range(3)
    ]
    keys = [(item["artist"]["S"], item["song"]["S"]) for pages in segments for page in pages for item in page["Items"]]
    assert len(keys) == len(set(keys)) >= 25
    assert "music" in [
        name for page in client.get_paginator("list_tables").paginate(Limit=1) for name in page["TableNames"]
    ]


def test_a_condition_that_fails_raises_the_exception_that_boto3_names(client: Any, music: Any) -> None:
    music.put_item(Item={"artist": "once", "song": "a", "plays": 1})
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        music.update_item(
            Key={"artist": "once", "song": "a"},
            UpdateExpression="ADD plays :one",
            ConditionExpression=Attr("plays").lt(1),
            ExpressionAttributeValues={":one": 1},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"]["plays"] in (1, {"N": "1"})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName="nowhere", Key={"a": {"S": "b"}})
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.create_table(
            TableName="music",
            KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


def test_a_transaction_with_a_token_is_done_once_or_not_at_all(client: Any, music: Any) -> None:
    key = {"artist": {"S": "transactions"}, "song": {"S": "counter"}}
    add = {
        "Update": {
            "TableName": "music",
            "Key": key,
            "UpdateExpression": "ADD plays :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(2):
        client.transact_write_items(TransactItems=[add], ClientRequestToken="once")
    read = client.transact_get_items(TransactItems=[{"Get": {"TableName": "music", "Key": key}}])
    assert read["Responses"][0]["Item"]["plays"] == {"N": "1"}
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.transact_write_items(
            TransactItems=[{"Delete": {"TableName": "music", "Key": key}}], ClientRequestToken="once"
        )
    check = {"TableName": "music", "Key": key, "ConditionExpression": "attribute_not_exists(artist)"}
    put = {"TableName": "music", "Item": {**key, "song": {"S": "never"}}}
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    assert "Item" not in music.get_item(Key={"artist": "transactions", "song": "never"})


def test_a_stream_tells_what_was_written(session: Any, client: Any, music: Any, endpoint: str) -> None:
    music.put_item(Item={"artist": "stream", "song": "a", "v": 1})
    music.put_item(Item={"artist": "stream", "song": "a", "v": 1})
    music.put_item(Item={"artist": "stream", "song": "a", "v": 2})
    music.delete_item(Key={"artist": "stream", "song": "a"})
    streams = session.client("dynamodbstreams", endpoint_url=endpoint)
    arn = client.describe_table(TableName="music")["Table"]["LatestStreamArn"]
    assert arn in [stream["StreamArn"] for stream in streams.list_streams(TableName="music")["Streams"]]
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator is not None:
            answer = streams.get_records(ShardIterator=iterator, Limit=10)
            records += answer["Records"]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    ours = [
        (record["eventName"], "OldImage" in record["dynamodb"], "NewImage" in record["dynamodb"])
        for record in records
        if record["dynamodb"]["Keys"]["artist"] == {"S": "stream"}
    ]
    assert ours == [("INSERT", False, True), ("MODIFY", True, True), ("REMOVE", True, False)]


def test_time_to_live_tags_and_waiters(client: Any) -> None:
    made = client.create_table(
        TableName="short-lived",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        Tags=[{"Key": "owner", "Value": "clients"}],
    )["TableDescription"]
    client.get_waiter("table_exists").wait(TableName="short-lived", WaiterConfig=WAIT)
    client.update_time_to_live(
        TableName="short-lived", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    described = client.describe_time_to_live(TableName="short-lived")["TimeToLiveDescription"]
    assert described["AttributeName"] == "until"
    assert described["TimeToLiveStatus"] in ("ENABLING", "ENABLED")
    assert client.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == [{"Key": "owner", "Value": "clients"}]
    client.delete_table(TableName="short-lived")
    client.get_waiter("table_not_exists").wait(TableName="short-lived", WaiterConfig=WAIT)
