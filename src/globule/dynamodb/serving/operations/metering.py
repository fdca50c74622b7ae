"""What requests consume: told where they ask, and held to the provisioned capacity where the region throttles.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing.html. A region throttles only on
request; a table that is paid by request never is, unless it has maximums of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from globule.dynamodb.model import Index, TableSpec
from globule.dynamodb.rules import throttling
from globule.dynamodb.rules.capacity import Consumed, Kind, Wanted, described_all
from globule.dynamodb.serving.catalogue import TableRecord
from globule.host.clock import Clock
from globule.wire.aws.errors import AwsError

MESSAGE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
INDEX_MESSAGE = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with "
    "the UpdateTable API"
)

# Tables and indexes whose buckets are kept; a region's quota is 2,500 tables of at most 20 indexes, and few are used.
KEPT_BUCKETS = 10_000


class _Limited(msgspec.Struct, frozen=True):
    """Something with a capacity of its own."""

    key: tuple[int, str, Kind]
    rate: float
    arn: str
    is_index: bool
    provisioned: bool


class Meter:
    """The buckets of one region. Every method does nothing where the region does not throttle."""

    def __init__(self, clock: Clock, *, throttles: bool) -> None:
        self._clock = clock
        self.throttles = throttles
        self._buckets: dict[tuple[int, str, Kind], throttling.Bucket] = {}

    def admit(self, table: TableRecord, kind: Kind, *, index: Index | None = None) -> None:
        """Raises ProvisionedThroughputExceededException or ThrottlingException where nothing is left. A write needs
        all global indexes, because it may change them."""
        if not self.throttles:
            return
        now = self._clock.monotonic()
        for limited in _concerned(table, kind, index):
            if self._bucket(limited, now).units <= 0:
                raise _exceeded(limited, kind)

    def take(self, table: TableRecord, kind: Kind, consumed: Consumed) -> None:
        if not self.throttles:
            return
        now = self._clock.monotonic()
        for limited in _concerned(table, kind, None, everything=True):
            name = limited.key[1]
            units = consumed.global_.get(name, 0.0) if name else consumed.table + sum(consumed.local.values())
            if units:
                self._buckets[limited.key] = throttling.taken(self._bucket(limited, now), units)

    def _bucket(self, limited: _Limited, now: float) -> throttling.Bucket:
        known = self._buckets.get(limited.key)
        if known is None:
            if len(self._buckets) >= KEPT_BUCKETS:
                self._buckets.clear()
            return throttling.full(limited.rate, now)
        return throttling.refilled(known, limited.rate, now)


class Tally:
    """What one request consumes of several tables."""

    def __init__(self, meter: Meter, wanted: Wanted, kind: Kind, *, transactional: bool = False) -> None:
        self._meter = meter
        self._wanted = wanted
        self._kind: Kind = kind
        self._transactional = transactional
        self._consumed: dict[str, Consumed] = {}

    def add(self, table: TableRecord, units: Callable[[], Consumed]) -> None:
        """`units` is called only if needed."""
        if self._wanted in (None, "NONE") and not self._meter.throttles:
            return
        consumed = units().in_transaction() if self._transactional else units()
        self._meter.take(table, self._kind, consumed)
        self._consumed[table.name] = self._consumed.get(table.name, Consumed()) + consumed

    def put_into(self, answer: dict[str, Any]) -> None:
        """As its ConsumedCapacity member, where it was asked for."""
        kind = self._kind if self._transactional else None
        described = described_all(self._consumed, self._wanted, kind=kind)
        if described is not None:
            answer["ConsumedCapacity"] = described


def _concerned(table: TableRecord, kind: Kind, index: Index | None, *, everything: bool = False) -> Iterator[_Limited]:
    spec = table.spec
    is_global = index is not None and index.scope == "global"
    if not is_global or everything:
        rate, provisioned = _rate(spec, kind, None)
        if rate is not None:
            yield _Limited((table.number, "", kind), rate, table.arn, False, provisioned)
    for each in spec.indexes:
        if each.scope == "global" and (everything or kind == "Write" or each is index):
            rate, provisioned = _rate(spec, kind, each)
            if rate is not None:
                yield _Limited(
                    (table.number, each.name, kind), rate, f"{table.arn}/index/{each.name}", True, provisioned
                )


def _rate(spec: TableSpec, kind: Kind, index: Index | None) -> tuple[float | None, bool]:
    """Units a second, None for no limit; and whether they are provisioned ones."""
    owner: Any = spec if index is None else index
    if spec.billing == "PROVISIONED":
        if owner.throughput is None:
            return None, True
        return float(owner.throughput.read if kind == "Read" else owner.throughput.write), True
    maximum = owner.settings.get("OnDemandThroughput", {}).get(f"Max{kind}RequestUnits")
    return (None if maximum in (None, -1) else float(maximum)), False


def _exceeded(limited: _Limited, kind: Kind) -> AwsError:
    where = "Index" if limited.is_index else "Table"
    if not limited.provisioned:
        reason = f"{where}{kind}MaxOnDemandThroughputExceeded"
        code, message = "ThrottlingException", "Throughput exceeds the maximum OnDemandThroughput configured"
    else:
        reason = f"{where}{kind}ProvisionedThroughputExceeded"
        code, message = "ProvisionedThroughputExceededException", INDEX_MESSAGE if limited.is_index else MESSAGE
    return AwsError(code, message, details={"ThrottlingReasons": [{"reason": reason, "resource": limited.arn}]})
