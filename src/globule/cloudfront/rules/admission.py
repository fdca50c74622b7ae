"""May this request in? Which behavior is it for? Decided before any function runs and before the cache.

Steps, in order: the size of the request; the distribution; the viewer's country; the behavior; the method; a body
where none may be; the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from globule.cloudfront.model import GeoRestriction
from globule.cloudfront.rules import failures
from globule.cloudfront.rules.configuration import Configuration, Settings
from globule.cloudfront.rules.failures import Refused
from globule.cloudfront.rules.paths import normalised
from globule.cloudfront.rules.requests import ViewerRequest

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-general
HEAD_LIMIT_BYTES = 20_480
URL_LIMIT_BYTES = 8_192


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """To the same address over HTTPS."""

    status: int
    location: str


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    configuration: Configuration
    settings: Settings


class Names:
    """Finds a distribution by the name that a viewer asks for."""

    def __init__(self, configurations: Mapping[str, Configuration]) -> None:
        """`configurations` by name: domain names of distributions, and aliases with their wildcards."""
        self._exact = {name: found for name, found in configurations.items() if not name.startswith("*.")}
        self._wildcards = {name[1:]: found for name, found in configurations.items() if name.startswith("*.")}

    def find(self, host: str) -> Configuration | None:
        """`host` in lower case, without port. An exact name wins over a wildcard, a longer wildcard over a shorter
        one (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html)."""
        found = self._exact.get(host)
        start = host.find(".")
        while found is None and start > 0 and self._wildcards:
            found = self._wildcards.get(host[start:])
            start = host.find(".", start + 1)
        return found


def admit(
    configuration: Configuration | None, request: ViewerRequest, *, host: str, has_body: bool
) -> Admitted | Redirect | Refused:
    if not request.uri.startswith("/"):
        return failures.BAD_REQUEST
    if len(request.uri) + len(request.query) > URL_LIMIT_BYTES:
        return failures.TOO_LARGE
    if configuration is None or not configuration.distribution.enabled:
        return failures.NO_DISTRIBUTION
    if _is_blocked(configuration.distribution.geo_restriction, request.viewer.place.country):
        return failures.COUNTRY_BLOCKED
    settings = configuration.settings_for(normalised(request.uri))
    if request.method not in settings.behavior.allowed_methods:
        return failures.METHOD_NOT_ALLOWED
    if has_body and request.method in ("GET", "HEAD"):
        return failures.BODY_WITH_GET
    if request.viewer.scheme == "http":
        match settings.behavior.viewer_protocol_policy:
            case "https-only":
                return failures.HTTPS_ONLY
            case "redirect-to-https":
                query = f"?{request.query}" if request.query else ""
                return Redirect(
                    status=301 if request.method in ("GET", "HEAD") else 307,
                    location=f"https://{host}{request.uri}{query}",
                )
    return Admitted(configuration=configuration, settings=settings)


def _is_blocked(restriction: GeoRestriction, country: str) -> bool:
    match restriction.kind:
        case "whitelist":
            return country not in restriction.countries
        case "blacklist":
            return country in restriction.countries
        case _:
            return False


def object_path(uri: str, default_root_object: str) -> str:
    """The default root object stands for `/` and for nothing else (https://docs.aws.amazon.com/AmazonCloudFront/
    latest/DeveloperGuide/DefaultRootObject.html)."""
    return f"/{default_root_object}" if uri == "/" and default_root_object else uri
