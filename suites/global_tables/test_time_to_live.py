"""Items that expire.

[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
[TTL] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from suite.global_table import KEY, GlobalTable, Item, unique
from suite.settings import Settings
from suite.streams import StreamTail

ATTRIBUTE = "expires"
EXPIRING = 5

# Long enough for an item to arrive everywhere before it expires, and short enough to wait for.
LIFE_S = 3

DAY_S = 86400

SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


@pytest.fixture(scope="module")
def expiring(table: GlobalTable, away: str) -> GlobalTable:
    """The shared table, with time to live enabled away from its home. AWS takes one such change an hour."""
    table.regions[away].dynamodb.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": ATTRIBUTE}
    )
    return table


def test_the_setting_is_taken_over_by_all_replicas(expiring: GlobalTable) -> None:
    """Time to live settings are synchronised between all replicas [Concepts], from whichever region they come."""

    def attribute(region: str) -> str | None:
        answer = expiring.regions[region].dynamodb.describe_time_to_live(TableName=expiring.name)
        found: str | None = answer["TimeToLiveDescription"].get("AttributeName")
        return found

    expiring.everywhere(
        lambda region: attribute(region) == ATTRIBUTE,
        what="time to live is set",
        within_s=expiring.control_patience_s,
    )


@dataclass
class Expiry:
    """Items that have expired, after all regions were seen to have deleted them; and such as must not."""

    keys: list[str]
    lasting: list[Item]


@pytest.fixture(scope="module")
def expiry(expiring: GlobalTable, settings: Settings, home: str) -> Expiry:
    if settings.ttl_patience_s is None:
        pytest.skip("waits for items to expire: give --ttl-patience")
    now = int(time.time())
    lasting = {"text": str(now - 1), "old": now - 6 * 366 * DAY_S, "later": now + DAY_S}
    expiry = Expiry(
        keys=[unique("expiring-") for _ in range(EXPIRING)],
        lasting=[{KEY: unique(f"{name}-"), ATTRIBUTE: value} for name, value in lasting.items()],
    )
    for item in expiry.lasting:
        expiring.put_everywhere(item)
    for key in expiry.keys:
        expiring[home].put_item(Item={KEY: key, ATTRIBUTE: now + LIFE_S})
    expiring.everywhere(
        lambda region: not any(expiring.item(region, key) for key in expiry.keys),
        what="all items expire",
        within_s=settings.ttl_patience_s,
    )
    return expiry


def test_the_service_is_named_only_where_the_item_expired(expiry: Expiry, tails: Mapping[str, StreamTail]) -> None:
    """When time to live deletes an item from a replica, the delete is replicated to all others [Concepts]. Only the
    record in the region in which the item expired has the userIdentity of the service; the replicated delete is one
    like any other [TTL]."""
    for key in expiry.keys:
        removals = {region: tail.wait(key, event="REMOVE")[-1] for region, tail in tails.items()}
        named = [region for region, record in removals.items() if "userIdentity" in record]
        assert len(named) == 1, f"the service is named in {named or 'no region'}"
        assert removals[named[0]]["userIdentity"] == SERVICE


def test_an_item_lives_whose_attribute_is_no_number_of_past_seconds(expiry: Expiry, expiring: GlobalTable) -> None:
    """Only a Number that holds a time in the past, of at most five years, makes an item expire
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html). Other items expired
    meanwhile."""
    for item in expiry.lasting:
        assert all(found == item for found in expiring.items(item[KEY]).values()), item
