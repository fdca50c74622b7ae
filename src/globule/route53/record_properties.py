"""From the properties of a record set to its model.

What is checked is what one record can show by itself; what needs its zone and its siblings is in `rules.zones`.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from globule.route53.model import (
    AliasTarget,
    Failover,
    Geolocation,
    Geoproximity,
    Latency,
    Multivalue,
    Policy,
    RecordSet,
    Simple,
    Weighted,
)
from globule.route53.properties import Path, boolean, mapping, number, required_text, text, texts
from globule.route53.rules.continents import CONTINENTS
from globule.wire.dns import InvalidName
from globule.wire.dns_values import TYPE_CODES, InvalidValue, name_of, parse_value
from globule.world import alias_zones, places
from globule.world.resource_type import PropertyProblem

RECORD_PROPERTIES = frozenset(
    (
        "AliasTarget",
        "Failover",
        "GeoLocation",
        "GeoProximityLocation",
        "HealthCheckId",
        "HostedZoneId",
        "HostedZoneName",
        "MultiValueAnswer",
        "Name",
        "Region",
        "ResourceRecords",
        "SetIdentifier",
        "TTL",
        "Type",
        "Weight",
    )
)
_POLICIES = ("Weight", "Region", "Failover", "GeoLocation", "GeoProximityLocation", "MultiValueAnswer")
_TTL_LIMIT_SECONDS = 2**31 - 1


def record_of(properties: Mapping[str, Any], path: Path) -> RecordSet:
    """Raises PropertyProblem."""
    record_type = required_text(properties, "Type", path)
    alias = _alias(properties, path)
    values = texts(properties, "ResourceRecords", path)
    _check_values(record_type, values, path)
    if (alias is None) == (not values):
        raise PropertyProblem((*path, "ResourceRecords"), "give either values with a TTL, or an AliasTarget")
    ttl_seconds = number(properties, "TTL", path, least=0, most=_TTL_LIMIT_SECONDS)
    if (alias is None) == (ttl_seconds is None):
        raise PropertyProblem((*path, "TTL"), "is needed for values, and must be absent for an alias")
    policy = _policy(properties, path)
    set_identifier = text(properties, "SetIdentifier", path)
    if isinstance(policy, Simple) != (set_identifier is None):
        raise PropertyProblem((*path, "SetIdentifier"), "is needed with a routing policy, and only then")
    zone_id, zone_name = text(properties, "HostedZoneId", path), text(properties, "HostedZoneName", path)
    if (zone_id is None) == (zone_name is None):
        raise PropertyProblem((*path, "HostedZoneId"), "give either HostedZoneId or HostedZoneName")
    if zone_name is not None and not zone_name.endswith("."):
        raise PropertyProblem((*path, "HostedZoneName"), "must end with a dot")
    return RecordSet(
        name=name_in(properties, "Name", path),
        record_type=record_type,
        policy=policy,
        ttl_seconds=ttl_seconds or 0,
        values=values,
        alias=alias,
        set_identifier=set_identifier,
        health_check=text(properties, "HealthCheckId", path),
        zone_id=None if zone_id is None else zone_id.removeprefix("/hostedzone/"),
        zone_name=None if zone_name is None else name_in(properties, "HostedZoneName", path),
    )


def name_in(properties: Mapping[str, Any], name: str, path: Path) -> str:
    """A property that is a domain name, in our form."""
    try:
        return name_of(required_text(properties, name, path))
    except InvalidName as error:
        raise PropertyProblem((*path, name), str(error)) from error


def _check_values(record_type: str, values: tuple[str, ...], path: Path) -> None:
    if record_type not in TYPE_CODES:
        supported = ", ".join(TYPE_CODES)
        raise PropertyProblem(
            (*path, "Type"), f"records of type {record_type} are not supported; supported: {supported}"
        )
    for position, value in enumerate(values):
        try:
            parse_value(record_type, value)
        except InvalidValue as error:
            raise PropertyProblem((*path, "ResourceRecords", position), str(error)) from error
    if record_type == "CNAME" and len(values) > 1:
        raise PropertyProblem((*path, "ResourceRecords"), "a CNAME has one value")


def _alias(properties: Mapping[str, Any], path: Path) -> AliasTarget | None:
    target = mapping(properties, "AliasTarget", path, ("DNSName", "EvaluateTargetHealth", "HostedZoneId"))
    if target is None:
        return None
    path = (*path, "AliasTarget")
    zone_id = required_text(target, "HostedZoneId", path)
    evaluate_health = boolean(target, "EvaluateTargetHealth", path)
    if evaluate_health and zone_id == alias_zones.CLOUDFRONT:
        raise PropertyProblem((*path, "EvaluateTargetHealth"), "cannot be true for a CloudFront distribution")
    return AliasTarget(name=name_in(target, "DNSName", path), zone_id=zone_id, evaluate_health=evaluate_health)


def _policy(properties: Mapping[str, Any], path: Path) -> Policy:
    given = [name for name in _POLICIES if properties.get(name) not in (None, False)]
    if len(given) > 1:
        raise PropertyProblem((*path, given[1]), f"cannot be combined with {given[0]}")
    match given:
        case ["Weight"]:
            return Weighted(number(properties, "Weight", path, least=0, most=255) or 0)
        case ["Region"]:
            return Latency(_region(properties, "Region", path).name)
        case ["Failover"]:
            role = required_text(properties, "Failover", path)
            if role not in ("PRIMARY", "SECONDARY"):
                raise PropertyProblem((*path, "Failover"), "must be PRIMARY or SECONDARY")
            return Failover(cast(Any, role))
        case ["GeoLocation"]:
            return _geolocation(properties, path)
        case ["GeoProximityLocation"]:
            return _geoproximity(properties, path)
        case ["MultiValueAnswer"] if boolean(properties, "MultiValueAnswer", path):
            if properties.get("AliasTarget") is not None:
                raise PropertyProblem((*path, "MultiValueAnswer"), "cannot be combined with AliasTarget")
            return Multivalue()
    return Simple()


def _region(properties: Mapping[str, Any], name: str, path: Path) -> places.Place:
    try:
        return places.region(required_text(properties, name, path))
    except places.UnknownPlace as error:
        raise PropertyProblem((*path, name), str(error)) from error


def _geolocation(properties: Mapping[str, Any], path: Path) -> Geolocation:
    where = mapping(properties, "GeoLocation", path, ("ContinentCode", "CountryCode"))
    path = (*path, "GeoLocation")
    assert where is not None
    continent, country = text(where, "ContinentCode", path), text(where, "CountryCode", path)
    if (continent is None) == (country is None):
        raise PropertyProblem(path, "give either ContinentCode or CountryCode")
    if continent is not None and continent not in CONTINENTS:
        raise PropertyProblem((*path, "ContinentCode"), f"must be one of {', '.join(CONTINENTS)}")
    known = " ".join(CONTINENTS.values()).split()
    if country is not None and country != "*" and country not in known:
        raise PropertyProblem((*path, "CountryCode"), f"{country} is not a country's code of ISO 3166-1 alpha-2")
    return Geolocation(continent=continent, country=None if country == "*" else country)


def _geoproximity(properties: Mapping[str, Any], path: Path) -> Geoproximity:
    where = mapping(properties, "GeoProximityLocation", path, ("AWSRegion", "Bias", "Coordinates"))
    path = (*path, "GeoProximityLocation")
    assert where is not None
    coordinates = mapping(where, "Coordinates", path, ("Latitude", "Longitude"))
    if (coordinates is None) == (where.get("AWSRegion") is None):
        raise PropertyProblem(path, "give either AWSRegion or Coordinates")
    bias = number(where, "Bias", path, least=-99, most=99) or 0
    if coordinates is None:
        region = _region(where, "AWSRegion", path)
        return Geoproximity(latitude=region.latitude, longitude=region.longitude, bias=bias)
    path = (*path, "Coordinates")
    return Geoproximity(
        latitude=_degrees(coordinates, "Latitude", path, most=90),
        longitude=_degrees(coordinates, "Longitude", path, most=180),
        bias=bias,
    )


def _degrees(properties: Mapping[str, Any], name: str, path: Path, *, most: int) -> float:
    try:
        degrees = float(required_text(properties, name, path))
    except ValueError:
        degrees = float("nan")
    if not abs(degrees) <= most:
        raise PropertyProblem((*path, name), f"must be a number from -{most} to {most}")
    return degrees
