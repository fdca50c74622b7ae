"""Capacity units: what requests consume, by AWS's arithmetic.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from globule.dynamodb.model import Index, Item, TableSpec
from globule.dynamodb.rules.entries import projected
from globule.dynamodb.rules.sizes import item_size_bytes

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling
TRANSACTION_FACTOR = 2

Wanted = Literal["INDEXES", "TOTAL", "NONE"] | None
Kind = Literal["Read", "Write"]


class Consumed(msgspec.Struct, frozen=True, kw_only=True):
    """What one request consumes of one table: its own units, and those of its indexes by name."""

    table: float = 0.0
    local: Mapping[str, float] = {}
    global_: Mapping[str, float] = {}

    @property
    def total(self) -> float:
        return self.table + sum(self.local.values()) + sum(self.global_.values())

    def __add__(self, other: Consumed) -> Consumed:
        return Consumed(
            table=self.table + other.table,
            local=_sum(self.local, other.local),
            global_=_sum(self.global_, other.global_),
        )

    def in_transaction(self) -> Consumed:
        """What the same takes in a transaction: the table twice as much, its indexes no more, as AWS was seen to count
        (https://github.com/nubo-db/dynoxide/pull/188)."""
        return Consumed(table=self.table * TRANSACTION_FACTOR, local=self.local, global_=self.global_)


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in (*one, *other)}


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """For an item, or for the whole page of a Query or Scan. Reading nothing takes the least that there is."""
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def write_units(old_bytes: int, new_bytes: int) -> float:
    """A write takes as many units as the larger of what was there and what is there now."""
    return float(max(1, -(-max(old_bytes, new_bytes) // WRITE_UNIT_BYTES)))


def written(spec: TableSpec, old: Item | None, new: Item | None) -> Consumed:
    """One write of one item, with all of its indexes."""
    table = write_units(item_size_bytes(old) if old else 0, item_size_bytes(new) if new else 0)
    local: dict[str, float] = {}
    global_: dict[str, float] = {}
    for index in spec.indexes:
        units = _index_units(spec, index, old, new)
        if units:
            (local if index.scope == "local" else global_)[index.name] = units
    return Consumed(table=table, local=local, global_=global_)


def _index_units(spec: TableSpec, index: Index, old: Item | None, new: Item | None) -> float:
    """An entry that appears, changes or disappears is one write; one whose key changes is two; one that stays as it
    was costs nothing."""
    before, after = entry(spec, index, old), entry(spec, index, new)
    if before == after:
        return 0.0
    if before is not None and after is not None and index.keys.of(before) != index.keys.of(after):
        return write_units(item_size_bytes(before), 0) + write_units(0, item_size_bytes(after))
    return write_units(item_size_bytes(before) if before else 0, item_size_bytes(after) if after else 0)


def entry(spec: TableSpec, index: Index, item: Item | None) -> Item | None:
    """What an index holds of an item; None where the item lacks a key of the index."""
    if item is None or any(attribute.name not in item for attribute in index.keys.attributes):
        return None
    return projected(index, spec.keys, item)


def described(table: str, consumed: Consumed, wanted: Wanted, *, kind: Kind | None = None) -> dict[str, Any] | None:
    """The ConsumedCapacity member of an answer; None where it was not asked for. Transactions (`kind`) say read or
    write units as well."""
    if wanted in (None, "NONE"):
        return None
    answer: dict[str, Any] = {"TableName": table, **_units(consumed.total, kind)}
    if wanted == "INDEXES":
        answer["Table"] = _units(consumed.table, kind)
        for member, units in (
            ("LocalSecondaryIndexes", consumed.local),
            ("GlobalSecondaryIndexes", consumed.global_),
        ):
            if units:
                answer[member] = {name: _units(value, kind) for name, value in units.items()}
    return answer


def _units(units: float, kind: Kind | None) -> dict[str, float]:
    answer = {"CapacityUnits": units}
    if kind is not None:
        answer[f"{kind}CapacityUnits"] = units
    return answer


def described_all(
    consumed: Mapping[str, Consumed], wanted: Wanted, *, kind: Kind | None = None
) -> list[dict[str, Any]] | None:
    """As `described`, for several tables."""
    if wanted in (None, "NONE"):
        return None
    found: Iterable[dict[str, Any] | None] = (
        described(table, units, wanted, kind=kind) for table, units in consumed.items()
    )
    return [each for each in found if each is not None]
