"""One region is cut off from all others, both sides go on, and the cut heals.

One cut serves the whole file, because making one takes minutes on AWS. First everything is written on both sides;
after the cut has healed, each test looks at one item of it. The side that writes an item last does so a second after
the other: more than clocks differ by.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[Availability] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from suite.faults import Faults
from suite.global_table import KEY, GlobalTable, Item, unique
from suite.waiting import never

BETWEEN_WRITERS_S = 1.0

WRITES = 10


@dataclass
class Outage:
    """What was seen while `alone` was cut off."""

    table: GlobalTable
    near: str
    alone: str
    prefix: str = field(default_factory=unique)
    own_reads: list[Item | None] = field(default_factory=list)
    conditions_won: list[str] = field(default_factory=list)
    stale: Item | None = None

    def key(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def put(self, region: str, name: str, **attributes: object) -> None:
        self.table[region].put_item(Item={KEY: self.key(name), **attributes})

    def update(self, region: str, name: str, expression: str, **values: object) -> None:
        self.table[region].update_item(
            Key={KEY: self.key(name)},
            UpdateExpression=expression,
            ExpressionAttributeValues={f":{value_name}": value for value_name, value in values.items()},
        )

    def delete(self, region: str, name: str) -> None:
        self.table[region].delete_item(Key={KEY: self.key(name)})

    def settled(self, name: str) -> Item | None:
        """The same in every region, without the key."""
        item = self.table.settle(self.key(name))
        return None if item is None else {attribute: value for attribute, value in item.items() if attribute != KEY}


SEEDED = ("attributes", "deleted late", "deleted early", "counter", "stale")


def write_before(outage: Outage) -> None:
    for name in SEEDED:
        outage.put(outage.near, name, n=0, here=0, there=0)
    for name in SEEDED:
        outage.table.arrive({KEY: outage.key(name), "n": 0, "here": 0, "there": 0})


def write_first(outage: Outage) -> None:
    """What another region overwrites a second later, and what is written on one side only."""
    near, alone = outage.near, outage.alone
    outage.put(near, "alone last", by=near)
    outage.put(alone, "near last", by=alone)
    outage.update(near, "attributes", "SET here = :one", one=1)
    outage.update(near, "deleted late", "SET n = :one", one=1)
    outage.delete(near, "deleted early")
    for _ in range(3):
        outage.update(near, "counter", "ADD n :one", one=1)
    outage.update(near, "stale", "SET n = :one", one=1)
    outage.stale = outage.table.item(alone, outage.key("stale"))
    write_if_new(outage, near)
    items = [{KEY: {"S": outage.key(f"transaction {each}")}, "by": {"S": near}} for each in ("one", "two")]
    outage.table.regions[near].dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": outage.table.name, "Item": item}} for item in items]
    )
    for number in range(WRITES):
        for region in (near, alone):
            outage.put(region, f"{region} {number}", by=region)
            outage.own_reads.append(outage.table.item(region, outage.key(f"{region} {number}")))


def write_last(outage: Outage) -> None:
    near, alone = outage.near, outage.alone
    outage.put(alone, "alone last", by=alone)
    outage.put(near, "near last", by=near)
    outage.update(alone, "attributes", "SET there = :one", one=1)
    outage.delete(alone, "deleted late")
    outage.update(alone, "deleted early", "SET n = :one", one=1)
    for _ in range(2):
        outage.update(alone, "counter", "ADD n :one", one=1)
    write_if_new(outage, alone)
    outage.put(alone, "transaction one", by=alone)


def write_if_new(outage: Outage, region: str) -> None:
    try:
        outage.table[region].put_item(
            Item={KEY: outage.key("condition"), "by": region}, ConditionExpression="attribute_not_exists(id)"
        )
    except outage.table.regions[region].tables.meta.client.exceptions.ConditionalCheckFailedException:
        return
    outage.conditions_won.append(region)


def assert_cut(outage: Outage) -> None:
    """Nothing passes, in neither direction; and the regions that are connected go on replicating."""
    outage.table.everywhere(
        lambda region: outage.table.item(region, outage.key(f"{outage.near} 0")),
        what=f"a write of {outage.near} during the cut arrives",
        regions=set(outage.table.regions) - {outage.alone},
    )
    never(
        lambda: (
            outage.table.item(outage.alone, outage.key(f"{outage.near} 0"))
            or outage.table.item(outage.near, outage.key(f"{outage.alone} 0"))
        ),
        what="a write crossed the cut; does --partition-command work?",
    )


@pytest.fixture(scope="module")
def outage(faults: Faults, table: GlobalTable, home: str, away: str) -> Iterator[Outage]:
    outage = Outage(table, near=home, alone=away)
    write_before(outage)
    faults.isolate(away, [region for region in table.regions if region != away])
    try:
        write_first(outage)
        time.sleep(BETWEEN_WRITERS_S)
        write_last(outage)
        assert_cut(outage)
    finally:
        faults.heal()
    yield outage


def test_both_sides_of_a_cut_take_writes_and_read_them(outage: Outage) -> None:
    """If a region becomes isolated, an application can read and write to a different replica [Availability]; and each
    replica goes on serving its own region."""
    assert len(outage.own_reads) == 2 * WRITES and all(outage.own_reads)


def test_everything_written_during_a_cut_arrives_afterwards(outage: Outage) -> None:
    """Writes that have not been propagated are kept track of; when the region comes back, they are propagated from it
    and to it [Availability]. Nobody has to act."""
    for region in (outage.near, outage.alone):
        for number in range(WRITES):
            outage.table.arrive({KEY: outage.key(f"{region} {number}"), "by": region})


def test_a_consistent_read_on_the_other_side_is_stale(outage: Outage) -> None:
    """Strongly consistent reads may return stale data if the item was last updated in another region [Concepts]."""
    assert outage.stale is not None and outage.stale["n"] == 0
    assert outage.settled("stale") == {"n": 1, "here": 0, "there": 0}


@pytest.mark.parametrize("side", ["alone", "near"])
def test_the_last_write_wins_whichever_side_made_it(outage: Outage, side: str) -> None:
    """Conflicts are resolved for the modification with the latest internal timestamp [Concepts]."""
    assert outage.settled(f"{side} last") == {"by": getattr(outage, side)}


def test_the_losing_update_of_another_attribute_is_lost(outage: Outage) -> None:
    """Conflicts are resolved on a per-item basis [Concepts]: the item of the last writer replaces the other one, with
    the attributes that this writer never touched as its region knew them."""
    assert outage.settled("attributes") == {"n": 0, "here": 0, "there": 1}


def test_a_later_delete_wins_over_an_update(outage: Outage) -> None:
    """Deletes are modifications, and the last one wins [Concepts]."""
    assert outage.settled("deleted late") is None


def test_an_update_wins_over_an_earlier_delete(outage: Outage) -> None:
    """The modification with the latest internal timestamp wins [Concepts]: the item comes back everywhere, as the
    updating region knew it."""
    assert outage.settled("deleted early") == {"n": 1, "here": 0, "there": 0}


def test_a_counter_keeps_the_increments_of_one_side(outage: Outage) -> None:
    """Items are replicated, not operations [Concepts]: of three increments and two later ones, two are left."""
    settled = outage.settled("counter")
    assert settled is not None and settled["n"] == 2


def test_a_condition_is_judged_by_what_its_region_knows(outage: Outage) -> None:
    """Conditional writes evaluate the condition against the region's version of the item [Concepts]: both sides
    created the same item, each for the first time it knew, and the later one stays."""
    assert outage.conditions_won == [outage.near, outage.alone]
    assert outage.settled("condition") == {"by": outage.alone}


def test_a_conflict_takes_a_transaction_apart(outage: Outage) -> None:
    """Transactions are atomic only within the region where they are invoked, and not replicated as a unit [Concepts]:
    one of its two items lost to a later write elsewhere, the other stands."""
    assert outage.settled("transaction one") == {"by": outage.alone}
    assert outage.settled("transaction two") == {"by": outage.near}
