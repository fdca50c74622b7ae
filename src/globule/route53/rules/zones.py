"""All records of the world, by zone, name and type: what the name servers look questions up in.

Built once a world. Records that AWS would have refused when they were created (no such zone, a name outside of it, a
second record of the same identifier) cannot be seen by CloudFormation's build of one resource; they are left out
here, each with a sentence in `problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from globule.route53.model import HealthCheck, HostedZone, RecordSet, RecordSetGroup, Simple
from globule.wire import dns
from globule.wire.dns_values import TYPE_CODES, parse_value
from globule.world import alias_zones
from globule.world.aws_names import parse_aws_name
from globule.world.snapshot import World

# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html
NS_TTL_SECONDS = 172_800
SOA_TTL_SECONDS = 900
_SOA_REST = "1 7200 900 1209600 86400"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record set, its values ready for the wire."""

    record: RecordSet
    data: tuple[dns.Record, ...]
    """Without an owner's name; empty for an alias."""


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    hosted: HostedZone
    groups: Mapping[str, Mapping[int, tuple[Entry, ...]]]
    """By name, then by type."""
    names: frozenset[str]
    """Every name that exists, those without records in between included (RFC 8020)."""
    delegated: frozenset[str]
    """Names below the apex that have NS records: other zones begin there."""


class Zones(msgspec.Struct, frozen=True, kw_only=True):
    by_name: Mapping[str, Zone]
    by_id: Mapping[str, Zone]
    problems: tuple[str, ...]

    def of(self, name: str) -> Zone | None:
        """The zone with the longest name that holds this one."""
        while True:
            zone = self.by_name.get(name)
            if zone is not None or not name:
                return zone
            name = parent(name)


def parent(name: str) -> str:
    """The name without its first label."""
    return name.partition(".")[2]


def within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}") or not zone


def zones_of(world: World) -> Zones:
    """Pure; a few milliseconds for a thousand records."""
    problems: list[str] = []
    hosted: dict[str, HostedZone] = {}
    for zone in world.of(HostedZone):
        if zone.name in hosted:
            problems.append(f"hosted zone {zone.name}: declared twice; {hosted[zone.name].id} is the one that answers")
        else:
            hosted[zone.name] = zone
    by_id = {zone.id: zone for zone in hosted.values()}
    checks = frozenset(check.id for check in world.of(HealthCheck))
    entries: dict[str, dict[str, dict[int, list[Entry]]]] = {zone.name: _own_records(zone) for zone in hosted.values()}
    for where, record in _records(world):
        found = by_id.get(record.zone_id) if record.zone_id is not None else hosted.get(record.zone_name or "")
        refusal = _refusal(record, found, entries, hosted=by_id, checks=checks)
        if refusal is not None or found is None:
            problems.append(f"{where}: record {record.name} {record.record_type}: {refusal}")
            continue
        group = entries[found.name].setdefault(record.name, {}).setdefault(TYPE_CODES[record.record_type], [])
        if record.record_type in ("NS", "SOA") and record.name == found.name:
            group.clear()  # a template may replace the records that the zone was made with
        group.append(_entry(record))
    zones = {name: _zone(hosted[name], by_record) for name, by_record in entries.items()}
    return Zones(by_name=zones, by_id={zone.hosted.id: zone for zone in zones.values()}, problems=tuple(problems))


def _records(world: World) -> Iterator[tuple[str, RecordSet]]:
    """Every record, and which resource of which stack declares it."""
    for deployed in world.resources:
        where = f"stack {deployed.stack}, {deployed.logical_id}"
        match deployed.resource:
            case RecordSet() as record:
                yield where, record
            case RecordSetGroup(records=records):
                yield from ((where, record) for record in records)


def _own_records(zone: HostedZone) -> dict[str, dict[int, list[Entry]]]:
    """The NS and SOA records that a zone is made with."""
    servers = tuple(f"{server}." for server in zone.name_servers)
    soa = f"{servers[0]} awsdns-hostmaster.amazon.com. {_SOA_REST}"
    made = (
        RecordSet(name=zone.name, record_type="NS", ttl_seconds=NS_TTL_SECONDS, values=servers),
        RecordSet(name=zone.name, record_type="SOA", ttl_seconds=SOA_TTL_SECONDS, values=(soa,)),
    )
    return {zone.name: {TYPE_CODES[record.record_type]: [_entry(record)] for record in made}}


def _entry(record: RecordSet) -> Entry:
    code = TYPE_CODES[record.record_type]
    return Entry(
        record=record,
        data=tuple(
            dns.Record("", code, record.ttl_seconds, parse_value(record.record_type, value)) for value in record.values
        ),
    )


def _zone(hosted: HostedZone, by_record: Mapping[str, Mapping[int, Iterable[Entry]]]) -> Zone:
    names = set()
    for name in by_record:
        while name not in names and within(name, hosted.name):
            names.add(name)
            name = parent(name)
    return Zone(
        hosted=hosted,
        groups={name: {code: tuple(group) for code, group in types.items()} for name, types in by_record.items()},
        names=frozenset(names),
        delegated=frozenset(name for name, types in by_record.items() if dns.NS in types and name != hosted.name),
    )


def _refusal(
    record: RecordSet,
    zone: HostedZone | None,
    entries: Mapping[str, Mapping[str, Mapping[int, list[Entry]]]],
    *,
    hosted: Mapping[str, HostedZone],
    checks: frozenset[str],
) -> str | None:
    """Why ChangeResourceRecordSets would have refused this record; None where it would not
    (https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html)."""
    if zone is None:
        return (
            f"there is no hosted zone {record.zone_id or record.zone_name} in this world; declare it as an "
            "AWS::Route53::HostedZone, here or in a stack before this one"
        )
    if not within(record.name, zone.name):
        return f"the name is not in the zone {zone.name}"
    if record.health_check is not None and record.health_check not in checks:
        return f"there is no health check {record.health_check} in this world"
    if record.alias is not None and (why := _alias_refusal(record, zone, hosted)):
        return why
    others = entries[zone.name].get(record.name, {})
    if record.record_type == "CNAME" and record.name == zone.name:
        return "a CNAME is not permitted at the apex of a zone"
    if others and (record.record_type == "CNAME") != (dns.CNAME in others):
        return "a CNAME cannot stand beside records of other types"
    siblings = others.get(TYPE_CODES[record.record_type], [])
    if siblings and record.name == zone.name and record.record_type in ("NS", "SOA"):
        return None
    for sibling in siblings:
        if type(sibling.record.policy) is not type(record.policy):
            return "another record of the same name and type has another routing policy"
        if isinstance(record.policy, Simple) or sibling.record.set_identifier == record.set_identifier:
            return f"it already exists (SetIdentifier {record.set_identifier})"
        if sibling.record.policy == record.policy and type(record.policy).__name__ in _UNIQUE:
            return f"{sibling.record.set_identifier} has the same {_UNIQUE[type(record.policy).__name__]}"
    return None


_UNIQUE = {"Latency": "Region", "Failover": "Failover", "Geolocation": "GeoLocation"}


def _alias_refusal(record: RecordSet, zone: HostedZone, hosted: Mapping[str, HostedZone]) -> str | None:
    alias = record.alias
    assert alias is not None
    if alias.zone_id in hosted:
        if alias.zone_id != zone.id:
            return "an alias can only point to a record in its own hosted zone"
        return None if within(alias.name, zone.name) else f"the alias target {alias.name} is not in {zone.name}"
    target = parse_aws_name(alias.name)
    if target is None:
        return f"the alias target {alias.name} is neither in this hosted zone nor a name of an AWS service"
    table = {"execute-api": alias_zones.API_GATEWAY, "s3-website": alias_zones.S3_WEBSITE}.get(target.service)
    expected = alias_zones.CLOUDFRONT if target.service == "cloudfront" else (table or {}).get(target.region or "")
    if expected is not None and alias.zone_id != expected:
        return f"the HostedZoneId of {alias.name} is {expected}, not {alias.zone_id}"
    return None
