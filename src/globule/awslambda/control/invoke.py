"""Invoke: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from globule.awslambda.rules.outcomes import EVENT_LIMIT_BYTES, REQUEST_LIMIT_BYTES, request_too_large
from globule.host.tracing import HEADER
from globule.wire.aws.errors import AwsError
from globule.wire.http import BodyTooLarge, Headers, Request, Response

if TYPE_CHECKING:
    from globule.awslambda.control.service import Backends

TYPES = ("RequestResponse", "Event", "DryRun")


async def invoke(backends: Backends, request: Request, name: str) -> Response:
    """Raises AwsError."""
    kind = request.headers.get("x-amz-invocation-type") or "RequestResponse"
    if kind not in TYPES:
        raise AwsError(
            "InvalidParameterValueException",
            f"1 validation error detected: Value '{kind[:100]}' at 'invocationType' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(TYPES)}]",
        )
    qualifier = next(iter(parse_qs(request.query).get("Qualifier", ())), None)
    payload = await _payload(request, event=kind == "Event")
    trace = request.headers.get(HEADER)
    if kind == "DryRun":
        backends.pool.directory.resolve(name, qualifier, chance=0)
        return Response(status=204)
    if kind == "Event":
        backends.asynchronous.submit(name, payload, qualifier=qualifier, trace=trace)
        return Response(status=202)
    result = await backends.pool.invoke(
        name, payload, qualifier=qualifier, trace=trace, client_context=_client_context(request)
    )
    headers = Headers([("content-type", "application/json"), ("x-amz-executed-version", result.executed_version)])
    if result.function_error is not None:
        headers.add("x-amz-function-error", result.function_error)
    if (request.headers.get("x-amz-log-type") or "").lower() == "tail":
        headers.add("x-amz-log-result", base64.b64encode(result.log_tail).decode("ascii"))
    return Response(status=200, headers=headers, body=result.payload)


async def _payload(request: Request, *, event: bool) -> bytes:
    limit_bytes = EVENT_LIMIT_BYTES if event else REQUEST_LIMIT_BYTES
    try:
        payload = await request.body.read(limit_bytes)
    except BodyTooLarge:
        too_large = request_too_large(limit_bytes + 1, event=event)
        assert too_large is not None
        raise too_large from None
    if payload:
        try:
            msgspec.json.decode(payload, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            raise AwsError(
                "InvalidRequestContentException", f"Could not parse request body into json: {error}", details=_USER
            ) from error
    return payload


_USER = {"Type": "User"}


def _client_context(request: Request) -> str | None:
    """The JSON of X-Amz-Client-Context, in one line."""
    given = request.headers.get("x-amz-client-context")
    if given is None:
        return None
    try:
        return msgspec.json.format(base64.b64decode(given, validate=True), indent=-1).decode("ascii")
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from error
