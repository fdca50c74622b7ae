"""Each replica has a stream of its own.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Streams] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
[Version] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_versions.html
"""

from __future__ import annotations

from collections.abc import Mapping

from suite.global_table import KEY, GlobalTable
from suite.streams import StreamTail, image

VERSIONS = 10


def test_every_replica_has_a_stream_of_its_own_region(table: GlobalTable) -> None:
    """Streams are enabled by default on all replicas [Concepts]; each replica's has its own ARN."""
    for region in table.regions:
        description = table.describe(region)
        assert description["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert description["LatestStreamArn"].startswith(f"{description['TableArn']}/stream/")
        assert description["LatestStreamArn"].split(":")[3] == region


def test_a_change_is_in_the_stream_of_every_replica(
    table: GlobalTable, tails: Mapping[str, StreamTail], away: str, key: str
) -> None:
    """A replica's stream has all changes of the replica, wherever they were made [Concepts]. Here each change has
    arrived everywhere before the next is made, so that none can be merged with another."""
    table[away].put_item(Item={KEY: key, "n": 1})
    table.arrive({KEY: key, "n": 1})
    table[away].put_item(Item={KEY: key, "n": 2})
    table.arrive({KEY: key, "n": 2})
    table[away].delete_item(Key={KEY: key})
    for region, tail in tails.items():
        records = tail.wait(key, event="REMOVE")
        assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"], region
        assert [image(record, "NewImage") for record in records] == [{KEY: key, "n": 1}, {KEY: key, "n": 2}, None]
        assert [image(record, "OldImage") for record in records] == [None, {KEY: key, "n": 1}, {KEY: key, "n": 2}]


def test_a_record_names_the_region_of_its_stream(
    table: GlobalTable, tails: Mapping[str, StreamTail], home: str, key: str
) -> None:
    """awsRegion is the region in which the GetRecords request was received
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html): it does not tell where a
    replicated write came from."""
    table[home].put_item(Item={KEY: key})
    assert {region: tail.wait(key)[0]["awsRegion"] for region, tail in tails.items()} == {
        region: region for region in tails
    }


def test_records_carry_the_items_alone(
    table: GlobalTable, tails: Mapping[str, StreamTail], home: str, key: str
) -> None:
    """The current version populates no attributes such as aws:rep:updatetime [Version]; and an ordinary write has no
    userIdentity [Streams]."""
    table[home].put_item(Item={KEY: key})
    for tail in tails.values():
        record = tail.wait(key)[0]
        assert image(record, "NewImage") == {KEY: key}
        assert "userIdentity" not in record


def test_a_write_does_not_come_back(
    table: GlobalTable, tails: Mapping[str, StreamTail], home: str, away: str, key: str
) -> None:
    """A stream has exactly one record for each modification [Streams]: the replication of a write to other regions
    adds none to the stream of its own. A write that came from another region afterwards marks the time."""
    table.put_everywhere({KEY: key})
    table[away].put_item(Item={KEY: f"{key}-after"})
    tails[home].wait(f"{key}-after")
    assert [record["eventName"] for record in tails[home].of(key)] == ["INSERT"]


def test_a_write_that_changes_nothing_has_no_record_in_any_region(
    table: GlobalTable, tails: Mapping[str, StreamTail], home: str, key: str
) -> None:
    """If a PutItem or UpdateItem does not change any data in an item, no record is written for it
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html)."""
    table.put_everywhere({KEY: key, "n": 1})
    table[home].put_item(Item={KEY: key, "n": 1})
    table[home].update_item(Key={KEY: key}, UpdateExpression="SET n = :one", ExpressionAttributeValues={":one": 1})
    table[home].delete_item(Key={KEY: f"{key}-missing"})
    table.put_everywhere({KEY: key, "n": 2})
    for region, tail in tails.items():
        records = tail.wait(key, event="MODIFY")
        assert [record["eventName"] for record in records] == ["INSERT", "MODIFY"], region
        assert tail.of(f"{key}-missing") == []


def test_records_of_an_item_are_in_order_in_every_region(
    table: GlobalTable, tails: Mapping[str, StreamTail], home: str, key: str
) -> None:
    """Records are always ordered on a per-item basis. Several changes within a short time may be combined into a
    single replicated write, so that other replicas may have fewer records [Concepts]."""
    for number in range(VERSIONS):
        table[home].put_item(Item={KEY: key, "n": number})
    table.arrive({KEY: key, "n": VERSIONS - 1})
    for region, tail in tails.items():
        tail.wait(key)
        while (image(tail.of(key)[-1], "NewImage") or {})["n"] != VERSIONS - 1:
            tail.wait(key, count=len(tail.of(key)) + 1)
        versions = [int((image(record, "NewImage") or {})["n"]) for record in tail.of(key)]
        assert versions == sorted(set(versions)), region
        if region == home:
            assert versions == list(range(VERSIONS))
