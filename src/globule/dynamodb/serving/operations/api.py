"""What all operations share: the tables, the compiled expressions, and the small steps that many of them take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity, sizes
from globule.dynamodb.rules.errors import not_found, table_not_found, validation
from globule.dynamodb.rules.expressions.cache import Expressions
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.metering import Meter
from globule.dynamodb.serving.operations.tokens import RequestTokens
from globule.dynamodb.serving.tables import TableNotFound, Tables
from globule.host.clock import Clock
from globule.host.entropy import Entropy

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
ITEM_LIMIT_BYTES = 400 * 1024

Answer = dict[str, Any]
"""The members of an answer. Stored items may stand in it as `msgspec.Raw`."""


class Api:
    """One region's DynamoDB API."""

    def __init__(
        self,
        tables: Tables,
        *,
        region: str,
        account: str,
        clock: Clock,
        entropy: Entropy,
        throttles: bool = False,
    ) -> None:
        self.tables = tables
        self.expressions = Expressions()
        self.tokens = RequestTokens(clock)
        self.meter = Meter(clock, throttles=throttles)
        self.region = region
        self.regions: tuple[str, ...] = (region,)
        """Those of the world."""
        self.account = account
        self.clock = clock
        self.entropy = entropy

    def __repr__(self) -> str:
        return f"<Api {self.region} {self.expressions}>"

    def table(self, name_or_arn: str) -> TableRecord:
        """The table for a data operation. Raises ResourceNotFoundException."""
        record = self._find(name_or_arn)
        if record is None or record.status in ("CREATING", "DELETING"):
            raise not_found()
        return record

    def described_table(self, name_or_arn: str) -> TableRecord:
        """The table for a control operation, whatever its state. Raises ResourceNotFoundException."""
        record = self._find(name_or_arn)
        if record is None:
            raise table_not_found(table_name(name_or_arn))
        return record

    def consumed(
        self,
        table: TableRecord,
        wanted: capacity.Wanted,
        units: Callable[[], capacity.Consumed],
        kind: capacity.Kind,
    ) -> dict[str, Any] | None:
        """Meters what a request took of one table, and gives the ConsumedCapacity member of its answer; None where it
        was not asked for. `units` is called only if needed."""
        if wanted in (None, "NONE") and not self.meter.throttles:
            return None
        consumed = units()
        self.meter.take(table, kind, consumed)
        return capacity.described(table.name, consumed, wanted)

    def _find(self, name_or_arn: str) -> TableRecord | None:
        try:
            record = self.tables.find(table_name(name_or_arn))
        except TableNotFound:
            return None
        return record if name_or_arn in (record.name, record.arn) else None


def table_name(name_or_arn: str) -> str:
    """`arn:aws:dynamodb:eu-west-1:000000000000:table/music` names `music`."""
    return name_or_arn.rpartition("table/")[2] if name_or_arn.startswith("arn:") else name_or_arn


def checked_size_bytes(item: Item, *, updated: bool = False) -> int:
    """The item's size. Raises ValidationException where it is too large."""
    size_bytes = sizes.item_size_bytes(item)
    if size_bytes > ITEM_LIMIT_BYTES:
        raise validation(
            "Item size to update has exceeded the maximum allowed size"
            if updated
            else "Item size has exceeded the maximum allowed size"
        )
    return size_bytes


def raw(item_json: bytes) -> msgspec.Raw:
    """A stored item, to be spliced into an answer."""
    return msgspec.Raw(item_json)


def collection_metrics(table: TableRecord, item: Item) -> dict[str, Any] | None:
    """ItemCollectionMetrics; None for a table without local indexes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections.SizeLimit. The size
    is an estimate; a collection here is always under a gigabyte.
    """
    if not any(index.scope == "local" for index in table.spec.indexes):
        return None
    name = table.spec.keys.partition[0].name
    return {"ItemCollectionKey": {name: item[name]}, "SizeEstimateRangeGB": [0.0, 1.0]}
