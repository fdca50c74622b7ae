"""Laws of routing: an unhealthy endpoint is never answered while a healthy one could be, and there is always one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from globule.route53.model import (
    AliasTarget,
    Failover,
    Geoproximity,
    HealthCheck,
    HostedZone,
    Latency,
    Multivalue,
    RecordSet,
    Weighted,
)
from globule.route53.rules.answer import Facts, answer
from globule.route53.rules.health import Streak, check_healthy, endpoint_healthy, observe
from globule.route53.rules.zones import zones_of
from globule.wire import dns
from globule.wire.dns import Question
from globule.wire.dns_values import value_text
from globule.world import places
from globule.world.snapshot import Deployed, World

regions = st.sampled_from([place.name for place in places.regions()])
cities = st.sampled_from(places.cities())


def policies(kind: str, size: int) -> st.SearchStrategy[list[Any]]:
    """`size` policies that may stand beside each other; failover has two."""
    match kind:
        case "weighted":
            return st.lists(st.builds(Weighted, st.integers(0, 255)), min_size=size, max_size=size)
        case "latency":
            return st.lists(st.builds(Latency, regions), min_size=size, max_size=size, unique=True)
        case "multivalue":
            return st.just([Multivalue()] * size)
        case "geoproximity":
            places_of = st.builds(
                Geoproximity, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), bias=st.integers(-99, 99)
            )
            return st.lists(places_of, min_size=size, max_size=size)
        case _:
            return st.just([Failover("PRIMARY"), Failover("SECONDARY")])


kinds = st.sampled_from(["weighted", "latency", "multivalue", "geoproximity", "failover"])


@st.composite
def trees(draw: st.DrawFn) -> list[RecordSet]:
    """A name whose records are addresses, or aliases that evaluate groups of addresses; every address is checked."""
    records: list[RecordSet] = []

    def group(name: str, depth: int) -> None:
        kind = draw(kinds)
        for number, policy in enumerate(draw(policies(kind, draw(st.integers(1, 3))))):
            common: dict[str, Any] = {
                "name": name,
                "record_type": "A",
                "policy": policy,
                "set_identifier": str(number),
                "zone_id": "Z1",
            }
            if depth and kind != "multivalue" and draw(st.booleans()):
                below = f"b{len(records)}-{depth}.example.com"
                target = AliasTarget(name=below, zone_id="Z1", evaluate_health=True)
                records.append(RecordSet(alias=target, **common))
                group(below, depth - 1)
            else:
                address = f"192.0.2.{len(records)}"
                records.append(RecordSet(values=(address,), health_check=address, ttl_seconds=60, **common))

    group("www.example.com", 2)
    return records


@given(trees(), st.data(), cities)
def test_no_unhealthy_endpoint_is_answered_while_a_healthy_one_exists(
    records: list[RecordSet], data: st.DataObject, client: places.Place
) -> None:
    addresses = [record.values[0] for record in records if record.values]
    health = {address: data.draw(st.booleans()) for address in addresses}
    checks = [HealthCheck(id=address, kind="TCP") for address in addresses]
    zone = HostedZone(id="Z1", name="example.com", name_servers=("ns.example.net",))
    world = World(
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate((zone, *checks, *records))
        )
    )
    zones = zones_of(world)
    assert zones.problems == ()
    facts = Facts(zones=zones, health=health, owned=lambda name: None, running=frozenset())

    found = answer(
        facts,
        Question("www.example.com", dns.A),
        client=client,
        entropy=lambda: data.draw(st.floats(0, 1, exclude_max=True)),
    )

    answered = [value_text(record) for record in found.answers]
    assert found.rcode == dns.NOERROR
    assert answered
    assert all(health[address] for address in answered) or not any(health.values())


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 10), st.booleans())
def test_a_checker_changes_its_mind_after_as_many_results_in_a_row_as_the_threshold(
    results: list[bool], threshold: int, start: bool
) -> None:
    streak = Streak(start)
    for number, passed in enumerate(results):
        before = streak.healthy
        streak = observe(streak, passed=passed, threshold=threshold)
        if streak.healthy != before:
            assert results[number + 1 - threshold : number + 1] == [passed] * threshold
    if len(results) >= threshold and len(set(results[-threshold:])) == 1:
        assert streak.healthy == results[-1]


@given(st.integers(1, 8), st.data())
def test_an_endpoint_is_healthy_where_more_than_18_percent_of_the_checkers_say_so(
    checkers: int, data: st.DataObject
) -> None:
    healthy = data.draw(st.integers(0, checkers))
    reports = [True] * healthy + [False] * (checkers - healthy)
    assert endpoint_healthy(reports) == (healthy * 100 > 18 * checkers)


@given(st.dictionaries(st.sampled_from("abcd"), st.booleans(), min_size=1), st.integers(0, 5), st.booleans())
def test_a_calculated_check_counts_its_healthy_children(
    endpoints: dict[str, bool], threshold: int, inverted: bool
) -> None:
    children = {name: HealthCheck(id=name, kind="TCP") for name in endpoints}
    calculated = HealthCheck(
        id="all", kind="CALCULATED", children=tuple(endpoints), health_threshold=threshold, inverted=inverted
    )
    expected = sum(endpoints.values()) >= threshold
    assert check_healthy(calculated, {**children, "all": calculated}, endpoints) == (expected != inverted)


@given(st.booleans(), st.booleans())
def test_a_disabled_check_is_healthy_unless_inverted(failing: bool, inverted: bool) -> None:
    check = HealthCheck(id="a", kind="TCP", disabled=True, inverted=inverted)
    assert check_healthy(check, {"a": check}, {"a": not failing}) != inverted
