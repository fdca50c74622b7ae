"""The CloudFormation types of Route 53.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Route53.html
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from globule.route53.check_properties import check_of
from globule.route53.model import ENDPOINT_CHECKS, HealthCheck, HostedZone, RecordSet, RecordSetGroup
from globule.route53.record_properties import RECORD_PROPERTIES, name_in, record_of
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

# Ids of hosted zones have up to 32 characters; new ones have 21.
_ZONE_ID_CHARACTERS = 21
# The four top-level domains that the name servers of every zone are spread over, and how many servers each holds.
_SERVER_DOMAINS = ("com", "net", "org", "co.uk")
_SERVERS_EACH = 512


def _build_hosted_zone(declaration: Declaration) -> Built:
    zone = HostedZone(
        id=f"Z{declaration.token}"[:_ZONE_ID_CHARACTERS],
        name=name_in(declaration.properties, "Name", ()),
        name_servers=_name_servers(declaration.token),
    )
    return Built(physical_id=zone.id, attributes={"Id": zone.id, "NameServers": list(zone.name_servers)}, resource=zone)


def _name_servers(token: str) -> tuple[str, ...]:
    """Four names in AWS's form, such as `ns-1536.awsdns-00.co.uk`."""
    digest = hashlib.sha256(token.encode()).digest()
    servers = []
    for position, domain in enumerate(_SERVER_DOMAINS):
        within = int.from_bytes(digest[position * 2 : position * 2 + 2]) % _SERVERS_EACH
        servers.append(f"ns-{position * _SERVERS_EACH + within}.awsdns-{within % 64:02d}.{domain}")
    return tuple(servers)


def _build_record_set(declaration: Declaration) -> Built:
    record = record_of(declaration.properties, ())
    return Built(physical_id=record.name, resource=record)


def _build_record_set_group(declaration: Declaration) -> Built:
    """The group's zone is that of every record that does not name its own."""
    properties = declaration.properties
    listed = properties.get("RecordSets", [])
    if not isinstance(listed, list | tuple):
        raise PropertyProblem(("RecordSets",), "must be a list")
    zone: dict[str, Any] = {name: properties[name] for name in ("HostedZoneId", "HostedZoneName") if name in properties}
    records = []
    for position, item in enumerate(listed):
        path = ("RecordSets", position)
        if not isinstance(item, dict):
            raise PropertyProblem(path, "must be an object")
        for name in item:
            if name not in RECORD_PROPERTIES:
                raise PropertyProblem(
                    (*path, name), f"is not supported; supported: {', '.join(sorted(RECORD_PROPERTIES))}"
                )
        own_zone = "HostedZoneId" in item or "HostedZoneName" in item
        records.append(record_of(item if own_zone else {**zone, **item}, path))
    return Built(physical_id=declaration.generated_name(), resource=RecordSetGroup(records=tuple(records)))


def _build_health_check(declaration: Declaration) -> Built:
    digest = hashlib.sha256(declaration.token.encode()).digest()
    check = check_of(declaration.properties, check_id=str(uuid.UUID(bytes=digest[:16], version=4)))
    runs = check.kind in ENDPOINT_CHECKS or check.kind == "CALCULATED"
    return Built(
        physical_id=check.id,
        attributes={"HealthCheckId": check.id},
        resource=check,
        not_running=() if runs else ("HealthCheckConfig.Type",),
    )


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::Route53::HostedZone",
        properties=frozenset(("Name",)),
        recorded=frozenset(("HostedZoneConfig", "HostedZoneFeatures", "HostedZoneTags", "QueryLoggingConfig")),
        replaced_by=frozenset(("Name",)),
        build=_build_hosted_zone,
        model=HostedZone,
    ),
    ResourceType(
        name="AWS::Route53::RecordSet",
        properties=RECORD_PROPERTIES,
        recorded=frozenset(("Comment",)),
        replaced_by=frozenset(("HostedZoneId", "HostedZoneName", "Name")),
        build=_build_record_set,
        model=RecordSet,
    ),
    ResourceType(
        name="AWS::Route53::RecordSetGroup",
        properties=frozenset(("HostedZoneId", "HostedZoneName", "RecordSets")),
        recorded=frozenset(("Comment",)),
        replaced_by=frozenset(("HostedZoneId", "HostedZoneName")),
        build=_build_record_set_group,
        model=RecordSetGroup,
    ),
    ResourceType(
        name="AWS::Route53::HealthCheck",
        properties=frozenset(("HealthCheckConfig",)),
        recorded=frozenset(("HealthCheckTags",)),
        build=_build_health_check,
        model=HealthCheck,
    ),
)
