"""What a table is: frozen data, for templates, for the API and for the store alike.

A `TableSpec` says what a table should be. `serving.catalogue.TableRecord` says what has become of it in one region.
Members of AWS's API that the engine does not interpret (table class, encryption, tags, protection, ...) are carried
in `settings`, under AWS's own names and in the API's own shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Item = dict[str, dict[str, Any]]
"""An item in DynamoDB JSON, as it crosses the wire: `{"pk": {"S": "a"}, "n": {"N": "1"}}`; binary is base64 text."""

AttributeValue = dict[str, Any]
"""`{"S": "a"}`. Validated, and its numbers in canonical form, before it reaches the engine."""

KeyType = Literal["S", "N", "B"]
StreamView = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
BillingMode = Literal["PROVISIONED", "PAY_PER_REQUEST"]


class KeyAttribute(msgspec.Struct, frozen=True):
    name: str
    type: KeyType


class Keys(msgspec.Struct, frozen=True):
    """A key schema with its types. A table has one partition key attribute and at most one sort key attribute; a
    global index may have up to four of each.
    """

    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...] = ()

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return self.partition + self.sort

    def of(self, item: Item) -> Item:
        """The key of an item that has one."""
        return {attribute.name: item[attribute.name] for attribute in self.attributes}


class Projection(msgspec.Struct, frozen=True):
    kind: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    attributes: tuple[str, ...] = ()
    """The non-key attributes of INCLUDE, in the order given."""


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Capacity units a second."""

    read: int
    write: int


class Index(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    scope: Literal["global", "local"]
    keys: Keys
    projection: Projection
    throughput: Throughput | None = None
    """Of a global index of a PROVISIONED table."""
    settings: Mapping[str, Any] = {}
    """As the table's: `OnDemandThroughput`, `WarmThroughput`."""


class TableSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a table should be in one region."""

    name: str
    keys: Keys
    indexes: tuple[Index, ...] = ()
    stream: StreamView | None = None
    ttl_attribute: str | None = None
    billing: BillingMode = "PROVISIONED"
    throughput: Throughput | None = None
    """Of a PROVISIONED table."""
    deletion_protection: bool = False
    settings: Mapping[str, Any] = {}
    """AWS-shaped members that the engine keeps and does not interpret, by their names in the API: `TableClass`,
    `SSESpecification`, `OnDemandThroughput`, `WarmThroughput`, `Tags`, `PointInTimeRecoverySpecification`,
    `ContributorInsightsSpecification`, `ResourcePolicy`."""

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)


class SortCondition(msgspec.Struct, frozen=True):
    """A condition on one sort key attribute. BETWEEN has two values, every other one."""

    operator: Literal["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]
    values: tuple[AttributeValue, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::DynamoDB::Table"):
    """A table of one region, as a stack declares it."""

    spec: TableSpec
    identity: str
    """The same for the table's whole life; a replacement has another one."""


class GlobalTable(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::DynamoDB::GlobalTable"):
    """A global table, as a stack in one of its regions declares it."""

    home: str
    """The region of the stack, which cannot lose its replica."""
    replicas: Mapping[str, TableSpec]
    """What each region's replica should be."""
    identity: str
    """As a table's; its replicas know each other by it."""
