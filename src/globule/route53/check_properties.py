"""From the properties of a health check to its model.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from globule.route53.model import ENDPOINT_CHECKS, HealthCheck
from globule.route53.properties import Path, boolean, mapping, number, required_text, text, texts
from globule.route53.record_properties import name_in
from globule.route53.rules.health import CHECKER_REGIONS
from globule.world.places import place_of_address
from globule.world.resource_type import PropertyProblem

_PROBED = (
    "EnableSNI",
    "FailureThreshold",
    "FullyQualifiedDomainName",
    "IPAddress",
    "MeasureLatency",
    "Port",
    "Regions",
)
_ALWAYS = ("Inverted", "Type")
# What each type may say; the rest is refused by name.
_MEMBERS = {
    "HTTP": (*_ALWAYS, *_PROBED, "RequestInterval", "ResourcePath"),
    "HTTPS": (*_ALWAYS, *_PROBED, "RequestInterval", "ResourcePath"),
    "HTTP_STR_MATCH": (*_ALWAYS, *_PROBED, "RequestInterval", "ResourcePath", "SearchString"),
    "HTTPS_STR_MATCH": (*_ALWAYS, *_PROBED, "RequestInterval", "ResourcePath", "SearchString"),
    "TCP": (*_ALWAYS, *_PROBED, "RequestInterval"),
    "CALCULATED": (*_ALWAYS, "ChildHealthChecks", "HealthThreshold"),
    "CLOUDWATCH_METRIC": (*_ALWAYS, "AlarmIdentifier", "InsufficientDataHealthStatus"),
    "RECOVERY_CONTROL": (*_ALWAYS, "RoutingControlArn"),
}
# "You must specify at least three regions"; the limits of the other members are from the same page.
_LEAST_REGIONS = 3
_CHILDREN_LIMIT = 255
_SEARCH_LIMIT_CHARACTERS = 255
_PATH_LIMIT_CHARACTERS = 255


def check_of(properties: Mapping[str, Any], *, check_id: str) -> HealthCheck:
    """Raises PropertyProblem."""
    path: Path = ("HealthCheckConfig",)
    every = {member for members in _MEMBERS.values() for member in members}
    config = mapping(properties, "HealthCheckConfig", (), every)
    if config is None:
        raise PropertyProblem(path, "is required")
    kind = required_text(config, "Type", path)
    if kind not in _MEMBERS:
        raise PropertyProblem((*path, "Type"), f"must be one of {', '.join(_MEMBERS)}")
    mapping(properties, "HealthCheckConfig", (), _MEMBERS[kind])
    inverted = boolean(config, "Inverted", path)
    if kind == "CALCULATED":
        return HealthCheck(id=check_id, kind=kind, inverted=inverted, **_children(config, path))
    if kind not in ENDPOINT_CHECKS:
        return HealthCheck(id=check_id, kind=kind, inverted=inverted)
    interval_seconds = number(config, "RequestInterval", path, least=10, most=30) or 30
    if interval_seconds not in (10, 30):
        raise PropertyProblem((*path, "RequestInterval"), "must be 10 or 30")
    return HealthCheck(
        id=check_id,
        kind=kind,
        inverted=inverted,
        interval_seconds=interval_seconds,
        failure_threshold=number(config, "FailureThreshold", path, least=1, most=10) or 3,
        regions=_checkers(config, path),
        search=_search(config, path, kind),
        **_endpoint(config, path, kind),
    )


def _children(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    children = texts(config, "ChildHealthChecks", path)
    if len(children) > _CHILDREN_LIMIT:
        raise PropertyProblem((*path, "ChildHealthChecks"), f"a health check has at most {_CHILDREN_LIMIT} children")
    threshold = number(config, "HealthThreshold", path, least=0, most=256)
    return {"children": children, "health_threshold": len(children) if threshold is None else threshold}


def _endpoint(config: Mapping[str, Any], path: Path, kind: str) -> dict[str, Any]:
    address = text(config, "IPAddress", path)
    has_domain = config.get("FullyQualifiedDomainName") is not None
    if address is None and not has_domain:
        raise PropertyProblem(path, "give an IPAddress or a FullyQualifiedDomainName")
    if address is not None and not _is_of_this_world(address):
        raise PropertyProblem(
            (*path, "IPAddress"), f"{address} is not an address of this world; use FullyQualifiedDomainName"
        )
    port = number(config, "Port", path, least=1, most=65_535)
    if port is None and kind == "TCP":
        raise PropertyProblem((*path, "Port"), "is required for TCP")
    resource_path = text(config, "ResourcePath", path) or "/"
    if len(resource_path) > _PATH_LIMIT_CHARACTERS or not resource_path.isascii() or not resource_path.isprintable():
        raise PropertyProblem((*path, "ResourcePath"), f"must be up to {_PATH_LIMIT_CHARACTERS} ASCII characters")
    return {
        "address": address,
        "domain": name_in(config, "FullyQualifiedDomainName", path) if has_domain else None,
        "port": port or (443 if kind.startswith("HTTPS") else 80),
        "path": ("" if resource_path.startswith("/") else "/") + resource_path.replace(" ", "%20"),
    }


def _is_of_this_world(address: str) -> bool:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return place_of_address(address) is not None


def _checkers(config: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    regions = texts(config, "Regions", path) or CHECKER_REGIONS
    if len(set(regions)) < _LEAST_REGIONS or not set(regions) <= set(CHECKER_REGIONS):
        raise PropertyProblem((*path, "Regions"), f"name at least {_LEAST_REGIONS} of {', '.join(CHECKER_REGIONS)}")
    return tuple(region for region in CHECKER_REGIONS if region in regions)


def _search(config: Mapping[str, Any], path: Path, kind: str) -> str:
    if not kind.endswith("STR_MATCH"):
        return ""
    search = required_text(config, "SearchString", path)
    if len(search) > _SEARCH_LIMIT_CHARACTERS:
        raise PropertyProblem((*path, "SearchString"), f"has at most {_SEARCH_LIMIT_CHARACTERS} characters")
    return search
