"""Global tables: lag, conflicts, isolation, healing, members that come and go."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import Index, Item, KeyAttribute, Keys, Projection, TableSpec
from globule.dynamodb.rules.conflict import Version
from globule.dynamodb.rules.records import encode_record
from globule.dynamodb.serving.replication.messages import Batch, Entry, encode
from globule.dynamodb.serving.tables import TableExists, TableNotFound

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
ALL = (US, EU, AP)


def message(at: int, text: str = "", room: str = "r") -> Item:
    return {"room": {"S": room}, "at": {"N": str(at)}, **({"text": {"S": text}} if text else {})}


def test_a_write_arrives_everywhere_one_way_and_a_few_milliseconds_later(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        await world.put(US, "chat", message(1, "hello"))
        begin = asyncio.get_running_loop().time()
        for other in (EU, AP):
            await world.until(lambda other=other: world.get(other, "chat", message(1)) == message(1, "hello"))
            one_way_s = world.network.link(US, other).one_way_s
            assert asyncio.get_running_loop().time() - begin < one_way_s * 1.2 + 0.015 + (other == AP) * 0.15
        await world.until_equal("chat")
        figures = world[US].latency("chat", EU).figures()
        one_way_ms = world.network.link(US, EU).one_way_s * 1000
        assert one_way_ms <= figures["p50_ms"] <= one_way_ms * 1.2 + 10

    simulated(story)


def test_deletes_are_replicated_and_nothing_rises_from_the_dead(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        await world.put(US, "chat", message(1, "a"), message(2, "b"))
        await world.until_equal("chat")
        await world.delete(EU, "chat", message(1))
        await world.until_equal("chat")
        assert world.items(AP, "chat") == [message(2, "b")]
        # All tombstones are forgotten once every region has passed them.
        await world.until(lambda: not any(key[:1] == b"t" for name in ALL for key in world.regions[name].disk.keys))
        await world.put(AP, "chat", message(1, "again"))
        await world.until_equal("chat")
        assert world.get(US, "chat", message(1)) == message(1, "again")
        assert [world[name].conflicts() for name in ALL] == [[], [], []]

    simulated(story)


def test_a_delete_is_remembered_until_every_region_has_been_told(simulated: Any, chat: TableSpec) -> None:
    """Also where all of them have told us of everything that is older."""

    async def story(world: Any) -> None:
        await world.start(*ALL, sweep_period_s=1.0)
        await world.replicate(chat, *ALL)
        await world.put(EU, "chat", message(1, "to be deleted"))
        await world.until_equal("chat")
        world.network.hold(AP, EU)
        await world.delete(AP, "chat", message(1))
        await asyncio.sleep(1)
        await world.put(EU, "chat", message(2, "later"))
        await world.put(US, "chat", message(3, "later"))
        await asyncio.sleep(60)
        assert world.get(EU, "chat", message(1)) is not None
        world.network.release(AP, EU, lose=True)
        await world.until_equal("chat")
        assert world.items(EU, "chat") == [message(2, "later"), message(3, "later")]

    simulated(story)


def test_an_isolated_region_goes_on_and_the_last_writer_wins(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        world.cut(US, EU)
        await world.put(US, "chat", message(1, "from us"), message(2, "only us"))
        await asyncio.sleep(1)
        await world.put(EU, "chat", message(1, "from eu"), message(3, "only eu"))
        await asyncio.sleep(30)
        assert world.get(EU, "chat", message(2)) is None
        comparison = None
        with pytest.raises(OSError):
            comparison = await world[US].compare("chat", EU)
        world.heal(US, EU)
        await world.until_equal("chat", within_s=10)
        assert world.items(US, "chat") == [message(1, "from eu"), message(2, "only us"), message(3, "only eu")]
        comparison = await world[US].compare("chat", EU)
        assert (comparison.equal, comparison.items_here, comparison.items_there) == (True, 3, 3)
        # Both regions know what was discarded.
        for name in (US, EU):
            (entry,) = world[name].conflicts("chat")
            assert entry.key == message(1)
            assert (entry.lost.region, entry.lost.image) == (US, message(1, "from us"))
            assert (entry.kept.region, entry.kept.image) == (EU, message(1, "from eu"))
            assert entry.lost.stamp < entry.kept.stamp

    simulated(story)


def test_a_delete_may_lose_and_may_win(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        await world.put(US, "chat", message(1, "a"), message(2, "b"))
        await world.until_equal("chat")
        world.cut(US, EU)
        await world.delete(US, "chat", message(1))
        await world.put(US, "chat", message(2, "new"))
        await asyncio.sleep(1)
        await world.put(EU, "chat", message(1, "kept"))
        await world.delete(EU, "chat", message(2))
        world.heal(US, EU)
        await world.until_equal("chat")
        assert world.items(US, "chat") == [message(1, "kept")]
        lost = {entry.key["at"]["N"]: entry.lost.image for entry in world[EU].conflicts()}
        assert lost == {"1": None, "2": message(2, "new")}

    simulated(story)


def test_a_burst_on_one_item_is_merged(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        world.cut(US, EU)
        for number in range(50):
            await world.put(US, "chat", message(1, f"version {number}"))
        world.heal(US, EU)
        await world.until_equal("chat")
        assert world.get(EU, "chat", message(1)) == message(1, "version 49")
        stream = world[EU].find("chat").stream
        shard = (await world[EU].streams.answer("DescribeStream", {"StreamArn": stream.arn}))["StreamDescription"][
            "Shards"
        ][0]
        iterator = await world[EU].streams.answer(
            "GetShardIterator",
            {"StreamArn": stream.arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"},
        )
        records = (await world[EU].streams.answer("GetRecords", iterator))["Records"]
        assert len(records) < 5
        assert records[-1]["dynamodb"]["NewImage"] == message(1, "version 49")

    simulated(story)


def test_a_region_that_crashes_catches_up_and_loses_nothing(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        for number in range(20):
            await world.put(EU, "chat", message(number, "before"))
        await world.regions[EU].crash()
        for number in range(20, 40):
            await world.put(US, "chat", message(number, "meanwhile"))
        await asyncio.sleep(100)
        await world.regions[EU].start()
        await world.until_equal("chat")
        assert len(world.items(AP, "chat")) == 40

    simulated(story)


def test_a_slow_clock_does_not_lose_later_writes(simulated: Any, chat: TableSpec) -> None:
    """A region whose clock is an hour behind overwrites what it has seen, and that is what stays."""

    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        world.regions[EU].clock.jump(-3600)
        await world.put(US, "chat", message(1, "first"))
        await world.until_equal("chat")
        await world.put(EU, "chat", message(1, "second, by a slow clock"))
        await world.until_equal("chat")
        assert world.get(US, "chat", message(1)) == message(1, "second, by a slow clock")
        assert world[US].conflicts() == world[EU].conflicts() == []

    simulated(story)


def test_the_queue_is_not_bounded_by_the_streams_retention(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, sweep_period_s=600)
        await world.replicate(chat, US, EU)
        world.cut(US, EU)
        await world.put(US, "chat", message(1, "patience"))
        await asyncio.sleep(25 * 3600)
        world.heal(US, EU)
        await world.until_equal("chat")
        assert world.get(EU, "chat", message(1)) == message(1, "patience")

    simulated(story)


def test_a_live_table_grows_a_replica_without_a_lost_write(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, US, EU)
        await world.put(US, "chat", *(message(number, "old") for number in range(300)))
        await world.until(lambda: len(world.items(EU, "chat")) == 300)

        async def go_on(region: str, first: int) -> None:
            for number in range(first, first + 60):
                await world.put(region, "chat", message(number, f"new from {region}"))
                await world.delete(region, "chat", message(number - 60))
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            group.create_task(go_on(US, 300))
            group.create_task(go_on(EU, 1000))
            await asyncio.sleep(0.1)
            record = await world[US].add_replica("chat", AP)
            assert [(replica.region, replica.status) for replica in record.replicas] == [
                (EU, "ACTIVE"),
                (AP, "CREATING"),
            ]
            assert world[AP].find("chat").status == "CREATING"
            with pytest.raises(TableNotFound):
                await world.put(AP, "chat", message(1, "too early"))
        await world.until(lambda: world[AP].find("chat").status == "ACTIVE")
        await world.until_equal("chat")
        assert len(world.items(AP, "chat")) == 300 + 60
        for name in ALL:
            assert {replica.region for replica in world[name].find("chat").replicas} == set(ALL) - {name}
        await world.put(AP, "chat", message(5000, "from the new one"))
        await world.until_equal("chat")

    simulated(story)


def test_a_replica_is_not_made_where_the_name_is_taken_or_nobody_answers(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world[US].create(chat)
        with pytest.raises(OSError):
            await world[US].add_replica("chat", AP)
        await world[EU].create(chat)
        with pytest.raises(TableExists):
            await world[US].add_replica("chat", EU)
        assert world[US].find("chat").replicas == ()

    simulated(story)


def test_a_removed_replica_is_deleted_and_forgotten_by_all(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        await world.put(US, "chat", message(1, "a"))
        await world.until_equal("chat")
        await world[US].remove_replica("chat", AP)
        with pytest.raises(TableNotFound):
            world[AP].find("chat")
        await world.until(lambda: len(world[EU].find("chat").replicas) == 1)
        await world.put(EU, "chat", message(2, "b"))
        await world.until(lambda: world.get(US, "chat", message(2)) is not None)
        # What was kept for the region that left is dropped.
        await world.until(lambda: not any(key[:1] == b"l" for key in world.regions[EU].disk.keys))
        assert not any(key[:1] in (b"i", b"c") for key in world.regions[AP].disk.keys)

    simulated(story)


def test_a_replica_that_deletes_itself_is_forgotten_even_by_those_that_were_down(
    simulated: Any, chat: TableSpec
) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        await world.regions[EU].crash()
        await world[AP].delete("chat")
        await world.until(lambda: len(world[US].find("chat").replicas) == 1)
        await world.regions[EU].start()
        await world.until(lambda: [r.region for r in world[EU].find("chat").replicas] == [US])

    simulated(story)


def test_settings_that_replicas_share_follow_each_other(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        await world.put(US, "chat", message(1, "a"))
        await world.until_equal("chat")
        by_text = Index(
            name="by-text",
            scope="global",
            keys=Keys((KeyAttribute("text", "S"),)),
            projection=Projection("KEYS_ONLY"),
        )
        replace = msgspec.structs.replace
        await world.regions[AP].crash()
        await world[EU].update(
            "chat",
            change=lambda spec: replace(
                spec, indexes=(by_text,), billing="PAY_PER_REQUEST", ttl_attribute="ttl", deletion_protection=True
            ),
        )
        await world.regions[AP].start()
        for name in ALL:
            await world.until(lambda name=name: world[name].find("chat").spec.index("by-text") is not None)
            spec = world[name].find("chat").spec
            assert (spec.billing, spec.ttl_attribute) == ("PAY_PER_REQUEST", "ttl")
            assert spec.deletion_protection == (name == EU), "protection is each replica's own"
            await world.until(lambda name=name: world[name].find("chat").indexes[0].status == "ACTIVE")
            found = world[name].read().query(world[name].find("chat"), ({"S": "a"},), index="by-text")
            assert [stored.item() for stored in found] == [message(1, "a")]

    simulated(story)


def test_of_two_settings_made_at_once_the_later_one_stays_everywhere(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(*ALL)
        await world.replicate(chat, *ALL)
        replace = msgspec.structs.replace
        world.cut(US, EU)
        await world[US].update("chat", change=lambda spec: replace(spec, ttl_attribute="one"))
        await asyncio.sleep(1)
        await world[EU].update("chat", change=lambda spec: replace(spec, ttl_attribute="two"))
        await asyncio.sleep(5)
        world.heal(US, EU)
        await world.until(lambda: all(world[name].find("chat").spec.ttl_attribute == "two" for name in ALL))

    simulated(story)


def test_a_comparison_names_what_differs_and_whether_it_is_on_its_way(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        await world.put(US, "chat", *(message(number, "same") for number in range(2000)))
        await world.until_equal("chat")
        world.regions[EU].disk.full = True
        await world.put(US, "chat", message(7, "changed"), message(9000, "new"))
        comparison = await world[EU].compare("chat", US)
        assert not comparison.equal
        found = {difference.key["at"]["N"]: difference for difference in comparison.differences}
        assert sorted(found) == ["7", "9000"]
        assert found["9000"].here is None
        assert found["7"].here.stamp < found["7"].there.stamp
        assert all(difference.in_flight for difference in found.values())
        world.regions[EU].disk.full = False
        await world.until_equal("chat")
        # Something that no replication would ever bring.
        number = world[EU].find("chat").number
        key = next(key for key in world.regions[EU].disk.keys if key[:5] == b"i" + number.to_bytes(4, "big"))
        world.regions[EU].disk.apply({key: None})
        comparison = await world[EU].compare("chat", US)
        assert [difference.in_flight for difference in comparison.differences] == [False]

    simulated(story)


def test_a_full_disk_at_the_destination_only_delays(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        world.regions[EU].disk.full = True
        await world.put(US, "chat", message(1, "a"))
        await asyncio.sleep(60)
        assert world.get(EU, "chat", message(1)) is None
        world.regions[EU].disk.full = False
        await world.until_equal("chat", within_s=10)
        assert world.get(EU, "chat", message(1)) == message(1, "a")

    simulated(story)


def test_what_is_no_message_is_refused_and_changes_nothing(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        await world.start(EU)
        await world[US].add_replica("chat", EU)
        await world.until(lambda: world[EU].find("chat").status == "ACTIVE")
        before = dict(world.regions[US].disk.pairs)
        group = world[US].find("chat").group

        def batch(place: bytes, record: bytes) -> bytes:
            entries = [Entry(place, record, False)]
            return encode(Batch(group=group, origin=EU, entries=entries, passed=1))

        for data in (
            b"",
            b"\x01",
            b"\x02\x80",
            b"\x01\x81\xa4type\xa5Batch",
            b"\x01" + b"\xff" * 100,
            batch(b"place", b""),
            batch(b"place", b"\x00\xff" + b"\x01" * 40),
            batch(b"p" * 5000, encode_record(Version(1, EU), 1, b'{"room":{"S":"r"},"at":{"N":"1"}}')),
            batch(b"place", encode_record(Version(1, EU), 1, b'{"room":{"S":"r"}}')),
            batch(b"place", encode_record(Version(1, EU), 1, b"no json")),
        ):
            answer = await world[US].receive(data)
            assert b"Refused" in answer
        assert {key for key, value in world.regions[US].disk.pairs.items() if before.get(key) != value} == set()

    simulated(story)
