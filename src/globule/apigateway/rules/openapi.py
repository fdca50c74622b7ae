"""An API's OpenAPI document (`Body`) to routes: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html

Every operation needs an `x-amazon-apigateway-integration`. What such a document asks for and is not supported is
refused with the place in the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from globule.apigateway.model import (
    DEFAULT_ROUTE,
    Integration,
    LambdaIntegration,
    MockAnswer,
    MockIntegration,
    RestTarget,
    RouteTarget,
)
from globule.apigateway.rules.routing import ANY, is_route_template
from globule.wire.cors import Cors
from globule.world.resource_type import PropertyProblem

Path = tuple[str | int, ...]

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
HTTP_TIMEOUT_MS = 30_000
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
REST_TIMEOUT_MS = 29_000

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_ANY_METHOD = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_FUNCTION_URI = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(.+)/invocations")
_STATUS_TEMPLATE = re.compile(r'\s*\{\s*"?statusCode"?\s*:\s*"?(\d{3})"?\s*,?\s*\}\s*')


def http_routes(body: Mapping[str, Any]) -> tuple[RouteTarget, ...]:
    """The routes of an HTTP API. Raises PropertyProblem."""
    routes = []
    for path, method, operation, where in _operations(body):
        refuse_security(body, operation, where)
        integration = _integration(operation, where, timeout_ms=HTTP_TIMEOUT_MS, version=None)
        key = DEFAULT_ROUTE if path.lstrip("/") == DEFAULT_ROUTE else f"{method} {path}"
        routes.append(RouteTarget(key=key, integration=integration))
    return tuple(routes)


def rest_targets(body: Mapping[str, Any]) -> tuple[RestTarget, ...]:
    """The methods of a REST API. Raises PropertyProblem."""
    targets = []
    for path, method, operation, where in _operations(body):
        refuse_security(body, operation, where)
        integration = _integration(operation, where, timeout_ms=REST_TIMEOUT_MS, version="1.0")
        targets.append(RestTarget(path=path, method=method, integration=integration))
    return tuple(targets)


def cors_of(body: Mapping[str, Any]) -> Cors | None:
    """`x-amazon-apigateway-cors`"""
    cors = body.get("x-amazon-apigateway-cors")
    return None if cors is None else read_cors(cors)


def read_cors(cors: Mapping[str, Any]) -> Cors:
    """A CORS configuration, with members in either case (`allowOrigins`, `AllowOrigins`)."""
    members = {name[:1].lower() + name[1:]: value for name, value in cors.items()}
    return Cors(
        allow_credentials=bool(members.get("allowCredentials", False)),
        allow_headers=_strings(members.get("allowHeaders")),
        allow_methods=_strings(members.get("allowMethods")),
        allow_origins=_strings(members.get("allowOrigins")),
        expose_headers=_strings(members.get("exposeHeaders")),
        max_age_s=members.get("maxAge"),
    )


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _operations(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], Path]]:
    """Path, method, operation, and where it stands."""
    for path, item in body.get("paths", {}).items():
        where: Path = ("Body", "paths", path)
        if path.lstrip("/") != DEFAULT_ROUTE and not is_route_template(path):
            raise PropertyProblem(where, "not a path: variables are whole segments, and {proxy+} is the last one")
        for name, operation in (item or {}).items():
            if name.lower() in _METHODS:
                yield path, name.upper(), operation, (*where, name)
            elif name == _ANY_METHOD:
                yield path, ANY, operation, (*where, name)


def refuse_security(body: Mapping[str, Any], operation: Mapping[str, Any], where: Path) -> None:
    """Authorizers and API keys do not run here, and a route that needs one must not be open."""
    security = operation.get("security", body.get("security"))
    named = sorted({name for entry in security or () for name in entry if name != "NONE"})
    if named:
        raise PropertyProblem(
            (*where, "security"), f"authorization by {', '.join(named)} is not supported here; open routes are"
        )


def _integration(operation: Mapping[str, Any], where: Path, *, timeout_ms: int, version: str | None) -> Integration:
    integration = operation.get(_INTEGRATION)
    if integration is None:
        raise PropertyProblem(where, f"has no {_INTEGRATION}")
    where = (*where, _INTEGRATION)
    kind = str(integration.get("type", "")).upper()
    if kind == "AWS_PROXY" and "integrationSubtype" not in integration:
        return LambdaIntegration(
            function=function_of(str(integration.get("uri", "")), where),
            payload_version=version or str(integration.get("payloadFormatVersion", "1.0")),
            timeout_ms=_timeout(integration.get("timeoutInMillis"), timeout_ms, where),
        )
    if kind == "MOCK" and version is not None:
        return mock_integration(
            integration.get("requestTemplates", {}),
            {
                pattern: (answer["statusCode"], answer.get("responseParameters", {}), answer.get("responseTemplates"))
                for pattern, answer in integration.get("responses", {}).items()
            },
            where,
        )
    raise unsupported_integration(kind, where, mock=version is not None)


def unsupported_integration(kind: str, where: Path, *, mock: bool) -> PropertyProblem:
    supported = "AWS_PROXY with a function, and MOCK, are" if mock else "AWS_PROXY with a function is"
    return PropertyProblem(where, f"integrations of type {kind or '(none)'} are not supported here; {supported}")


def _timeout(given: Any, most_ms: int, where: Path) -> int:
    timeout_ms = most_ms if given is None else int(given)
    if not 50 <= timeout_ms <= most_ms:
        raise PropertyProblem(where, f"a time-out of {timeout_ms} ms is not between 50 and {most_ms}")
    return timeout_ms


def function_of(uri: str, where: Path) -> str:
    """The function that an integration's URI, or a function's own ARN, names. Raises PropertyProblem."""
    found = _FUNCTION_URI.fullmatch(uri)
    if found is not None:
        return found[1]
    if uri.startswith("arn:") and ":lambda:" in uri and ":function:" in uri:
        return uri
    raise PropertyProblem(where, f"{uri!r} does not name a function")


def mock_integration(
    request_templates: Mapping[str, str],
    answers: Mapping[str, tuple[Any, Mapping[str, Any], Mapping[str, str] | None]],
    where: Path,
) -> MockIntegration:
    """`answers` are status, response parameters and response templates, by selection pattern.

    Templates without variables are served; those with VTL in them are refused. Raises PropertyProblem.
    """
    template = next(iter(request_templates.values()), '{"statusCode": 200}')
    status = _STATUS_TEMPLATE.fullmatch(template)
    if status is None:
        raise PropertyProblem(where, 'a mock\'s request template can only be {"statusCode": NUMBER} here')
    return MockIntegration(
        status=int(status[1]),
        answers={
            pattern: _mock_answer(code, parameters, templates or {}, where)
            for pattern, (code, parameters, templates) in answers.items()
        },
    )


def _mock_answer(status: Any, parameters: Mapping[str, Any], templates: Mapping[str, str], where: Path) -> MockAnswer:
    headers = []
    for name, value in parameters.items():
        prefix, _, header = str(name).rpartition("method.response.header.")
        if prefix or not header or not (isinstance(value, str) and value[:1] == value[-1:] == "'" and len(value) > 1):
            raise PropertyProblem(where, f"the response parameter {name} is not a header with a 'constant' value")
        headers.append((header.lower(), value[1:-1]))
    content_type, body = next(iter(templates.items()), ("application/json", ""))
    if "$" in body or "#set" in body or "#if" in body or "#foreach" in body:
        raise PropertyProblem(where, "a mock's response template with variables (VTL) is not supported here")
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    return MockAnswer(status=int(status), headers=tuple(headers), body=body)
