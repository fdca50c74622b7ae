"""A global table: created, looked at, grown, shrunk and removed.

One replica is added or removed by a request, and the next must wait until the table is no longer changing. A table
that has seeded a replica cannot be deleted for 24 hours while that replica lives, so removal goes by the leaves first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from suite.regions import Region
from suite.waiting import eventually, lasting

# The start of every table's name: whoever finds one left behind knows whose it was.
PREFIX = "global-tables-suite-"

KEY = "id"
INDEX, INDEX_KEY = "by_owner", "owner"

Item = dict[str, Any]


def unique(prefix: str = "") -> str:
    return f"{prefix}{uuid.uuid4().hex[:16]}"


class GlobalTable:
    """A table by its name, in some regions; the first of them is where it was created."""

    def __init__(
        self, name: str, regions: Mapping[str, Region], *, patience_s: float, control_patience_s: float
    ) -> None:
        self.name = name
        self.regions = regions
        self.home = next(iter(regions))
        self.patience_s = patience_s
        self.control_patience_s = control_patience_s

    def __repr__(self) -> str:
        return f"<{self.name} in {', '.join(self.regions)}>"

    def __getitem__(self, region: str) -> Any:
        """boto3's Table object in a region."""
        return self.regions[region].tables.Table(self.name)

    # -- items

    def item(self, region: str, key: str) -> Item | None:
        """As a consistent read gives it in a region."""
        found: Item | None = self[region].get_item(Key={KEY: key}, ConsistentRead=True).get("Item")
        return found

    def items(self, key: str) -> dict[str, Item | None]:
        """In every region."""
        return {region: self.item(region, key) for region in self.regions}

    def settle(self, key: str) -> Item | None:
        """Wait until every region has the same item, or none, and keeps it; and return that."""
        eventually(
            lambda: lasting(lambda: self._agrees(key)),
            within_s=self.patience_s,
            what=f"all regions agree on {key}",
        )
        return self.item(self.home, key)

    def _agrees(self, key: str) -> bool:
        first, *others = self.items(key).values()
        return all(other == first for other in others)

    def arrive(self, item: Item) -> None:
        """Wait until every region has just this item."""
        self.everywhere(lambda region: self.item(region, item[KEY]) == item, what=f"{item} arrives")

    def put_everywhere(self, item: Item) -> None:
        """Put it at home, and wait until every region has it."""
        self[self.home].put_item(Item=item)
        self.arrive(item)

    def everywhere(
        self,
        check: Callable[[str], object],
        *,
        what: str,
        within_s: float | None = None,
        regions: Iterable[str] | None = None,
    ) -> None:
        """Wait until a check of a region holds in every one (of `regions`)."""
        for region in self.regions if regions is None else regions:
            eventually(partial(check, region), within_s=within_s or self.patience_s, what=f"{what} in {region}")

    # -- the table

    def describe(self, region: str) -> dict[str, Any]:
        description = self.regions[region].describe(self.name)
        assert description is not None, f"{region} has no table {self.name}"
        return description

    def statuses(self, region: str) -> dict[str, str]:
        """Of the other replicas, as one region knows them."""
        description = self.regions[region].describe(self.name) or {}
        return {replica["RegionName"]: replica["ReplicaStatus"] for replica in description.get("Replicas", [])}

    def create(self, **parameters: Any) -> None:
        client = self.regions[self.home].dynamodb
        client.create_table(TableName=self.name, **({"BillingMode": "PAY_PER_REQUEST"} | SCHEMA | parameters))
        self.wait_active(self.home)

    def wait_active(self, region: str) -> None:
        eventually(
            lambda: (self.regions[region].describe(self.name) or {}).get("TableStatus") == "ACTIVE",
            within_s=self.control_patience_s,
            what=f"{self.name} becomes ACTIVE in {region}",
        )

    def update(self, region: str, **parameters: Any) -> dict[str, Any]:
        """UpdateTable, once the table is not being changed any more."""

        def attempt() -> dict[str, Any] | None:
            try:
                answer: dict[str, Any] = self.regions[region].dynamodb.update_table(TableName=self.name, **parameters)
            except self.regions[region].dynamodb.exceptions.ResourceInUseException:
                return None
            return answer["TableDescription"]  # type: ignore[no-any-return]

        what = f"{self.name} in {region} can be changed"
        found = eventually(attempt, within_s=self.control_patience_s, what=what)
        assert found is not None
        return found

    def add(self, region: str) -> dict[str, Any]:
        """Ask for a replica; returns what UpdateTable answered."""
        return self.update(self.home, ReplicaUpdates=[{"Create": {"RegionName": region}}])

    def wait_replicas(self, members: Sequence[str]) -> None:
        """Until the table is ACTIVE in each of `members`, and so is every replica that it lists there."""

        def ready(region: str) -> bool:
            description = self.regions[region].describe(self.name) or {}
            statuses = [replica.get("ReplicaStatus") for replica in description.get("Replicas", [])]
            return description.get("TableStatus") == "ACTIVE" and set(statuses) <= {"ACTIVE"}

        what = f"{self.name} has an ACTIVE replica"
        self.everywhere(ready, what=what, within_s=self.control_patience_s, regions=reversed(members))

    def grow(self) -> None:
        """Add a replica in every region, one after the other."""
        members = [self.home]
        for region in self.regions:
            if region != self.home:
                self.add(region)
                members.append(region)
                self.wait_replicas(members)

    def wait_gone(self, region: str) -> None:
        eventually(
            lambda: self.regions[region].describe(self.name) is None,
            within_s=self.control_patience_s,
            what=f"{self.name} is gone from {region}",
        )

    def remove(self) -> None:
        """Delete it in every region, leaves first. Raises AssertionError where something is left behind."""
        left = list(self.regions)

        def gone() -> bool:
            for region in reversed(list(self.regions)):
                self._try_delete(region)
            left[:] = [region for region in self.regions if self.regions[region].describe(self.name) is not None]
            return not left

        try:
            eventually(gone, within_s=self.control_patience_s, what="")
        except AssertionError:
            raise AssertionError(f"LEFT BEHIND: table {self.name} in {', '.join(left)}") from None

    def _try_delete(self, region: str) -> None:
        """Whatever refuses it now (it is being changed, it has seeded a replica) may not do so on the next round."""
        client = self.regions[region].dynamodb
        try:
            description = self.regions[region].describe(self.name) or {}
            if description.get("DeletionProtectionEnabled"):
                client.update_table(TableName=self.name, DeletionProtectionEnabled=False)
            elif description.get("TableStatus") != "DELETING":
                client.delete_table(TableName=self.name)
        except ClientError:
            return


SCHEMA = {
    "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
}

SCHEMA_WITH_INDEX = {
    "AttributeDefinitions": [
        {"AttributeName": KEY, "AttributeType": "S"},
        {"AttributeName": INDEX_KEY, "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": INDEX,
            "KeySchema": [{"AttributeName": INDEX_KEY, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
