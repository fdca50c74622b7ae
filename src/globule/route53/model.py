"""Hosted zones, records and health checks: what should be answered, and what is probed.

Names are in lower case, without a final dot; `*` stands for itself.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class HostedZone(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Route53::HostedZone"):
    """A public zone. Its NS and SOA records follow from its name servers."""

    id: str
    name: str
    name_servers: tuple[str, ...]


class Simple(msgspec.Struct, frozen=True, tag="simple"):
    """The only record of its name and type."""


class Weighted(msgspec.Struct, frozen=True, tag="weighted"):
    weight: int
    """From 0 to 255; 0 means: only where nothing else is healthy."""


class Latency(msgspec.Struct, frozen=True, tag="latency"):
    region: str


class Failover(msgspec.Struct, frozen=True, tag="failover"):
    role: Literal["PRIMARY", "SECONDARY"]


class Geolocation(msgspec.Struct, frozen=True, kw_only=True, tag="geolocation"):
    """Both None for the default record (`CountryCode: "*"`)."""

    continent: str | None = None
    country: str | None = None


class Geoproximity(msgspec.Struct, frozen=True, kw_only=True, tag="geoproximity"):
    latitude: float
    longitude: float
    bias: int = 0


class Multivalue(msgspec.Struct, frozen=True, tag="multivalue"):
    """Up to eight healthy ones are answered together."""


Policy = Simple | Weighted | Latency | Failover | Geolocation | Geoproximity | Multivalue


class AliasTarget(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    zone_id: str
    evaluate_health: bool = False


class RecordSet(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Route53::RecordSet"):
    """One resource record set: values, or an alias."""

    name: str
    record_type: str
    """`A`, `CNAME`, ..."""
    policy: Policy = Simple()
    ttl_seconds: int = 0
    """Of the values; an alias has its target's."""
    values: tuple[str, ...] = ()
    """As in a zone file."""
    alias: AliasTarget | None = None
    set_identifier: str | None = None
    health_check: str | None = None
    zone_id: str | None = None
    zone_name: str | None = None
    """One of the two says which zone the record is in."""


class RecordSetGroup(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Route53::RecordSetGroup"):
    records: tuple[RecordSet, ...]


ENDPOINT_CHECKS = frozenset(("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"))


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Route53::HealthCheck"):
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html"""

    id: str
    kind: str
    """`HTTP`, `HTTPS_STR_MATCH`, `TCP`, `CALCULATED`, ..."""
    address: str | None = None
    domain: str | None = None
    """What is probed where there is no address; else only the Host that is sent."""
    port: int = 80
    path: str = "/"
    search: str = ""
    """What the body must hold (the types that end in STR_MATCH)."""
    interval_seconds: int = 30
    failure_threshold: int = 3
    inverted: bool = False
    disabled: bool = False
    """No template can say so, only the API."""
    regions: tuple[str, ...] = ()
    """Of the checkers."""
    children: tuple[str, ...] = ()
    health_threshold: int = 0
    """How many children must be healthy (CALCULATED)."""
