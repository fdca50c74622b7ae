"""Time to live: what expires, when, and who is told."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import Item, TableSpec
from globule.simulation.clock import EPOCH_S

US, EU = "us-east-1", "eu-west-1"


def message(at: int, ttl: object = None) -> Item:
    item: Item = {"room": {"S": "r"}, "at": {"N": str(at)}}
    if ttl is not None:
        item["ttl"] = {"N": str(ttl)} if not isinstance(ttl, dict) else ttl
    return item


async def records(world: Any, region: str) -> list[dict[str, Any]]:
    streams = world[region].streams
    arn = world[region].find("chat").stream.arn
    shards = (await streams.answer("DescribeStream", {"StreamArn": arn}))["StreamDescription"]["Shards"]
    iterator = await streams.answer(
        "GetShardIterator",
        {"StreamArn": arn, "ShardId": shards[0]["ShardId"], "ShardIteratorType": "TRIM_HORIZON"},
    )
    return list((await streams.answer("GetRecords", iterator))["Records"])


@pytest.fixture
def expiring(chat: TableSpec) -> TableSpec:
    return msgspec.structs.replace(chat, ttl_attribute="ttl")


def test_items_go_after_their_time_and_not_before(simulated: Any, expiring: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=1.0)
        await world[US].create(expiring)
        now = int(EPOCH_S)
        await world.put(
            US,
            "chat",
            message(1, now + 20),
            message(2, now + 100),
            message(3),
            message(4, {"S": str(now - 5)}),
            message(5, now - 6 * 365 * 24 * 3600),
            message(6, -5),
            message(7, "1e10"),
        )
        await asyncio.sleep(19)
        assert len(world.items(US, "chat")) == 7
        await asyncio.sleep(3)
        assert [item["at"]["N"] for item in world.items(US, "chat")] == ["2", "3", "4", "5", "6", "7"]
        # Its time can still be moved.
        await world.put(US, "chat", message(2, now + 200))
        await asyncio.sleep(100)
        assert world.get(US, "chat", message(2)) is not None
        await asyncio.sleep(100)
        assert [item["at"]["N"] for item in world.items(US, "chat")] == ["3", "4", "5", "6", "7"]
        removals = [record for record in await records(world, US) if record["eventName"] == "REMOVE"]
        assert [record["userIdentity"]["PrincipalId"] for record in removals] == ["dynamodb.amazonaws.com"] * 2

    simulated(story)


def test_what_was_there_before_it_was_enabled_expires_too(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=1.0)
        await world[US].create(chat)
        await world.put(US, "chat", *(message(number, int(EPOCH_S) + 5) for number in range(350)), message(999))
        replace = msgspec.structs.replace
        table = await world[US].update("chat", change=lambda spec: replace(spec, ttl_attribute="ttl"))
        assert table.expiries_filling
        await asyncio.sleep(10)
        assert not world[US].find("chat").expiries_filling
        assert world.items(US, "chat") == [message(999)]
        assert world[US].statistics()["expired"] == 350

    simulated(story)


def test_disabled_it_leaves_items_and_no_traces(simulated: Any, expiring: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=1.0)
        await world[US].create(expiring)
        await world.put(US, "chat", message(1, int(EPOCH_S) + 5))
        replace = msgspec.structs.replace
        await world[US].update("chat", change=lambda spec: replace(spec, ttl_attribute=None))
        await asyncio.sleep(10)
        assert len(world.items(US, "chat")) == 1
        assert not any(key[:1] == b"x" for key in world.regions[US].disk.keys)

    simulated(story)


def test_one_replica_removes_and_only_its_stream_says_who(simulated: Any, expiring: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, sweep_period_s=1.0)
        await world.replicate(expiring, US, EU)
        await world.put(US, "chat", message(1, int(EPOCH_S) + 5))
        await asyncio.sleep(10)
        assert world.items(US, "chat") == world.items(EU, "chat") == []
        (ours,) = [record for record in await records(world, US) if record["eventName"] == "REMOVE"]
        (theirs,) = [record for record in await records(world, EU) if record["eventName"] == "REMOVE"]
        assert "userIdentity" in ours
        assert "userIdentity" not in theirs
        assert world[US].conflicts() == world[EU].conflicts() == []

    simulated(story)


def test_where_the_writers_region_is_down_another_one_removes_after_a_while(
    simulated: Any, expiring: TableSpec
) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, sweep_period_s=1.0)
        await world.replicate(expiring, US, EU)
        await world.put(US, "chat", message(1, int(EPOCH_S) + 5))
        await world.until_equal("chat")
        await world.regions[US].crash()
        await asyncio.sleep(100)
        assert len(world.items(EU, "chat")) == 1
        await asyncio.sleep(300)
        assert world.items(EU, "chat") == []
        await world.regions[US].start()
        await asyncio.sleep(10)
        assert world.items(US, "chat") == []

    simulated(story)
