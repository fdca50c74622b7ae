"""What the name servers answer: zones, wildcards, chains, routing policies, health, and AWS's own names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from globule.route53.model import (
    AliasTarget,
    Failover,
    Geolocation,
    Geoproximity,
    HealthCheck,
    HostedZone,
    Latency,
    Multivalue,
    RecordSet,
    RecordSetGroup,
    Weighted,
)
from globule.route53.rules.answer import Answer, Facts, answer
from globule.route53.rules.owned import AtEdge, InRegion, Owned
from globule.route53.rules.zones import Zones, zones_of
from globule.wire import dns
from globule.wire.dns import Question
from globule.wire.dns_values import TYPE_CODES, value_text
from globule.world import alias_zones, places
from globule.world.aws_names import AwsName
from globule.world.snapshot import Deployed, World

ZONE = HostedZone(id="Z1", name="example.com", name_servers=("ns-1.awsdns-01.com", "ns-2.awsdns-02.net"))
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")


def record(name: str, *values: str, record_type: str = "A", zone_id: str = "Z1", **more: Any) -> RecordSet:
    return RecordSet(name=name, record_type=record_type, values=values, ttl_seconds=60, zone_id=zone_id, **more)


def routed(policy: Any, value: str, check: str | None = None, *, name: str = "www.example.com") -> RecordSet:
    return record(name, value, policy=policy, set_identifier=value, health_check=check)


def alias(name: str, target: str, *, zone_id: str = "Z1", evaluate: bool = False, **more: Any) -> RecordSet:
    points_to = AliasTarget(name=target, zone_id=zone_id, evaluate_health=evaluate)
    return RecordSet(name=name, record_type="A", alias=points_to, zone_id="Z1", **more)


def zones_with_problems(resources: Iterable[Any]) -> Zones:
    world = World(
        regions=REGIONS,
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate((ZONE, *resources))
        ),
    )
    return zones_of(world)


def zones(*resources: Any) -> Zones:
    """With the health checks that the records name."""
    checks = {item.health_check for item in resources if isinstance(item, RecordSet) and item.health_check}
    built = zones_with_problems((*(HealthCheck(id=check, kind="TCP") for check in checks), *resources))
    assert built.problems == ()
    return built


def owned(name: AwsName) -> Owned | None:
    if name.service == "cloudfront":
        return AtEdge() if name.label == "d1" else None
    return InRegion(name.region or "us-east-1")


def ask(
    zones: Zones,
    name: str,
    record_type: str = "A",
    *,
    city: str = "london",
    sick: tuple[str, ...] = (),
    draws: Iterator[float] | None = None,
    **facts: Any,
) -> Answer:
    known = {"health": dict.fromkeys(sick, False), "owned": owned, "running": frozenset(REGIONS)}

    def entropy() -> float:
        assert draws is not None, "this answer should not depend on chance"
        return next(draws)

    question = Question(name, dns.ANY if record_type == "ANY" else TYPE_CODES[record_type])
    return answer(Facts(zones=zones, **{**known, **facts}), question, client=places.city(city), entropy=entropy)


def values(found: Answer) -> list[str]:
    assert found.rcode == dns.NOERROR
    return [value_text(item) for item in found.answers]


# Names.


def test_the_zone_with_the_longest_name_answers() -> None:
    child = HostedZone(id="Z2", name="eu.example.com", name_servers=("ns-3.awsdns-03.org",))
    both = zones(
        child, record("www.eu.example.com", "192.0.2.1"), record("www.eu.example.com", "192.0.2.2", zone_id="Z2")
    )
    assert values(ask(both, "www.eu.example.com")) == ["192.0.2.2"]


def test_a_name_that_does_not_exist_and_a_type_that_does_not_are_told_apart() -> None:
    some = zones(record("www.example.com", "192.0.2.1"), record("a.b.example.com", "192.0.2.2"))

    missing, no_data, in_between = (
        ask(some, "nope.example.com"),
        ask(some, "www.example.com", "MX"),
        ask(some, "b.example.com"),
    )

    assert missing.rcode == dns.NXDOMAIN
    assert (no_data.rcode, no_data.answers) == (dns.NOERROR, ())
    assert (in_between.rcode, in_between.answers) == (dns.NOERROR, ())
    for found in (missing, no_data, in_between):
        assert [(soa.type, soa.ttl_seconds) for soa in found.authorities] == [(dns.SOA, 900)]


def test_a_zone_is_made_with_ns_and_soa_records() -> None:
    empty = zones()
    assert values(ask(empty, "example.com", "NS")) == ["ns-1.awsdns-01.com.", "ns-2.awsdns-02.net."]
    assert values(ask(empty, "example.com", "SOA"))[0].startswith(
        "ns-1.awsdns-01.com. awsdns-hostmaster.amazon.com. 1 "
    )


def test_a_name_outside_of_every_zone_is_refused() -> None:
    assert ask(zones(), "www.example.org").rcode == dns.REFUSED


def test_a_wildcard_answers_for_names_that_do_not_exist_and_only_for_those() -> None:
    some = zones(record("*.example.com", "192.0.2.1"), record("www.example.com", '"text"', record_type="TXT"))

    found = ask(some, "Any.Thing.example.com")

    assert values(found) == ["192.0.2.1"]
    assert found.answers[0].name == "Any.Thing.example.com"
    assert ask(some, "www.example.com").answers == ()


def test_a_cname_is_followed_from_zone_to_zone_and_out_of_them() -> None:
    other = HostedZone(id="Z2", name="example.net", name_servers=("ns-3.awsdns-03.org",))
    some = zones(
        other,
        record("www.example.com", "www.example.net", record_type="CNAME"),
        record("www.example.net", "192.0.2.1", zone_id="Z2"),
        record("out.example.com", "elsewhere.example.org", record_type="CNAME"),
    )
    assert values(ask(some, "www.example.com")) == ["www.example.net.", "192.0.2.1"]
    assert values(ask(some, "www.example.com", "CNAME")) == ["www.example.net."]
    assert values(ask(some, "out.example.com")) == ["elsewhere.example.org."]


def test_cnames_and_aliases_in_a_circle_are_a_server_failure() -> None:
    some = zones(
        record("a.example.com", "b.example.com", record_type="CNAME"),
        record("b.example.com", "a.example.com", record_type="CNAME"),
        alias("c.example.com", "d.example.com", evaluate=True),
        alias("d.example.com", "c.example.com", evaluate=True),
    )
    assert ask(some, "a.example.com").rcode == dns.SERVFAIL
    assert ask(some, "c.example.com").rcode == dns.SERVFAIL


def test_names_below_a_delegation_are_referred_to_its_servers() -> None:
    some = zones(record("eu.example.com", "ns.example.org", record_type="NS"))

    found = ask(some, "www.eu.example.com")

    assert (found.authoritative, found.answers) == (False, ())
    assert [value_text(item) for item in found.authorities] == ["ns.example.org."]


def test_any_gives_every_type_of_the_name() -> None:
    some = zones(record("a.example.com", "192.0.2.1"), record("a.example.com", "10 m.example.com", record_type="MX"))
    assert values(ask(some, "a.example.com", "ANY")) == ["192.0.2.1", "10 m.example.com."]


def test_ttls_are_scaled() -> None:
    found = ask(zones(record("a.example.com", "192.0.2.1")), "a.example.com", ttl_scale=0.05)
    assert found.answers[0].ttl_seconds == 3


def test_an_alias_looks_like_the_records_that_it_points_to() -> None:
    some = zones(alias("example.com", "www.example.com"), record("www.example.com", "192.0.2.1"))

    found = ask(some, "example.com")

    assert [(item.name, item.ttl_seconds) for item in found.answers] == [("example.com", 60)]
    assert values(found) == ["192.0.2.1"]


# Routing policies.


def test_latency_records_send_each_city_to_the_region_with_the_least_round_trip() -> None:
    some = zones(*(routed(Latency(region), f"192.0.2.{n}") for n, region in enumerate(REGIONS)))
    assert values(ask(some, "www.example.com", city="new-york")) == ["192.0.2.0"]
    assert values(ask(some, "www.example.com", city="paris")) == ["192.0.2.1"]
    assert values(ask(some, "www.example.com", city="seoul")) == ["192.0.2.2"]


def test_the_next_region_answers_while_the_nearest_is_unhealthy() -> None:
    some = zones(*(routed(Latency(region), f"192.0.2.{n}", region) for n, region in enumerate(REGIONS)))
    assert values(ask(some, "www.example.com", city="paris", sick=("eu-west-1",))) == ["192.0.2.0"]


def test_where_all_are_unhealthy_all_are_considered_healthy() -> None:
    some = zones(*(routed(Latency(region), f"192.0.2.{n}", region) for n, region in enumerate(REGIONS)))
    assert values(ask(some, "www.example.com", city="paris", sick=REGIONS)) == ["192.0.2.1"]


def test_weights_divide_the_answers() -> None:
    some = zones(routed(Weighted(3), "192.0.2.1"), routed(Weighted(1), "192.0.2.2"))
    drawn = [values(ask(some, "www.example.com", draws=iter([n / 100])))[0] for n in range(100)]
    assert (drawn.count("192.0.2.1"), drawn.count("192.0.2.2")) == (75, 25)


def test_weight_zero_answers_only_where_nothing_else_is_healthy() -> None:
    some = zones(routed(Weighted(1), "192.0.2.1", "a"), routed(Weighted(0), "192.0.2.2", "b"))
    assert values(ask(some, "www.example.com")) == ["192.0.2.1"]
    assert values(ask(some, "www.example.com", sick=("a",))) == ["192.0.2.2"]
    assert values(ask(some, "www.example.com", sick=("a", "b"))) == ["192.0.2.1"]


def test_weights_that_are_all_zero_count_alike() -> None:
    some = zones(routed(Weighted(0), "192.0.2.1"), routed(Weighted(0), "192.0.2.2"))
    assert values(ask(some, "www.example.com", draws=iter([0.4]))) == ["192.0.2.1"]
    assert values(ask(some, "www.example.com", draws=iter([0.6]))) == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("sick", "expected"), [((), "192.0.2.1"), (("a",), "192.0.2.2"), (("b",), "192.0.2.1"), (("a", "b"), "192.0.2.1")]
)
def test_failover_answers_the_secondary_only_while_it_alone_is_healthy(sick: tuple[str, ...], expected: str) -> None:
    some = zones(routed(Failover("SECONDARY"), "192.0.2.2", "b"), routed(Failover("PRIMARY"), "192.0.2.1", "a"))
    assert values(ask(some, "www.example.com", sick=sick)) == [expected]


def test_geolocation_prefers_the_smallest_area_and_falls_back_to_larger_ones() -> None:
    some = zones(
        routed(Geolocation(), "192.0.2.1", "world"),
        routed(Geolocation(continent="EU"), "192.0.2.2", "europe"),
        routed(Geolocation(country="FR"), "192.0.2.3", "france"),
    )
    assert values(ask(some, "www.example.com", city="paris")) == ["192.0.2.3"]
    assert values(ask(some, "www.example.com", city="berlin")) == ["192.0.2.2"]
    assert values(ask(some, "www.example.com", city="tokyo")) == ["192.0.2.1"]
    assert values(ask(some, "www.example.com", city="paris", sick=("france",))) == ["192.0.2.2"]
    assert values(ask(some, "www.example.com", city="paris", sick=("france", "europe"))) == ["192.0.2.1"]
    assert values(ask(some, "www.example.com", city="paris", sick=("france", "europe", "world"))) == ["192.0.2.3"]


def test_geolocation_without_a_record_for_the_client_has_no_data() -> None:
    some = zones(routed(Geolocation(continent="EU"), "192.0.2.2"))
    found = ask(some, "www.example.com", city="tokyo")
    assert (found.rcode, found.answers) == (dns.NOERROR, ())


def test_geoproximity_prefers_the_nearest_and_a_bias_moves_the_border() -> None:
    def between(bias: int) -> Zones:
        ireland, virginia = places.region("eu-west-1"), places.region("us-east-1")
        return zones(
            routed(Geoproximity(latitude=ireland.latitude, longitude=ireland.longitude), "192.0.2.1"),
            routed(Geoproximity(latitude=virginia.latitude, longitude=virginia.longitude, bias=bias), "192.0.2.2"),
        )

    assert values(ask(between(0), "www.example.com", city="london")) == ["192.0.2.1"]
    assert values(ask(between(95), "www.example.com", city="london")) == ["192.0.2.2"]
    assert values(ask(between(-95), "www.example.com", city="new-york")) == ["192.0.2.1"]


def test_multivalue_answers_up_to_eight_healthy_records() -> None:
    some = zones(*(routed(Multivalue(), f"192.0.2.{n}", f"c{n}") for n in range(10)))
    found = values(ask(some, "www.example.com", sick=("c0", "c1", "c2", "c3"), draws=iter([0.5] * 10)))
    assert sorted(found) == [f"192.0.2.{n}" for n in range(4, 10)]
    assert len(values(ask(some, "www.example.com", draws=iter([0.5] * 10)))) == 8


# Health through aliases.


def test_an_alias_that_evaluates_its_target_is_as_healthy_as_the_target() -> None:
    def tree(evaluate: bool) -> Zones:
        return zones(
            alias(
                "www.example.com", "eu.example.com", evaluate=evaluate, policy=Latency("eu-west-1"), set_identifier="e"
            ),
            alias(
                "www.example.com", "us.example.com", evaluate=evaluate, policy=Latency("us-east-1"), set_identifier="u"
            ),
            routed(Weighted(1), "192.0.2.1", "eu1", name="eu.example.com"),
            routed(Weighted(1), "192.0.2.2", "eu2", name="eu.example.com"),
            routed(Weighted(1), "192.0.2.3", "us1", name="us.example.com"),
        )

    sick = ("eu1", "eu2")
    assert values(ask(tree(True), "www.example.com", city="paris", sick=("eu1",))) == ["192.0.2.2"]
    assert values(ask(tree(True), "www.example.com", city="paris", sick=sick)) == ["192.0.2.3"]
    assert values(ask(tree(False), "www.example.com", city="paris", sick=sick, draws=iter([0.0]))) == ["192.0.2.1"]


def test_an_alias_to_a_regional_api_evaluates_the_health_of_its_region() -> None:
    def regional(region: str) -> RecordSet:
        return alias(
            "api.example.com",
            f"d-x.execute-api.{region}.amazonaws.com",
            zone_id=alias_zones.API_GATEWAY[region],
            evaluate=True,
            policy=Latency(region),
            set_identifier=region,
        )

    some = zones(regional("eu-west-1"), regional("us-east-1"))
    assert values(ask(some, "api.example.com")) == [places.address_of(places.region("eu-west-1"))]
    sick = {"d-x.execute-api.eu-west-1.amazonaws.com": False}
    assert values(ask(some, "api.example.com", health=sick)) == [places.address_of(places.region("us-east-1"))]


# Names that AWS owns.


def test_a_distribution_answers_with_the_edge_location_nearest_to_the_client() -> None:
    some = zones(alias("example.com", "d1.cloudfront.net", zone_id=alias_zones.CLOUDFRONT))
    for name in ("d1.cloudfront.net", "example.com"):
        assert values(ask(some, name, city="tokyo")) == [places.address_of(places.edge_location("NRT"))]
        assert values(ask(some, name, city="frankfurt")) == [places.address_of(places.edge_location("FRA"))]


@pytest.mark.parametrize(
    "name",
    [
        "abc.execute-api.eu-west-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "photos.s3.eu-west-1.amazonaws.com",
        "photos.of.me.s3-eu-west-1.amazonaws.com",
        "photos.s3-website-eu-west-1.amazonaws.com",
        "dynamodb.eu-west-1.amazonaws.com",
        "streams.dynamodb.eu-west-1.amazonaws.com",
        "abc.lambda-url.eu-west-1.on.aws",
        "front-1.eu-west-1.elb.amazonaws.com",
        "dualstack.front-1.eu-west-1.elb.amazonaws.com",
        "front-1.elb.eu-west-1.amazonaws.com",
    ],
)
def test_a_regional_name_answers_with_the_address_of_its_region(name: str) -> None:
    found = ask(zones(), name)
    assert values(found) == [places.address_of(places.region("eu-west-1"))]
    assert found.answers[0].ttl_seconds == 60


@pytest.mark.parametrize(
    "name", ["abc.execute-api.sa-east-1.amazonaws.com", "nope.cloudfront.net", "amazonaws.com.on.aws"]
)
def test_a_name_of_aws_that_nothing_here_serves_does_not_exist(name: str) -> None:
    assert ask(zones(), name).rcode == dns.NXDOMAIN


# Records that Route 53 would have refused.


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ([record("www.example.com", "192.0.2.1", zone_id="Z9")], "no hosted zone Z9"),
        ([record("www.example.org", "192.0.2.1")], "not in the zone"),
        ([record("example.com", "a.example.com", record_type="CNAME")], "not permitted at the apex"),
        ([record("a.example.com", "192.0.2.1"), record("a.example.com", "b.a", record_type="CNAME")], "beside"),
        ([record("a.example.com", "192.0.2.1"), record("a.example.com", "192.0.2.2")], "already exists"),
        ([routed(Weighted(1), "192.0.2.1"), routed(Latency("eu-west-1"), "192.0.2.2")], "another routing policy"),
        ([routed(Failover("PRIMARY"), "192.0.2.1"), routed(Failover("PRIMARY"), "192.0.2.2")], "the same Failover"),
        ([routed(Weighted(1), "192.0.2.1", "h")], "no health check h"),
        ([alias("example.com", "d1.cloudfront.net", zone_id="Z5")], "is Z2FDTNDATAQYW2, not Z5"),
        ([alias("example.com", "www.example.org", zone_id="Z5")], "neither in this hosted zone nor a name of an AWS"),
        ([HostedZone(id="Z2", name="example.com", name_servers=("ns",))], "declared twice"),
    ],
)
def test_a_record_that_does_not_fit_is_left_out_and_named(resources: list[Any], why: str) -> None:
    (problem,) = zones_with_problems(resources).problems
    assert why in problem


def test_a_record_that_does_not_fit_is_named_by_its_stack_and_logical_id() -> None:
    lone = record("www.example.com", "192.0.2.1", zone_id="Z9")
    (problem, grouped) = zones_with_problems([lone, RecordSetGroup(records=(lone,))]).problems
    assert problem.startswith("stack s, L1: record www.example.com A: there is no hosted zone Z9")
    assert grouped.startswith("stack s, L2: record www.example.com A: there is no hosted zone Z9")
