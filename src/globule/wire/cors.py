"""Cross-origin resource sharing, as HTTP APIs and function URLs answer it for the functions behind them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html and
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors: once it is configured, the service
answers preflight requests itself, adds the fields to every answer, and drops those that the function sets.
"""

from __future__ import annotations

import msgspec

from globule.wire.http import Headers, Request, Response

_FIELDS = frozenset({
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
})  # fmt: skip


class Cors(msgspec.Struct, frozen=True, kw_only=True):
    """What browsers may do. An origin is `*`, `https://*`, `http://*`, or one origin."""

    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None


def is_preflight(request: Request) -> bool:
    """https://fetch.spec.whatwg.org/#cors-preflight-request"""
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def answer_preflight(cors: Cors, request: Request) -> Response:
    """Without the fields, and so a refusal, where the origin is not allowed."""
    headers = Headers()
    origin = _allowed_origin(cors, request.headers.get("origin"))
    if origin is not None:
        headers.add("access-control-allow-origin", origin)
        if cors.allow_methods:
            headers.add("access-control-allow-methods", ",".join(cors.allow_methods))
        if cors.allow_headers:
            headers.add("access-control-allow-headers", ",".join(cors.allow_headers))
        if cors.max_age_s is not None:
            headers.add("access-control-max-age", str(cors.max_age_s))
        if cors.allow_credentials:
            headers.add("access-control-allow-credentials", "true")
    return Response(status=204, headers=headers)


def decorate(cors: Cors, origin: str | None, headers: Headers) -> None:
    """Put the fields of an answer to a request from `origin`; the function's own go."""
    headers.fields = [field for field in headers.fields if field[0] not in _FIELDS]
    allowed = _allowed_origin(cors, origin)
    if allowed is None:
        return
    headers.add("access-control-allow-origin", allowed)
    if cors.expose_headers:
        headers.add("access-control-expose-headers", ",".join(cors.expose_headers))
    if cors.allow_credentials:
        headers.add("access-control-allow-credentials", "true")


def _allowed_origin(cors: Cors, origin: str | None) -> str | None:
    """The value of Access-Control-Allow-Origin."""
    if origin is None:
        return None
    if "*" in cors.allow_origins:
        return origin if cors.allow_credentials else "*"
    scheme = origin.partition("://")[0]
    if f"{scheme}://*" in cors.allow_origins:
        return origin
    return origin if any(origin.lower() == allowed.lower() for allowed in cors.allow_origins) else None
