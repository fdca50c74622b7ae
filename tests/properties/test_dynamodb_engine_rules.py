"""Laws of the engine's rules: key order, hybrid time, conflict resolution, records."""

from __future__ import annotations

import base64
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globule.dynamodb.model import KeyAttribute, Keys, SortCondition
from globule.dynamodb.rules.clock import next_stamp, stamp_time
from globule.dynamodb.rules.conflict import Settlement, Version, settle, successor
from globule.dynamodb.rules.key_order import (
    after_prefix,
    encode_number,
    encode_value,
    index_place,
    item_place,
    segment_range,
    sort_range,
)
from globule.dynamodb.rules.records import encode_record, record_begin, record_size_bytes, record_version

numbers = st.builds(
    lambda digits, exponent, negative: Decimal((int(negative), tuple(map(int, digits)), exponent - len(digits))),
    st.text("0123456789", min_size=1, max_size=38),
    st.integers(-91, 126),
    st.booleans(),
)
strings = st.text(alphabet=st.sampled_from("a\x00b\x01\xff\u20ac\U0001f600"), max_size=6) | st.text(max_size=10)
binaries = st.binary(max_size=8)


def written(number: Decimal) -> list[str]:
    return [str(number), format(number, "f"), f"{number:E}"]


@given(numbers, numbers)
@settings(max_examples=500)
def test_number_bytes_compare_as_numbers_do(one: Decimal, other: Decimal) -> None:
    first, second = encode_number(str(one)), encode_number(str(other))
    assert (first < second, first == second) == (one < other, one == other)


@given(numbers)
def test_every_way_to_write_a_number_has_the_same_bytes(number: Decimal) -> None:
    assert len({encode_number(text) for text in written(number)}) == 1


@pytest.mark.parametrize(
    "text", ["1E-130", "9.9999999999999999999999999999999999999E+125", "-1E-130", "0", "-0", "0.0"]
)
def test_the_extremes_of_numbers_are_encoded(text: str) -> None:
    assert encode_number(text)


@given(strings, strings)
def test_string_bytes_compare_as_utf8_does(one: str, other: str) -> None:
    first, second = encode_value({"S": one}), encode_value({"S": other})
    assert (first < second, first == second) == (one.encode() < other.encode(), one == other)


@given(binaries, binaries)
def test_binary_bytes_compare_as_unsigned_bytes_do(one: bytes, other: bytes) -> None:
    first, second = ({"B": base64.b64encode(value).decode()} for value in (one, other))
    assert (encode_value(first) < encode_value(second)) == (one < other)


@given(st.lists(st.tuples(strings, numbers, binaries), min_size=2, max_size=5))
def test_values_that_follow_one_another_compare_one_by_one(rows: list[tuple[str, Decimal, bytes]]) -> None:
    def encoded(row: tuple[str, Decimal, bytes]) -> bytes:
        text, number, data = row
        values: list[dict[str, Any]] = [{"S": text}, {"N": str(number)}, {"B": base64.b64encode(data).decode()}]
        return b"".join(map(encode_value, values))

    assert sorted(rows, key=encoded) == sorted(rows, key=lambda row: (row[0].encode(), row[1], row[2]))


OPERATORS = {
    "=": lambda value, low, high: value == low,
    "<": lambda value, low, high: value < low,
    "<=": lambda value, low, high: value <= low,
    ">": lambda value, low, high: value > low,
    ">=": lambda value, low, high: value >= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
}


@given(numbers, numbers, numbers, st.sampled_from(sorted(OPERATORS)), st.binary(max_size=3))
def test_a_condition_on_numbers_is_exactly_its_range(
    value: Decimal, low: Decimal, high: Decimal, operator: Any, place: bytes
) -> None:
    """`place` is whatever follows the sort key in an index."""
    bounds = tuple({"N": str(bound)} for bound in ((low, high) if operator == "BETWEEN" else (low,)))
    start, end = sort_range((SortCondition(operator, bounds),))
    key = encode_number(str(value)) + place
    assert (start <= key and (end is None or key < end)) == OPERATORS[operator](value, low, high)


@given(strings, strings, strings, st.sampled_from([*sorted(OPERATORS), "begins_with"]), st.binary(max_size=3))
def test_a_condition_on_strings_is_exactly_its_range(
    value: str, low: str, high: str, operator: Any, place: bytes
) -> None:
    bounds = tuple({"S": bound} for bound in ((low, high) if operator == "BETWEEN" else (low,)))
    start, end = sort_range((SortCondition(operator, bounds),))
    key = encode_value({"S": value}) + place
    expected = (
        value.startswith(low)
        if operator == "begins_with"
        else OPERATORS[operator](value.encode(), low.encode(), high.encode())
    )
    assert (start <= key and (end is None or key < end)) == expected


@given(strings, numbers, numbers, st.sampled_from(sorted(OPERATORS)))
def test_equalities_before_the_last_condition_narrow_the_range(
    text: str, value: Decimal, bound: Decimal, operator: Any
) -> None:
    last = SortCondition(operator, ({"N": str(bound)},) * (2 if operator == "BETWEEN" else 1))
    start, end = sort_range((SortCondition("=", ({"S": text},)), last))
    for candidate in (text, text + "\x00", text[:-1]):
        key = encode_value({"S": candidate}) + encode_number(str(value))
        inside = start <= key and (end is None or key < end)
        assert inside == (candidate == text and OPERATORS[operator](value, bound, bound))


@given(st.integers(1, 1000), st.binary(min_size=16, max_size=16))
def test_every_place_is_in_exactly_one_segment(total: int, place: bytes) -> None:
    ranges = [segment_range(segment, total) for segment in range(total)]
    assert sum(start <= place and (end is None or place < end) for start, end in ranges) == 1
    assert all(one[1] == other[0] for one, other in itertools.pairwise(ranges))


def test_what_comes_after_a_prefix() -> None:
    assert after_prefix(b"a\xff\xff") == b"b"
    assert after_prefix(b"\xff") is after_prefix(b"") is None


def test_an_item_without_an_index_key_or_with_another_type_has_no_entry() -> None:
    keys = Keys((KeyAttribute("g", "S"),), (KeyAttribute("n", "N"),))
    item = {"pk": {"S": "a"}, "g": {"S": "x"}, "n": {"N": "1"}}
    place = item_place(Keys((KeyAttribute("pk", "S"),)), item)
    entry = index_place(keys, item, place)
    assert entry is not None
    assert entry.endswith(place)
    assert index_place(keys, {**item, "n": {"S": "1"}}, place) is None
    assert index_place(keys, {"pk": item["pk"], "g": item["g"]}, place) is None


@given(st.lists(st.floats(0, 4e9) | st.none(), max_size=20), st.integers(0, 2**48))
def test_stamps_only_grow_whatever_the_clock_does(readings: list[float | None], start: int) -> None:
    last = start
    for reading in readings:
        stamp = next_stamp(last, reading or 0.0)
        assert stamp > last
        assert stamp_time(stamp) >= (reading or 0.0) - 0.001
        last = stamp


@given(
    st.integers(0, 2**63),
    st.sampled_from(["us-east-1", "ap-northeast-1"]),
    st.dictionaries(st.sampled_from(["*", "eu-west-1", "sa-east-1"]), st.integers(0, 2**63)),
    st.integers(0, 400_000),
    st.binary(max_size=100),
)
def test_records_round_trip(stamp: int, region: str, seen: dict[str, int], size_bytes: int, raw: bytes) -> None:
    version = Version(stamp, region, tuple(sorted(seen.items())))
    record = encode_record(version, size_bytes, raw)
    assert record_version(record) == version
    assert record_size_bytes(record) == size_bytes
    assert record[record_begin(record) :] == raw


REGIONS = ("a", "b", "c")


class History:
    """Replicas that write one item and ship their writes to each other in any order, as the generator says."""

    def __init__(self) -> None:
        self.replicas: dict[str, Version | None] = dict.fromkeys(REGIONS)
        self.clocks = dict.fromkeys(REGIONS, 0)
        self.writes: list[Version] = []
        self.followed: set[tuple[int, str]] = set()
        self.discarded: set[tuple[int, str]] = set()

    def write(self, region: str, wall: int) -> None:
        here = self.replicas[region]
        stamp = max(self.clocks[region] + 1, wall)
        self.clocks[region] = stamp
        version = successor(here, stamp=stamp, region=region, forgotten=0)
        if here is not None:
            self.followed.add((here.stamp, here.region))
            assert version.beats(here)
            assert version.has_seen(here)
        self.replicas[region] = version
        self.writes.append(version)

    def deliver(self, write: Version, region: str) -> None:
        here = self.replicas[region]
        settlement, after = settle(here, write)
        self.clocks[region] = max(self.clocks[region], write.stamp)
        assert after.has_seen(write)
        assert here is None or after.has_seen(here)
        again, same = settle(after, write)
        assert (again, same) == (Settlement.KNOWN, after)
        if settlement is Settlement.WINS:
            assert here is not None
            self.discarded.add((here.stamp, here.region))
        elif settlement is Settlement.LOSES:
            self.discarded.add((write.stamp, write.region))
        self.replicas[region] = after


steps = st.lists(
    st.tuples(st.just("write"), st.sampled_from(REGIONS), st.integers(0, 30))
    | st.tuples(st.just("deliver"), st.sampled_from(REGIONS), st.integers(0, 30)),
    max_size=30,
)


@given(steps, st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_replicas_converge_to_the_greatest_write_and_every_other_write_was_followed_or_discarded(
    script: list[tuple[str, str, int]], order: Any
) -> None:
    history = History()
    for kind, region, number in script:
        if kind == "write":
            history.write(region, number)
        elif history.writes:
            history.deliver(history.writes[number % len(history.writes)], region)
    pending = [(write, region) for write in history.writes for region in REGIONS if region != write.region]
    order.shuffle(pending)
    for write, region in pending:
        history.deliver(write, region)
    if not history.writes:
        return
    winner = max(history.writes, key=lambda write: (write.stamp, write.region))
    for replica in history.replicas.values():
        assert replica is not None
        assert (replica.stamp, replica.region) == (winner.stamp, winner.region)
    for write in history.writes:
        name = (write.stamp, write.region)
        assert (write is winner) or name in history.followed or name in history.discarded
    assert not history.discarded & {(winner.stamp, winner.region)}


@given(steps)
def test_without_concurrency_nothing_is_ever_discarded(script: list[tuple[str, str, int]]) -> None:
    """Every write is everywhere before the next one is made."""
    history = History()
    for _, region, number in script:
        history.write(region, number)
        for other in REGIONS:
            if other != region:
                history.deliver(history.writes[-1], other)
    assert history.discarded == set()
