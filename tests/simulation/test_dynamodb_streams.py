"""Streams: records, views, shards, iterators, trimming; through the Streams API."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import Item, TableSpec
from globule.dynamodb.serving.items import UserIdentity
from globule.wire.aws.errors import AwsError

US, EU = "us-east-1", "eu-west-1"
HOUR_S = 3600.0


def message(at: int, text: str = "") -> Item:
    return {"room": {"S": "r"}, "at": {"N": str(at)}, **({"text": {"S": text}} if text else {})}


class Consumer:
    """Reads the stream of the chat table as the Kinesis adapter does: shard by shard, parents first."""

    def __init__(self, world: Any, region: str, arn: str | None = None) -> None:
        self._streams = world[region].streams
        self.arn = arn or world[region].find("chat").stream.arn

    async def shards(self) -> list[dict[str, Any]]:
        described = await self._streams.answer("DescribeStream", {"StreamArn": self.arn})
        return list(described["StreamDescription"]["Shards"])

    async def iterator(self, shard: str, kind: str = "TRIM_HORIZON", **more: str) -> str:
        request = {"StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": kind, **more}
        return str((await self._streams.answer("GetShardIterator", request))["ShardIterator"])

    async def page(self, iterator: str, **more: Any) -> dict[str, Any]:
        return dict(await self._streams.answer("GetRecords", {"ShardIterator": iterator, **more}))

    async def all(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        for shard in await self.shards():
            iterator: str | None = await self.iterator(shard["ShardId"])
            while iterator:
                answer = await self.page(iterator)
                records += answer["Records"]
                iterator = answer.get("NextShardIterator") if answer["Records"] else None
        return records


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_each_view_shows_what_it_should(simulated: Any, chat: TableSpec, view: Any, images: set[str]) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(msgspec.structs.replace(chat, stream=view))
        await world.put(US, "chat", message(1, "a"))
        await world.put(US, "chat", message(1, "b"))
        await world.delete(US, "chat", message(1))
        insert, modify, remove = await Consumer(world, US).all()
        assert [record["eventName"] for record in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
        shown = modify["dynamodb"]
        assert {"NewImage", "OldImage"} & shown.keys() == images
        assert {"NewImage", "OldImage"} & insert["dynamodb"].keys() == images & {"NewImage"}
        assert {"NewImage", "OldImage"} & remove["dynamodb"].keys() == images & {"OldImage"}
        assert shown["Keys"] == message(1)
        assert shown["StreamViewType"] == view
        assert shown.get("NewImage", message(1, "b")) == message(1, "b")
        assert shown.get("OldImage", message(1, "a")) == message(1, "a")
        assert shown["SizeBytes"] == 9 + len(images) * 14
        assert (modify["awsRegion"], modify["eventSource"], modify["eventVersion"]) == (US, "aws:dynamodb", "1.1")
        assert len({record["eventID"] for record in (insert, modify, remove)}) == 3
        numbers = [record["dynamodb"]["SequenceNumber"] for record in (insert, modify, remove)]
        assert numbers == sorted(numbers)
        assert all(21 <= len(number) <= 40 for number in numbers)

    simulated(story)


def test_a_write_that_changes_nothing_has_no_record(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        for _ in range(3):
            await world.put(US, "chat", message(1, "a"))
        await world.delete(US, "chat", message(2))
        assert len(await Consumer(world, US).all()) == 1

    simulated(story)


def test_a_writer_may_give_its_identity(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        table = await world[US].create(chat)
        await world.put(US, "chat", message(1, "a"))
        identity = UserIdentity("Service", "dynamodb.amazonaws.com")
        await world[US].write(lambda writer: writer.delete(table, message(1), identity=identity))
        *_, last = await Consumer(world, US).all()
        assert last["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

    simulated(story)


def test_iterators_begin_where_they_are_told(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        consumer = Consumer(world, US)
        for number in range(5):
            await world.put(US, "chat", message(number, "x"))
        (shard,) = [each["ShardId"] for each in await consumer.shards()]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in await consumer.all()]

        async def read(kind: str, **more: str) -> list[str]:
            page = await consumer.page(await consumer.iterator(shard, kind, **more))
            return [record["dynamodb"]["SequenceNumber"] for record in page["Records"]]

        assert await read("TRIM_HORIZON") == numbers
        assert await read("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[2:]
        assert await read("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[3:]
        assert await read("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[4]) == []
        latest = await consumer.iterator(shard, "LATEST")
        await world.put(US, "chat", message(9, "new"))
        page = await consumer.page(latest)
        assert [record["dynamodb"]["Keys"] for record in page["Records"]] == [message(9)]
        assert (await consumer.page(page["NextShardIterator"]))["Records"] == []

    simulated(story)


def test_pages_are_as_large_as_was_asked_and_go_on(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        await world.put(US, "chat", *(message(number, "x" * 100_000) for number in range(25)))
        consumer = Consumer(world, US)
        (shard,) = await consumer.shards()
        first = await consumer.page(await consumer.iterator(shard["ShardId"]), Limit=7)
        assert len(first["Records"]) == 7
        second = await consumer.page(first["NextShardIterator"])
        assert len(second["Records"]) == 10, "a megabyte"
        assert len(await consumer.all()) == 25

    simulated(story)


def test_bad_requests_get_awss_errors(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        await world.put(US, "chat", message(1, "x"))
        consumer = Consumer(world, US)
        (shard,) = [each["ShardId"] for each in await consumer.shards()]
        streams = world[US].streams

        async def code(operation: str, request: dict[str, Any]) -> str:
            with pytest.raises(AwsError) as caught:
                await streams.answer(operation, request)
            return caught.value.code

        whole = {"StreamArn": consumer.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        other = consumer.arn.replace("chat", "chit")
        assert await code("DescribeStream", {"StreamArn": other}) == "ResourceNotFoundException"
        assert await code("DescribeStream", {}) == "ValidationException"
        assert await code("GetShardIterator", whole | {"StreamArn": other}) == "ResourceNotFoundException"
        assert await code("GetShardIterator", whole | {"ShardId": "shardId-" + "0" * 30}) == "ResourceNotFoundException"
        assert await code("GetShardIterator", whole | {"ShardIteratorType": "SOMETIME"}) == "ValidationException"
        at = whole | {"ShardIteratorType": "AT_SEQUENCE_NUMBER"}
        assert await code("GetShardIterator", at) == "ValidationException"
        assert await code("GetShardIterator", at | {"SequenceNumber": "9" * 21}) == "ValidationException"
        for iterator in ("nonsense", consumer.arn + "|1|", consumer.arn + "|1|kA=="):
            assert await code("GetRecords", {"ShardIterator": iterator}) == "ValidationException"
        good = await consumer.iterator(shard)
        assert await code("GetRecords", {"ShardIterator": good, "Limit": 0}) == "ValidationException"
        assert await code("Nonsense", {}) == "UnknownOperationException"
        await asyncio.sleep(15 * 60 + 1)
        assert await code("GetRecords", {"ShardIterator": good}) == "ExpiredIteratorException"

    simulated(story)


def test_records_are_trimmed_after_a_day(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=300)
        await world[US].create(chat)
        consumer = Consumer(world, US)
        await world.put(US, "chat", message(1, "old"))
        (old,) = [record["dynamodb"]["SequenceNumber"] for record in await consumer.all()]
        (shard,) = [each["ShardId"] for each in await consumer.shards()]
        await asyncio.sleep(10 * HOUR_S)
        await world.put(US, "chat", message(2, "young"))
        await asyncio.sleep(14.5 * HOUR_S)
        assert [record["dynamodb"]["Keys"] for record in await consumer.all()] == [message(2)]
        assert not any(key[:1] == b"s" and key.endswith(b"\x01") for key in world.regions[US].disk.keys)
        with pytest.raises(AwsError, match="TrimmedDataAccessException"):
            await consumer.iterator(shard, "AT_SEQUENCE_NUMBER", SequenceNumber=old)

    simulated(story)


def test_shards_are_closed_after_some_hours_and_followed_by_children(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=300)
        await world[US].create(chat)
        consumer = Consumer(world, US)
        for number in range(5):
            await world.put(US, "chat", message(number, "x"))
            await asyncio.sleep(4.5 * HOUR_S)
        shards = await consumer.shards()
        assert len(shards) == 6
        assert [shard.get("ParentShardId") for shard in shards] == [None, *(s["ShardId"] for s in shards[:-1])]
        assert ["EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in shards] == [True] * 5 + [False]
        assert [record["dynamodb"]["Keys"]["at"]["N"] for record in await consumer.all()] == list("01234")
        # A closed shard has an end.
        page = await consumer.page(await consumer.iterator(shards[0]["ShardId"]))
        assert len(page["Records"]) == 1
        assert "NextShardIterator" not in page
        answer = await world[US].streams.answer(
            "DescribeStream",
            {"StreamArn": consumer.arn, "ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": shards[0]["ShardId"]}},
        )
        assert answer["StreamDescription"]["Shards"] == [shards[1]]
        answer = await world[US].streams.answer("DescribeStream", {"StreamArn": consumer.arn, "Limit": 2})
        assert answer["StreamDescription"]["LastEvaluatedShardId"] == shards[1]["ShardId"]
        await asyncio.sleep(30 * HOUR_S)
        assert await consumer.shards() == [{**shards[-1], "ParentShardId": shards[-2]["ShardId"]}]

    simulated(story)


def test_a_disabled_stream_stays_readable_for_a_day(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=300)
        await world[US].create(chat)
        await world.put(US, "chat", message(1, "a"))
        consumer = Consumer(world, US)
        await world[US].disable_stream("chat")
        await world.put(US, "chat", message(2, "b"))
        described = (await world[US].streams.answer("DescribeStream", {"StreamArn": consumer.arn}))["StreamDescription"]
        assert described["StreamStatus"] == "DISABLED"
        assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
        assert len(await consumer.all()) == 1
        await asyncio.sleep(1)
        table = await world[US].enable_stream("chat", "KEYS_ONLY")
        assert table.stream.arn != consumer.arn
        await world.put(US, "chat", message(3, "c"))
        assert [record["dynamodb"]["Keys"] for record in await Consumer(world, US).all()] == [message(3)]
        listed = await world[US].streams.answer("ListStreams", {"TableName": "chat"})
        assert [stream["StreamArn"] for stream in listed["Streams"]] == sorted([consumer.arn, table.stream.arn])
        assert "LastEvaluatedStreamArn" in await world[US].streams.answer("ListStreams", {"Limit": 1})
        await asyncio.sleep(25 * HOUR_S)
        listed = await world[US].streams.answer("ListStreams", {})
        assert [stream["StreamArn"] for stream in listed["Streams"]] == [table.stream.arn]

    simulated(story)


def test_each_replicas_stream_has_local_and_replicated_writes(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        await world.put(US, "chat", message(1, "from us"))
        await world.put(EU, "chat", message(2, "from eu"))
        await world.until_equal("chat")
        for region in (US, EU):
            records = await Consumer(world, region).all()
            assert sorted(record["dynamodb"]["Keys"]["at"]["N"] for record in records) == ["1", "2"]
            assert {record["awsRegion"] for record in records} == {region}
            assert not any("userIdentity" in record for record in records)
            assert not any(name.startswith("aws:rep") for r in records for name in r["dynamodb"]["NewImage"])

    simulated(story)


def test_a_reader_can_wait_for_a_write(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        waiting = asyncio.create_task(world[US].streams.wait())
        await asyncio.sleep(5)
        assert not waiting.done()
        await world.put(US, "chat", message(1, "a"))
        await asyncio.wait_for(waiting, 0.001)

    simulated(story)
