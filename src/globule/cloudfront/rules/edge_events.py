"""The event that a Lambda@Edge function is given
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

import msgspec

from globule.cloudfront.model import CustomOrigin, Event, Origin
from globule.cloudfront.rules.header_lists import is_forbidden_to_functions

Fields = list[tuple[str, str]]


class FunctionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a function sees it."""

    client_ip: str
    method: str
    uri: str
    query: str
    fields: Fields
    body: bytes | None = None
    """None where the function's association does not include the body."""
    origin: Origin | None = None
    """At origin events."""
    scheme: str = "https"
    """Of the request to the origin, at origin events."""


class FunctionResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response as a function sees it; functions never see a body."""

    status: int
    reason: str
    fields: Fields


def shown(name: str) -> bool:
    """Whether functions see a header of this name."""
    return name == "x-amz-cf-id" or not is_forbidden_to_functions(name)


def event(
    *,
    kind: Event,
    distribution_id: str,
    domain_name: str,
    request_id: str,
    request: FunctionRequest,
    body_limit: int,
    response: FunctionResponse | None = None,
) -> dict[str, Any]:
    """`body_limit`: a longer body is truncated, and the event says so."""
    cf: dict[str, Any] = {
        "config": {
            "distributionDomainName": domain_name,
            "distributionId": distribution_id,
            "eventType": kind,
            "requestId": request_id,
        },
        "request": _request(request, body_limit),
    }
    if response is not None:
        cf["response"] = {
            "status": str(response.status),
            "statusDescription": response.reason,
            "headers": headers(response.fields),
        }
    return {"Records": [{"cf": cf}]}


def headers(fields: Iterable[tuple[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Lower-case name to a list of key and value. Names on the wire are in lower case here, so the keys are spelt as
    people write them: `User-Agent`."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, value in fields:
        if shown(name):
            found.setdefault(name, []).append({"key": spelt(name), "value": value})
    return found


def spelt(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _request(request: FunctionRequest, body_limit: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "clientIp": request.client_ip,
        "headers": headers(request.fields),
        "method": request.method,
        "querystring": request.query,
        "uri": request.uri,
    }
    if request.body is not None:
        found["body"] = {
            "action": "read-only",
            "data": b64encode(request.body[:body_limit]).decode("ascii"),
            "encoding": "base64",
            "inputTruncated": len(request.body) > body_limit,
        }
    if request.origin is not None:
        found["origin"] = _origin(request.origin, request.scheme)
    return found


def _origin(origin: Origin, scheme: str) -> dict[str, Any]:
    common = {
        "customHeaders": headers((name.lower(), value) for name, value in origin.custom_headers),
        "domainName": origin.domain_name,
        "path": origin.path,
    }
    config = origin.config
    if isinstance(config, CustomOrigin):
        return {
            "custom": {
                **common,
                "keepaliveTimeout": int(config.keepalive_timeout),
                "port": config.http_port if scheme == "http" else config.https_port,
                "protocol": scheme,
                "readTimeout": int(config.read_timeout),
                "sslProtocols": list(config.ssl_protocols),
            }
        }
    identity = "origin-access-identity" if config.origin_access_identity else "none"
    return {"s3": {**common, "authMethod": identity, "region": s3_region(origin.domain_name)}}


def s3_region(domain_name: str) -> str:
    """The region in a bucket's name (`bucket.s3.eu-west-1.amazonaws.com`); empty in one without a region."""
    parts = domain_name.split(".")
    if "s3" in parts and parts[-2:] == ["amazonaws", "com"]:
        rest = parts[parts.index("s3") + 1 : -2]
        return rest[-1] if rest else ""
    return ""
