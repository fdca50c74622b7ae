"""Tables that stacks declare: made, changed and removed as the world asks, in every region."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import GlobalTable, Index, Item, KeyAttribute, Keys, Projection, Table, TableSpec
from globule.dynamodb.rules.names import stream_label
from globule.dynamodb.serving.tables import TableNotFound, TableProtected
from globule.world.snapshot import Deployed, World

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"
replace = msgspec.structs.replace


def message(at: int) -> Item:
    return {"room": {"S": "r"}, "at": {"N": str(at)}, "text": {"S": f"text {at}"}}


def world_of(*resources: Any, regions: tuple[str, ...] = (US, EU, AP), home: str = US) -> World:
    return World(
        regions=regions,
        resources=tuple(
            Deployed(stack="app", region=home, logical_id=f"R{number}", type="", physical_id="", resource=resource)
            for number, resource in enumerate(resources)
        ),
    )


def replicated(spec: TableSpec, *regions: str, identity: str = "identity-1") -> GlobalTable:
    return GlobalTable(home=US, replicas=dict.fromkeys(regions, spec), identity=identity)


async def follow(simulated: Any, world: World) -> None:
    await asyncio.gather(*(region.tables.follow(world) for region in simulated.regions.values() if region.up))


def test_a_table_is_made_changed_and_removed(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await follow(world, world_of(Table(spec=chat, identity="one")))
        table = world[US].find("chat")
        assert (table.table_id, table.stack) == ("one", "app")
        assert table.stream.label == stream_label("one", "NEW_AND_OLD_IMAGES")
        assert world[EU].names() == []
        await world.put(US, "chat", message(1))
        by_text = Index(name="t", scope="global", keys=Keys((KeyAttribute("text", "S"),)), projection=Projection("ALL"))
        changed = replace(chat, indexes=(by_text,), ttl_attribute="ttl", stream="KEYS_ONLY")
        await follow(world, world_of(Table(spec=changed, identity="one")))
        table = world[US].find("chat")
        assert (table.spec, table.stream.view) == (changed, "KEYS_ONLY")
        assert table.stream.label == stream_label("one", "KEYS_ONLY")
        await world.until(lambda: world[US].counts(world[US].find("chat"), index="t")[0] == 1)
        # The same name, but another table.
        await follow(world, world_of(Table(spec=chat, identity="two")))
        assert world.items(US, "chat") == []
        await follow(world, world_of())
        assert world[US].names() == []
        assert world[US].problems() == []

    simulated(story)


def test_what_the_api_changed_lasts_until_the_stack_changes(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        asked = world_of(Table(spec=chat, identity="one"))
        await follow(world, asked)
        await world[US].update("chat", change=lambda spec: replace(spec, ttl_attribute="by-the-api"))
        await follow(world, asked)
        assert world[US].find("chat").spec.ttl_attribute == "by-the-api"
        await follow(world, world_of(Table(spec=replace(chat, deletion_protection=True), identity="one")))
        assert world[US].find("chat").spec.ttl_attribute is None

    simulated(story)


def test_a_table_that_no_stack_made_is_left_alone(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        await world[US].create(chat)
        await world.put(US, "chat", message(1))
        await follow(world, world_of(Table(spec=chat, identity="one")))
        assert world[US].problems() == ["app: there is a table chat already, which no stack made"]
        await follow(world, world_of())
        assert world.items(US, "chat") == [message(1)]
        assert world[US].problems() == []

    simulated(story)


def test_a_global_table_is_writable_everywhere_when_following_is_done(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, AP)
        await follow(world, world_of(replicated(chat, US, EU, AP)))
        for number, name in enumerate((US, EU, AP)):
            await world.put(name, "chat", message(number))
        await world.until_equal("chat")
        assert len(world.items(AP, "chat")) == 3
        assert world[US].find("chat").table_id == "identity-1"
        assert {world[name].find("chat").group for name in (US, EU, AP)} == {"identity-1"}
        await follow(world, world_of(replicated(chat, US, EU, AP)))
        await follow(world, world_of())
        for name in (US, EU, AP):
            with pytest.raises(TableNotFound):
                world[name].find("chat")
        await asyncio.sleep(30)
        assert not any(key[:1] in (b"i", b"l", b"e") for name in (US, EU, AP) for key in world.regions[name].disk.keys)

    simulated(story)


def test_a_region_that_comes_late_is_filled(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, AP)
        await world.regions[AP].crash()
        asked = world_of(replicated(chat, US, EU, AP))
        await follow(world, asked)
        await world.put(US, "chat", *(message(number) for number in range(50)))
        assert next(r for r in world[US].find("chat").replicas if r.region == AP).status == "CREATING"
        await asyncio.sleep(100)
        await world.regions[AP].start()
        await world[AP].follow(asked)
        assert world[AP].problems() == []
        await world.until_equal("chat")
        assert len(world.items(AP, "chat")) == 50

    simulated(story)


def test_where_the_leading_region_is_away_the_others_say_so(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.regions[US].crash()
        await follow(world, world_of(replicated(chat, US, EU), regions=(US, EU)))
        assert world[EU].problems() == ["app: table chat is still being copied from us-east-1"]

    simulated(story)


def test_replicas_are_added_and_removed_by_the_stack(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, AP)
        await follow(world, world_of(replicated(chat, US)))
        await world.put(US, "chat", *(message(number) for number in range(250)))
        await follow(world, world_of(replicated(chat, US, EU, AP)))
        await world.until(lambda: all(r.status == "ACTIVE" for r in world[US].find("chat").replicas))
        await world.until_equal("chat")
        await world.put(AP, "chat", message(1000))
        await world.until_equal("chat")
        await follow(world, world_of(replicated(chat, US, AP)))
        assert world[EU].names() == []
        await world.until(lambda: [r.region for r in world[AP].find("chat").replicas] == [US])
        await world.put(AP, "chat", message(1001))
        await world.until(lambda: world.get(US, "chat", message(1001)) is not None)
        assert len(world.items(US, "chat")) == 252

    simulated(story)


def test_a_replica_in_a_region_that_does_not_run_here_is_named(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await follow(world, world_of(replicated(chat, US, EU, "eu-north-1"), regions=(US, EU)))
        assert world[US].problems() == ["app/R0: replica region eu-north-1 does not run here"]
        assert world[EU].problems() == []
        await world.put(EU, "chat", message(1))
        await world.until_equal("chat")

    simulated(story)


def test_a_protected_replica_is_not_removed_by_another_region(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        await world.replicate(chat, US, EU)
        await world[EU].update("chat", change=lambda spec: replace(spec, deletion_protection=True))
        with pytest.raises(TableProtected):
            await world[US].remove_replica("chat", EU)
        assert world[EU].names() == ["chat"]
        assert len(world[US].find("chat").replicas) == 1

    simulated(story)


def test_a_replica_that_the_api_added_is_left_alone_and_may_be_adopted(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU)
        asked = world_of(replicated(chat, US), regions=(US, EU))
        await follow(world, asked)
        await world.put(US, "chat", message(1))
        await world[US].add_replica("chat", EU)
        await world.until(lambda: world[EU].names() == ["chat"] and world[EU].find("chat").status == "ACTIVE")
        await follow(world, asked)
        assert world.items(EU, "chat") == [message(1)]
        await follow(world, world_of(replicated(chat, US, EU), regions=(US, EU)))
        assert world[EU].problems() == []
        assert world[EU].find("chat").stack == "app"
        await world.put(EU, "chat", message(2))
        await world.until_equal("chat")
        await follow(world, world_of(regions=(US, EU)))
        assert world[EU].names() == []

    simulated(story)


def test_a_replica_that_is_let_go_while_it_is_being_made_is_forgotten_by_all(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, EU, AP)
        await world.replicate(chat, US, EU)
        await world.regions[EU].crash()
        await world[US].add_replica("chat", AP)
        await asyncio.sleep(3)
        await world[US].remove_replica("chat", AP)
        await world.regions[EU].start()
        await asyncio.sleep(30)
        assert [replica.region for replica in world[EU].find("chat").replicas] == [US]
        assert [replica.region for replica in world[US].find("chat").replicas] == [EU]
        await world.put(EU, "chat", message(1))
        await world.until(lambda: world.get(US, "chat", message(1)) is not None)

    simulated(story)
