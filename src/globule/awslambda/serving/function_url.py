"""Function URLs: a function behind an HTTPS endpoint of its own.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. The event is payload format 2.0; the path stays as
it was sent. With AWS_IAM a request must be signed; whose signature it is is not looked at, since there are no secrets
here.
"""

from __future__ import annotations

import logging

import msgspec

from globule.awslambda.model import Url
from globule.awslambda.rules.outcomes import REQUEST_LIMIT_BYTES
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.tracing import HEADER
from globule.wire import cors
from globule.wire.aws.errors import AwsError
from globule.wire.http import BodyTooLarge, Headers, Request, Response
from globule.wire.http_event import EventRequest, EventRoute, MalformedAnswer, event_2_0, read_answer

log = logging.getLogger(__name__)


class FunctionUrls:
    """The URLs of one region's functions."""

    def __init__(self, pool: FunctionPool, *, clock: Clock, entropy: Entropy) -> None:
        self._pool = pool
        self._clock = clock
        self._entropy = entropy

    def serves(self, host: str) -> bool:
        return host in self._pool.directory.urls

    async def handle(self, request: Request) -> Response:
        """Answer a request to a host that is served."""
        url = self._pool.directory.urls[request.host]
        if url.cors is not None and cors.is_preflight(request):
            return cors.answer_preflight(url.cors, request)
        response = await self._answer(request, url)
        if url.cors is not None:
            cors.decorate(url.cors, request.headers.get("origin"), response.headers)
        response.headers.set("x-amzn-requestid", self._entropy.bytes(16).hex())
        return response

    async def _answer(self, request: Request, url: Url) -> Response:
        if url.auth_type == "AWS_IAM" and not _is_signed(request):
            return _refuse(403, "Forbidden")
        try:
            event = self._event(request, url, await request.body.read(REQUEST_LIMIT_BYTES))
            trace = request.headers.get(HEADER)
            result = await self._pool.invoke(url.function_arn, event, qualifier=url.qualifier, trace=trace)
            if result.function_error is None:
                return read_answer(result.payload, inferred=True, default_type="application/json")
        except BodyTooLarge:
            return _refuse(413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
        except AwsError as error:
            if error.status == 429:
                return _refuse(429, "Rate Exceeded.")
            log.warning("%s: %s", request.host, error)
        except MalformedAnswer as error:
            log.warning("%s: %s", request.host, error)
        return _refuse(502, "Internal Server Error")

    def _event(self, request: Request, url: Url, body: bytes) -> bytes:
        headers = request.headers.copy()
        forwarded = headers.get("x-forwarded-for")
        source_ip = forwarded.rpartition(",")[2].strip() if forwarded else request.peer
        headers.set("x-forwarded-for", forwarded or source_ip)
        headers.set("x-forwarded-port", "443")
        headers.set("x-forwarded-proto", "https")
        facts = EventRequest(
            method=request.method,
            path=request.raw_path,
            query=request.query,
            headers=headers,
            body=body,
            source_ip=source_ip,
            domain_name=url.host,
            request_id=self._entropy.bytes(16).hex(),
            at=self._clock.now(),
        )
        route = EventRoute(
            account="anonymous", api_id=url.host.partition(".")[0], route_key="$default", stage="$default"
        )
        return event_2_0(facts, route)


def _is_signed(request: Request) -> bool:
    authorization = request.headers.get("authorization") or ""
    return authorization.startswith("AWS4-") or "X-Amz-Signature=" in request.query


def _refuse(status: int, message: str) -> Response:
    return Response(
        status=status,
        headers=Headers([("content-type", "application/json")]),
        body=msgspec.json.encode({"Message": message}),
    )
