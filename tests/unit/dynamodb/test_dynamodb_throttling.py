"""Token buckets, and what they let in."""

import pytest

from globule.dynamodb.model import Index, KeyAttribute, Keys, Projection, TableSpec, Throughput
from globule.dynamodb.rules import throttling
from globule.dynamodb.rules.capacity import Consumed
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.metering import Meter
from globule.wire.aws.errors import AwsError

KEYS = Keys((KeyAttribute("pk", "S"),))
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def table(*, read: int = 1, write: int = 1, index_write: int = 1) -> TableRecord:
    index = Index(
        name="by",
        scope="global",
        keys=KEYS,
        projection=Projection("ALL"),
        throughput=Throughput(read=1, write=index_write),
    )
    spec = TableSpec(
        name="t", keys=KEYS, indexes=(index,), billing="PROVISIONED", throughput=Throughput(read=read, write=write)
    )
    return TableRecord(number=1, table_id="id", arn=ARN, spec=spec, status="ACTIVE", created_at=0.0)


def test_five_minutes_of_unused_capacity_may_be_used_at_once() -> None:
    bucket = throttling.taken(throttling.full(2.0, 0.0), 600.0)
    assert throttling.refilled(bucket, 2.0, 10.0).units == 20.0
    assert throttling.refilled(bucket, 2.0, 10_000.0).units == 600.0


def test_a_table_is_throttled_when_its_burst_is_used_up_and_again_lets_in_later() -> None:
    clock = Clock()
    meter = Meter(clock, throttles=True)
    meter.admit(table(), "Write")
    meter.take(table(), "Write", Consumed(table=301.0))
    with pytest.raises(AwsError) as caught:
        meter.admit(table(), "Write")
    assert caught.value.code == "ProvisionedThroughputExceededException"
    assert caught.value.details["ThrottlingReasons"] == [
        {"reason": "TableWriteProvisionedThroughputExceeded", "resource": ARN}
    ]
    meter.admit(table(), "Read")
    clock.time = 2.0
    meter.admit(table(), "Write")


def test_a_starved_index_throttles_writes_to_its_table_and_not_reads() -> None:
    meter = Meter(Clock(), throttles=True)
    meter.take(table(), "Write", Consumed(table=1.0, global_={"by": 300.0}))
    with pytest.raises(AwsError) as caught:
        meter.admit(table(), "Write")
    assert caught.value.details["ThrottlingReasons"][0]["resource"] == f"{ARN}/index/by"
    meter.admit(table(), "Read")


def test_nothing_is_throttled_where_nobody_asked_for_it() -> None:
    meter = Meter(Clock(), throttles=False)
    meter.take(table(), "Write", Consumed(table=10_000.0))
    meter.admit(table(), "Write")
