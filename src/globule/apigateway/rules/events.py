"""Events in payload format 1.0, for REST APIs and for HTTP APIs that ask for it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
and http-api-develop-integrations-lambda.html. Members without a value are null.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from globule.wire.http_event import EventRequest, body_text, parse_query, request_time


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """How the request was routed."""

    account: str
    api_id: str
    stage: str
    resource: str
    """The path's template."""
    path_parameters: Mapping[str, str]
    stage_variables: Mapping[str, str]
    context_path: str
    """The path with the stage or the base path before it."""
    resource_id: str = ""
    deployment_id: str = ""


_NOBODY = {
    "accessKey": None,
    "accountId": None,
    "caller": None,
    "cognitoAmr": None,
    "cognitoAuthenticationProvider": None,
    "cognitoAuthenticationType": None,
    "cognitoIdentityId": None,
    "cognitoIdentityPoolId": None,
    "principalOrgId": None,
}


def http_event_1_0(request: EventRequest, route: Route, *, route_key: str) -> bytes:
    """The event of an HTTP API."""
    event: dict[str, Any] = {"version": "1.0", **_common(request, route, list(request.headers))}
    event["requestContext"]["extendedRequestId"] = request.request_id
    event["requestContext"]["resourceId"] = route_key
    event["requestContext"]["authorizer"] = None
    if request.body:
        event["body"], event["isBase64Encoded"] = body_text(request.body, request.headers.get("content-type"))
    return msgspec.json.encode(event)


def rest_event(request: EventRequest, route: Route, *, binary_types: tuple[str, ...]) -> bytes:
    """The event of a REST API. Names of header fields are in Title-Case, as REST APIs pass on what HTTP/1.1 clients
    send."""
    fields = [("-".join(part.capitalize() for part in name.split("-")), value) for name, value in request.headers]
    event = _common(request, route, fields)
    context = event["requestContext"]
    context["resourceId"] = route.resource_id
    context["deploymentId"] = route.deployment_id
    context["extendedRequestId"] = f"{request.request_id[:15]}="
    if request.body:
        if is_binary(request.headers.get("content-type"), binary_types):
            event["body"], event["isBase64Encoded"] = base64.b64encode(request.body).decode("ascii"), True
        else:
            event["body"] = request.body.decode("utf-8", "replace")
    return msgspec.json.encode(event)


def _common(request: EventRequest, route: Route, fields: list[tuple[str, str]]) -> dict[str, Any]:
    query = parse_query(request.query)
    return {
        "resource": route.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(fields),
        "multiValueHeaders": _several(fields),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _several(query) or None,
        "requestContext": {
            "accountId": route.account,
            "apiId": route.api_id,
            "domainName": request.domain_name,
            "domainPrefix": request.domain_name.partition(".")[0],
            "httpMethod": request.method,
            "identity": {
                **_NOBODY,
                "sourceIp": request.source_ip,
                "user": None,
                "userAgent": request.headers.get("user-agent"),
                "userArn": None,
            },
            "path": route.context_path,
            "protocol": "HTTP/1.1",
            "requestId": request.request_id,
            "requestTime": request_time(request.at),
            "requestTimeEpoch": int(request.at * 1000),
            "resourcePath": route.resource,
            "stage": route.stage,
        },
        "pathParameters": dict(route.path_parameters) or None,
        "stageVariables": dict(route.stage_variables) or None,
        "body": None,
        "isBase64Encoded": False,
    }


def _several(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for name, value in fields:
        result.setdefault(name, []).append(value)
    return result


def is_binary(media_types: str | None, binary_types: tuple[str, ...]) -> bool:
    """Whether the first type of a Content-Type or Accept field is one of an API's binary media types.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
    """
    first = (media_types or "").partition(",")[0].partition(";")[0].strip().lower()
    if "*/*" in binary_types:
        return True
    return bool(first) and (first in binary_types or f"{first.partition('/')[0]}/*" in binary_types)
