"""Backups and going back in time, while writes go on and the region crashes."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import Item, TableSpec

US = "us-east-1"
DAY_S = 24 * 3600.0
RECOVERY = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 2}}


@pytest.fixture
def recoverable(chat: TableSpec) -> TableSpec:
    return msgspec.structs.replace(chat, stream=None, settings=RECOVERY)


def message(at: int, text: int) -> Item:
    return {"room": {"S": f"r{at % 3}"}, "at": {"N": str(at)}, "text": {"S": f"{text:0200}"}}


async def write(world: Any, dice: random.Random, times: int, *, pause_s: float = 0.0) -> None:
    for _ in range(times):
        at = dice.randrange(400)
        if dice.random() < 0.3:
            item = message(at, 0)
            await world.delete(US, "chat", {"room": item["room"], "at": item["at"]})
        else:
            await world.put(US, "chat", *(message(at + 400 * more, dice.randrange(10**6)) for more in range(3)))
        await asyncio.sleep(pause_s)


@pytest.mark.parametrize("seed", range(6))
def test_a_table_goes_back_exactly_while_it_is_written_to(simulated: Any, recoverable: TableSpec, seed: int) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        tables = world[US]
        source = await tables.create(recoverable)
        dice = random.Random(seed)
        await asyncio.sleep(2)
        await write(world, dice, 300)
        then, at = world.items(US, "chat"), world.regions[US].clock.now()
        await asyncio.sleep(1)
        await write(world, dice, 200)
        restored = msgspec.structs.replace(recoverable, name="restored", settings={})
        await tables.backups.restore_time(restored, source, at)
        if seed % 2:
            await asyncio.sleep(dice.random() / 200)
            await world.regions[US].crash()
            await world.regions[US].start()
        assert world[US].find("restored").status == "CREATING"
        await write(world, dice, 200)
        await world.until(lambda: world[US].find("restored").status == "ACTIVE")
        assert len(then) > 100
        assert world.items(US, "restored") == then
        assert world[US].counts(world[US].find("restored"))[0] == len(then)

    simulated(story)


def test_a_backup_that_a_crash_interrupts_is_made_again(simulated: Any, chat: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        source = await world[US].create(chat)
        await write(world, random.Random(1), 300)
        backup = await world[US].backups.create(source, "first")
        await world.regions[US].crash()
        await world.regions[US].start()
        assert world[US].backups.find(backup.arn).status == "CREATING"
        gone = world.items(US, "chat")[0]
        await world.delete(US, "chat", {"room": gone["room"], "at": gone["at"]})
        now = world.items(US, "chat")
        await world.until(lambda: world[US].backups.find(backup.arn).status == "AVAILABLE")
        restored = msgspec.structs.replace(chat, name="restored", stream=None)
        await world[US].backups.restore_backup(restored, world[US].backups.find(backup.arn))
        await world.until(lambda: world[US].find("restored").status == "ACTIVE")
        assert world.items(US, "restored") == now

    simulated(story)


def test_history_is_kept_as_long_as_it_is_asked_for(simulated: Any, recoverable: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US, sweep_period_s=600.0)
        source = await world[US].create(recoverable)
        await world.put(US, "chat", message(1, 1))
        await asyncio.sleep(1.5 * DAY_S)
        await world.put(US, "chat", message(1, 2))
        at = world.regions[US].clock.now()
        await asyncio.sleep(1.5 * DAY_S)
        await world.put(US, "chat", message(1, 3))
        restored = msgspec.structs.replace(recoverable, name="restored", settings={})
        await world[US].backups.restore_time(restored, source, at)
        await world.until(lambda: world[US].find("restored").status == "ACTIVE")
        assert world.items(US, "restored") == [message(1, 2)]
        assert _history(world) == 2
        await world[US].update("chat", change=lambda spec: msgspec.structs.replace(spec, settings={}))
        await asyncio.sleep(601)
        assert _history(world) == 0

    simulated(story)


def _history(world: Any) -> int:
    store = world[US]._store
    return sum(1 for _ in store.read().scan(b"h", b"i"))


def test_a_restored_table_ends_with_the_table_that_it_is_copied_from(simulated: Any, recoverable: TableSpec) -> None:
    async def story(world: Any) -> None:
        await world.start(US)
        source = await world[US].create(recoverable)
        await write(world, random.Random(1), 300)
        restored = msgspec.structs.replace(recoverable, name="restored", settings={})
        await world[US].backups.restore_time(restored, source, world.regions[US].clock.now())
        assert world[US].backups.needs(source)
        await world[US].delete("chat")
        await world.until(lambda: world[US].names() == [])

    simulated(story)
