"""API Gateway's data plane of one region: from a request by Host to a function and back.

How it works: a new world becomes a `Table`; a request is located in it (host, stage or base path), routed, turned
into an event, and handed to the Invoker; the answer is read back into a response. All of these are rules; this file
is their order.

It authenticates nobody and throttles nobody: routes that ask for an authorizer are refused when their stack is
planned.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import unquote

import msgspec

from globule.apigateway.model import (
    DEFAULT_ROUTE,
    DEFAULT_STAGE,
    Integration,
    LambdaIntegration,
    MockAnswer,
    MockIntegration,
)
from globule.apigateway.rules.events import Route, http_event_1_0, is_binary, rest_event
from globule.apigateway.rules.mock import select_answer
from globule.apigateway.rules.table import NoPlace, Place, Table, function_name
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.functions import InvocationResult, Invoker
from globule.host.tracing import HEADER, Tracer, sampled
from globule.wire import cors
from globule.wire.aws.errors import AwsError
from globule.wire.http import BodyTooLarge, Headers, Request, Response
from globule.wire.http_event import EventRequest, EventRoute, MalformedAnswer, event_2_0, read_answer
from globule.world.snapshot import World

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html: 10 MB, for both kinds.
REQUEST_LIMIT_BYTES = 10 * 1024 * 1024


class ApiGatewayService:
    """Implements `host.service.Service`."""

    def __init__(self, region: str, invoker: Invoker, *, clock: Clock, entropy: Entropy, tracer: Tracer) -> None:
        self._region = region
        self._invoker = invoker
        self._clock = clock
        self._entropy = entropy
        self._tracer = tracer
        self._table = Table(World(), region)
        self._requests = 0
        self._errors = 0

    def __repr__(self) -> str:
        return f"<ApiGatewayService {self._region} apis={len(self._table.apis)} requests={self._requests}>"

    async def follow(self, world: World) -> None:
        self._table = Table(world, self._region)

    def problems(self) -> list[str]:
        return list(self._table.problems)

    def serves(self, host: str) -> bool:
        """Whether a host, in lower case and without a port, is one of ours."""
        return self._table.serves(host)

    def statistics(self) -> dict[str, Any]:
        return {"apis": len(self._table.apis), "requests": self._requests, "server_errors": self._errors}

    async def close(self) -> None:
        """Nothing is held."""

    async def handle(self, request: Request) -> Response:
        began = self._clock.now()
        self._requests += 1
        call = _Call(request, self._new_trace(request), self._new_request_id(), began)
        response = await self._answer(call)
        self._errors += response.status >= 500
        trace = sampled(call.trace)
        if trace is not None:
            note = f"{request.method} {request.raw_path} {response.status}"
            ended = self._clock.now()
            self._tracer.record(trace, "gateway", place=self._region, start=began, end=ended, note=note)
        return response

    async def _answer(self, call: _Call) -> Response:
        request = call.request
        # HTTP APIs route and report the decoded path, REST APIs the encoded one; which it is follows from the host.
        place = self._table.locate(request.host, request.raw_path)
        if isinstance(place, NoPlace):
            return _refuse(place.status, place.message)
        try:
            call.body = await request.body.read(REQUEST_LIMIT_BYTES)
        except BodyTooLarge:
            return _refuse(413, "Request Entity Too Large" if place.api.kind == "HTTP" else "Request Too Long")
        if place.api.kind == "REST":
            response = await self._answer_rest(call, place)
            response.headers.set("x-amzn-requestid", call.request_id)
            response.headers.set("x-amz-apigw-id", f"{call.request_id[:15]}=")
        else:
            response = await self._answer_http(call, place)
            response.headers.set("apigw-requestid", f"{call.request_id[:15]}=")
        return response

    # HTTP APIs.

    async def _answer_http(self, call: _Call, place: Place) -> Response:
        policy = place.api.cors
        if policy is not None and cors.is_preflight(call.request):
            return cors.answer_preflight(policy, call.request)
        response = await self._route_http(call, place)
        if policy is not None:
            cors.decorate(policy, call.request.headers.get("origin"), response.headers)
        return response

    async def _route_http(self, call: _Call, place: Place) -> Response:
        # AWS cuts a path at a question mark that appears when it is decoded.
        path = unquote(place.path).partition("?")[0]
        found = place.api.http.find(call.request.method, path)
        if found is not None:
            (key, integration), template, parameters = found.target, found.path, found.parameters
        elif place.api.default is not None:
            key, integration, template, parameters = DEFAULT_ROUTE, place.api.default, DEFAULT_ROUTE, {}
        else:
            return _refuse(404, "Not Found")
        assert isinstance(integration, LambdaIntegration)
        prefix = "" if place.stage.name == DEFAULT_STAGE else f"/{place.stage.name}"
        two = integration.payload_version == "2.0"
        if two:
            route = EventRoute(
                account=place.api.account,
                api_id=place.api.api_id,
                route_key=key,
                stage=place.stage.name,
                path_parameters=parameters,
                stage_variables=place.stage.variables,
            )
            event = event_2_0(call.event_request(prefix + path), route)
        else:
            shown = (place.base_path if place.custom else prefix) + path
            event = http_event_1_0(call.event_request(shown), _route(place, template, parameters, shown), route_key=key)
        try:
            result = await self._invoke(call, integration, place, event)
            if result.function_error is not None:
                return _refuse(500, "Internal Server Error")
            return read_answer(result.payload, inferred=two, default_type="text/plain;charset=utf-8")
        except TimeoutError:
            return _refuse(503, "Service Unavailable")
        except AwsError as error:
            log.warning("%s %s: %s", call.request.method, call.request.raw_path, error)
        except MalformedAnswer as error:
            log.warning("%s %s: %s", call.request.method, call.request.raw_path, error)
        return _refuse(500, "Internal Server Error")

    # REST APIs.

    async def _answer_rest(self, call: _Call, place: Place) -> Response:
        found = place.api.rest.find_by_path(call.request.method, place.path)
        if found is None:
            return _refuse(403, "Missing Authentication Token", kind="MissingAuthenticationTokenException")
        parameters = {name: unquote(value) for name, value in found.parameters.items()}
        integration = found.target.integration
        if isinstance(integration, MockIntegration):
            return _mock(integration)
        shown = place.base_path + place.path
        context_path = shown if place.custom else f"/{place.stage.name}{place.path}"
        route = _route(place, found.path, parameters, context_path, resource_id=found.target.resource_id)
        event = rest_event(call.event_request(shown), route, binary_types=place.api.binary_types)
        try:
            result = await self._invoke(call, integration, place, event)
        except TimeoutError:
            return _refuse(504, "Endpoint request timed out")
        except AwsError as error:
            log.warning("%s %s: %s", call.request.method, call.request.raw_path, error)
            return _refuse(500, "Internal server error", kind="InternalServerErrorException")
        accepted = is_binary(call.request.headers.get("accept"), place.api.binary_types)
        return self._read_rest(call, result, accepts_binary=accepted)

    def _read_rest(self, call: _Call, result: InvocationResult, *, accepts_binary: bool) -> Response:
        refusal = _refuse(502, "Internal server error", kind="InternalServerErrorException")
        if result.function_error is not None:
            return refusal
        try:
            payload = result.payload if accepts_binary else _without_base64(result.payload)
            return read_answer(payload, inferred=False, default_type="application/json")
        except MalformedAnswer as error:
            log.warning("%s %s: malformed Lambda proxy response: %s", call.request.method, call.request.target, error)
            return refusal

    async def _invoke(self, call: _Call, integration: Integration, place: Place, event: bytes) -> InvocationResult:
        """Raises TimeoutError, AwsError."""
        assert isinstance(integration, LambdaIntegration)
        function = function_name(integration, place.stage)
        async with asyncio.timeout(integration.timeout_ms / 1000):
            return await self._invoker.invoke(function, event, trace=call.trace)

    def _new_trace(self, request: Request) -> str:
        """The request's own trace header, or a new one that asks nobody to record anything."""
        given = request.headers.get(HEADER)
        if given is not None:
            return given
        return f"Root=1-{int(self._clock.now()):08x}-{self._entropy.bytes(12).hex()}"

    def _new_request_id(self) -> str:
        digits = self._entropy.bytes(16).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# What API Gateway itself says to the function.
_OWN_FIELDS = frozenset({"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"})


class _Call:
    """One request, with what API Gateway adds to it."""

    __slots__ = ("at", "body", "request", "request_id", "trace")

    def __init__(self, request: Request, trace: str, request_id: str, at: float) -> None:
        self.request = request
        self.trace = trace
        self.request_id = request_id
        self.at = at
        self.body = b""

    def event_request(self, path: str) -> EventRequest:
        """The caller's address is the last hop that a proxy in front of us has seen, or the connection's peer."""
        forwarded = self.request.headers.get("x-forwarded-for")
        source_ip = forwarded.rpartition(",")[2].strip() if forwarded else self.request.peer
        headers = Headers(field for field in self.request.headers if field[0] not in _OWN_FIELDS)
        headers.fields += [
            ("x-amzn-trace-id", self.trace),
            ("x-forwarded-for", forwarded or source_ip),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
        ]
        return EventRequest(
            method=self.request.method,
            path=path,
            query=self.request.query,
            headers=headers,
            body=self.body,
            source_ip=source_ip,
            domain_name=self.request.host,
            request_id=self.request_id,
            at=self.at,
        )


def _route(
    place: Place, template: str, parameters: dict[str, str], context_path: str, *, resource_id: str = ""
) -> Route:
    return Route(
        account=place.api.account,
        api_id=place.api.api_id,
        stage=place.stage.name,
        resource=template,
        path_parameters=parameters,
        stage_variables=place.stage.variables,
        context_path=context_path,
        resource_id=resource_id,
        deployment_id=place.stage.deployment_id,
    )


def _mock(integration: MockIntegration) -> Response:
    answer: MockAnswer | None = select_answer(integration)
    if answer is None:
        return _refuse(500, "Internal server error", kind="InternalServerErrorException")
    return Response(status=answer.status, headers=Headers(answer.headers), body=answer.body.encode())


def _without_base64(payload: bytes) -> bytes:
    """A REST API decodes base64 only for clients that accept a binary media type."""
    if b"isBase64Encoded" not in payload:
        return payload
    try:
        answer = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload
    if isinstance(answer, dict):
        answer.pop("isBase64Encoded", None)
    return msgspec.json.encode(answer)


def _refuse(status: int, message: str, *, kind: str | None = None) -> Response:
    """An error of API Gateway's own."""
    headers = Headers([("content-type", "application/json")])
    if kind is not None:
        headers.add("x-amzn-errortype", kind)
    return Response(status=status, headers=headers, body=msgspec.json.encode({"message": message}))
