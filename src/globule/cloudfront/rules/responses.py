"""What of an origin's response is kept, and what a viewer gets.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#ResponseBehaviorCustomOrigin
and, for response headers policies, .../understanding-response-headers-policies.html: they act when a response leaves
the cache, removals before additions, CORS headers only on requests that are CORS; they never change how long
something is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from globule.cloudfront.model import Cors, ResponseHeadersPolicy
from globule.cloudfront.rules.header_lists import HOP_BY_HOP
from globule.cloudfront.rules.lifetime import directives

Fields = list[tuple[str, str]]

# Our own, and those that the server computes for each answer.
_DROPPED = HOP_BY_HOP | {"content-length", "age", "via", "x-cache", "x-amz-cf-pop", "x-amz-cf-id", "alt-svc"}


def kept_fields(fields: Iterable[tuple[str, str]], *, forwards_cookies: bool) -> Fields:
    """An origin's response headers without what belongs to one connection, and without Set-Cookie unless cookies
    are forwarded."""
    return [field for field in fields if field[0] not in _DROPPED and (forwards_cookies or field[0] != "set-cookie")]


def replayed_fields(fields: Fields) -> Fields:
    """What a later viewer gets of a kept response: all of it, but for headers that Cache-Control names as the first
    one's own (`no-cache="Set-Cookie"`)."""
    if not any(name == "cache-control" and '="' in value for name, value in fields):
        return fields
    own = directives(fields).own_fields
    return [field for field in fields if field[0] not in own]


def stated_age(fields: Fields) -> int | None:
    """What a cache in front of the origin says of a response's age."""
    value = next((value for name, value in fields if name == "age"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def merged_fields(stored: Fields, revalidation: Fields) -> Fields:
    """A stored response's headers after a 304 (RFC 9111 section 3.2): the new ones replace those of their name, but
    those that describe the stored body stay."""
    fresh = [field for field in revalidation if field[0] not in _DESCRIBES_BODY]
    names = {name for name, _ in fresh}
    return [field for field in stored if field[0] not in names] + fresh


_DESCRIBES_BODY = frozenset({"content-encoding", "content-length", "content-range", "content-type"})


def with_policy(
    fields: Fields, policy: ResponseHeadersPolicy | None, *, origin_header: str | None, preflight: bool
) -> Fields:
    """A response headers policy at work. `origin_header` is the viewer's Origin, which makes a request CORS."""
    if policy is None:
        return fields
    result = [field for field in fields if field[0] not in policy.removed]
    if "server" in policy.removed:
        result.append(("server", "CloudFront"))
    for header in policy.added:
        result = _add(result, header.name.lower(), header.value, override=header.override)
    if policy.cors is not None and origin_header is not None:
        result = _with_cors(result, policy.cors, origin_header, preflight=preflight)
    return result


def _add(fields: Fields, name: str, value: str, *, override: bool) -> Fields:
    present = any(key == name for key, _ in fields)
    if present and not override:
        return fields
    return [field for field in fields if field[0] != name] + [(name, value)]


def _with_cors(fields: Fields, cors: Cors, origin: str, *, preflight: bool) -> Fields:
    """With OriginOverride false, any CORS header of the origin keeps all of the policy's away."""
    if not cors.override and any(name.startswith("access-control-") for name, _ in fields):
        return fields
    allowed = _allowed_origin(cors, origin)
    if allowed is None:
        return fields
    result = [field for field in fields if not field[0].startswith("access-control-")]
    result.append(("access-control-allow-origin", allowed))
    if allowed != "*":
        result.append(("vary", "Origin"))
    if cors.allow_credentials:
        result.append(("access-control-allow-credentials", "true"))
    if cors.expose_headers:
        result.append(("access-control-expose-headers", ", ".join(cors.expose_headers)))
    if preflight:
        if cors.allow_methods:
            result.append(("access-control-allow-methods", ", ".join(cors.allow_methods)))
        if cors.allow_headers:
            result.append(("access-control-allow-headers", ", ".join(cors.allow_headers)))
        if cors.max_age is not None:
            result.append(("access-control-max-age", str(cors.max_age)))
    return result


def _allowed_origin(cors: Cors, origin: str) -> str | None:
    if "*" in cors.allow_origins:
        return "*"
    for allowed in cors.allow_origins:
        if allowed == origin or (allowed.count("*") == 1 and _matches(allowed, origin)):
            return origin
    return None


def _matches(pattern: str, origin: str) -> bool:
    """`https://*.example.com`: the star is one or more labels."""
    head, _, tail = pattern.partition("*")
    middle = origin[len(head) : len(origin) - len(tail)]
    return origin.startswith(head) and origin.endswith(tail) and bool(middle) and "/" not in middle


def server_timing(x_cache: str, pop: str, request_id: str) -> str:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html#server-timing-header"""
    if x_cache.startswith("Hit"):
        result = 'cdn-cache-hit,cdn-hit-layer;desc="EDGE"'
    elif x_cache.startswith("RefreshHit"):
        result = 'cdn-cache-refresh,cdn-hit-layer;desc="EDGE"'
    else:
        result = "cdn-cache-miss"
    return f'{result},cdn-pop;desc="{pop}",cdn-rid;desc="{request_id}"'
