"""From template properties to zones, records and health checks: what is accepted, and what is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from globule.route53.model import Failover, Geolocation, Geoproximity, HealthCheck, Latency, RecordSet, RecordSetGroup
from globule.route53.resources import RESOURCE_TYPES
from globule.route53.rules.health import notices
from globule.world.resource_type import Built, Declaration, PropertyProblem
from globule.world.snapshot import Deployed, World, WorldDecoder, encode_world

ZONE = {"HostedZoneId": "Z1"}


def build(type_: str, properties: dict[str, Any]) -> Built:
    kind = next(kind for kind in RESOURCE_TYPES if kind.name == f"AWS::Route53::{type_}")
    declaration = Declaration(
        stack="edge",
        region="us-east-1",
        account="000000000000",
        logical_id="It",
        properties=properties,
        folder=Path("/"),
        token="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    )
    return kind.build(declaration)


def record(**properties: Any) -> RecordSet:
    values = {} if "AliasTarget" in properties else {"TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    built = build("RecordSet", {**ZONE, "Name": "www.example.com.", "Type": "A", **values, **properties})
    assert isinstance(built.resource, RecordSet)
    return built.resource


def refused(type_: str, properties: dict[str, Any]) -> str:
    with pytest.raises(PropertyProblem) as problem:
        build(type_, properties)
    return str(problem.value)


def test_a_hosted_zone_gets_an_id_and_four_name_servers_in_aws_form() -> None:
    built = build("HostedZone", {"Name": "Example.COM."})

    assert built.resource.name == "example.com"
    assert built.physical_id.startswith("Z") and built.physical_id == built.attributes["Id"]
    servers = built.attributes["NameServers"]
    assert [server.rsplit("awsdns-", 1)[1][2:] for server in servers] == [".com", ".net", ".org", ".co.uk"]


def test_the_name_of_a_record_is_its_ref() -> None:
    assert (
        build(
            "RecordSet", {**ZONE, "Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": ["192.0.2.1"]}
        ).physical_id
        == "www.example.com"
    )


def test_octal_escapes_in_names_are_read_as_route_53_writes_them() -> None:
    assert record(Name="\\052.example.com").name == "*.example.com"


def test_policies_are_read() -> None:
    assert record(Region="eu-west-1", SetIdentifier="a").policy == Latency("eu-west-1")
    assert record(Failover="SECONDARY", SetIdentifier="a").policy == Failover("SECONDARY")
    assert record(GeoLocation={"CountryCode": "*"}, SetIdentifier="a").policy == Geolocation()
    assert record(GeoLocation={"ContinentCode": "EU"}, SetIdentifier="a").policy == Geolocation(continent="EU")
    near = {"Coordinates": {"Latitude": "51.5", "Longitude": "-0.1"}, "Bias": 10}
    assert record(GeoProximityLocation=near, SetIdentifier="a").policy == Geoproximity(
        latitude=51.5, longitude=-0.1, bias=10
    )


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"Type": "NAPTR", "ResourceRecords": ["x"]}, "Type: records of type NAPTR are not supported"),
        ({"ResourceRecords": ["not an address"]}, "ResourceRecords.0: 'not an address' is not a value"),
        ({"ResourceRecords": ["2001:db8::1"]}, "is not a value of a record of type A"),
        ({"Type": "CNAME", "ResourceRecords": ["a.example.com", "b.example.com"]}, "a CNAME has one value"),
        ({"Weight": 1}, "SetIdentifier: is needed with a routing policy"),
        ({"Weight": 256, "SetIdentifier": "a"}, "Weight: must be a whole number from 0 to 255"),
        ({"Weight": 1, "Region": "eu-west-1", "SetIdentifier": "a"}, "Region: cannot be combined with Weight"),
        ({"Region": "eu-west-9", "SetIdentifier": "a"}, "no AWS region is called 'eu-west-9'"),
        (
            {"GeoLocation": {"CountryCode": "US", "SubdivisionCode": "CA"}, "SetIdentifier": "a"},
            "SubdivisionCode: is not supported",
        ),
        ({"GeoLocation": {"CountryCode": "XX"}, "SetIdentifier": "a"}, "XX is not a country's code"),
        (
            {"GeoProximityLocation": {"LocalZoneGroup": "us-west-2-lax-1"}, "SetIdentifier": "a"},
            "LocalZoneGroup: is not supported",
        ),
        ({"TTL": None}, "TTL: is needed"),
        ({"HostedZoneName": "example.com."}, "give either HostedZoneId or HostedZoneName"),
        ({"HostedZoneId": None, "HostedZoneName": "example.com"}, "HostedZoneName: must end with a dot"),
        ({"Name": "a..example.com"}, "Name: "),
        (
            {"AliasTarget": {"DNSName": "d1.cloudfront.net", "HostedZoneId": "Z2FDTNDATAQYW2"}},
            "give either values with a TTL, or an AliasTarget",
        ),
    ],
)
def test_a_record_that_aws_would_not_take_is_refused_by_name(properties: dict[str, Any], why: str) -> None:
    base = {**ZONE, "Name": "www.example.com.", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    given = {name: value for name, value in {**base, **properties}.items() if value is not None}
    assert why in refused("RecordSet", given)


def test_an_alias_to_a_distribution_cannot_evaluate_its_health() -> None:
    alias = {"DNSName": "d1.cloudfront.net", "HostedZoneId": "Z2FDTNDATAQYW2", "EvaluateTargetHealth": True}
    assert "EvaluateTargetHealth" in refused("RecordSet", {**ZONE, "Name": "a.com", "Type": "A", "AliasTarget": alias})


def test_a_group_lends_its_zone_to_its_records() -> None:
    one = {"Name": "a.example.com", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    built = build(
        "RecordSetGroup", {"HostedZoneName": "example.com.", "RecordSets": [one, {**one, "HostedZoneId": "Z2"}]}
    )

    assert isinstance(built.resource, RecordSetGroup)
    assert [(record.zone_name, record.zone_id) for record in built.resource.records] == [
        ("example.com", None),
        (None, "Z2"),
    ]
    assert "RecordSets.0.Cidr: is not supported" in refused(
        "RecordSetGroup", {**ZONE, "RecordSets": [{**one, "Cidr": 1}]}
    )


def check(**config: Any) -> HealthCheck:
    built = build("HealthCheck", {"HealthCheckConfig": config})
    assert isinstance(built.resource, HealthCheck)
    return built.resource


def test_a_health_check_has_the_defaults_of_the_api() -> None:
    found = check(Type="HTTPS", FullyQualifiedDomainName="api.example.com")

    assert (found.port, found.path, found.interval_seconds, found.failure_threshold, len(found.regions)) == (
        443,
        "/",
        30,
        3,
        8,
    )


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "Type: is required"),
        ({"Type": "PING"}, "Type: must be one of"),
        ({"Type": "TCP", "IPAddress": "127.10.0.1"}, "Port: is required for TCP"),
        ({"Type": "HTTP"}, "give an IPAddress or a FullyQualifiedDomainName"),
        ({"Type": "HTTP", "IPAddress": "203.0.113.7"}, "203.0.113.7 is not an address of this world"),
        (
            {"Type": "HTTP", "FullyQualifiedDomainName": "a.com", "RequestInterval": 20},
            "RequestInterval: must be 10 or 30",
        ),
        ({"Type": "HTTP", "FullyQualifiedDomainName": "a.com", "Regions": ["eu-west-1"]}, "Regions: name at least 3"),
        ({"Type": "HTTP_STR_MATCH", "FullyQualifiedDomainName": "a.com"}, "SearchString: is required"),
        ({"Type": "HTTP", "FullyQualifiedDomainName": "a.com", "SearchString": "x"}, "SearchString: is not supported"),
        ({"Type": "CALCULATED", "Port": 80}, "Port: is not supported"),
    ],
)
def test_a_health_check_that_aws_would_not_take_is_refused_by_name(config: dict[str, Any], why: str) -> None:
    assert why in refused("HealthCheck", {"HealthCheckConfig": config})


@pytest.mark.parametrize("kind", ["CLOUDWATCH_METRIC", "RECOVERY_CONTROL"])
def test_a_health_check_of_what_is_not_here_is_recorded_and_stops_nothing(kind: str) -> None:
    built = build("HealthCheck", {"HealthCheckConfig": {"Type": kind}})
    assert built.not_running == ("HealthCheckConfig.Type",)
    assert notices({built.physical_id: built.resource}) == []
    assert build("HealthCheck", {"HealthCheckConfig": {"Type": "CALCULATED"}}).not_running == ()


def test_the_world_carries_every_model() -> None:
    models = [kind.model for kind in RESOURCE_TYPES if kind.model is not None]
    resources = [
        build("HostedZone", {"Name": "example.com"}).resource,
        record(GeoLocation={"CountryCode": "*"}, SetIdentifier="a", HealthCheckId="h"),
        build("RecordSetGroup", {**ZONE, "RecordSets": []}).resource,
        check(Type="CALCULATED", ChildHealthChecks=["a"], HealthThreshold=1),
    ]
    world = World(
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate(resources)
        )
    )
    assert WorldDecoder(models).decode(encode_world(world)) == world
