"""DynamoDB and DynamoDB Streams of one region, as the process that runs it sees them.

Requests are JSON over HTTP (AWS's JSON 1.0 protocol, https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html):
POST, with the operation in X-Amz-Target. An answer carries its own CRC-32, which AWS's SDKs check. Signatures are
not checked.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from globule.dynamodb.control.limits import described_endpoints
from globule.dynamodb.rules.errors import not_found
from globule.dynamodb.rules.values import ShapeProblem
from globule.dynamodb.serving.dispatch import OPERATIONS, UNSUPPORTED, Operation
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.tables import Peers, TableNotFound, Tables
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.tracing import HEADER, Tracer, sampled
from globule.storage.store import Store, StoreFull
from globule.wire.aws.errors import AwsError
from globule.wire.http import BodyTooLarge, Headers, Request, Response
from globule.world.snapshot import World

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: the largest request
REQUEST_LIMIT_BYTES = 16 * 1024 * 1024

DATA, STREAMS = "DynamoDB_20120810", "DynamoDBStreams_20120810"
CONTENT_TYPE = "application/x-amz-json-1.0"

# Where the types of errors live in AWS's code, which is what `__type` says.
_SERVICE_ERRORS = frozenset(
    (
        "SerializationException",
        "UnknownOperationException",
        "AccessDeniedException",
        "MissingAuthenticationTokenException",
        "RequestEntityTooLargeException",
    )
)


class RequestIds:
    """52 characters each, as AWS's are; made many at a time, because asking the system for each is slow."""

    _MADE_AT_ONCE = 256
    _ID_BYTES = 26

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._digits = ""
        self._position = 0

    def next(self) -> str:
        if self._position == len(self._digits):
            self._digits = self._entropy.bytes(self._MADE_AT_ONCE * self._ID_BYTES).hex().upper()
            self._position = 0
        start = self._position
        self._position = start + 2 * self._ID_BYTES
        return self._digits[start : self._position]


class DynamoDBService:
    """Implements `host.service.Service`. Serves from the first `follow` on; the store stays its owner's to close."""

    def __init__(
        self,
        *,
        region: str,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
        peers: Peers,
        throttles: bool = False,
    ) -> None:
        """`throttles` holds tables to their provisioned capacity, as AWS does."""
        self._region = region
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._request_ids = RequestIds(entropy)
        self._tracer = tracer
        self._peers = peers
        self._throttles = throttles
        self._api: Api | None = None
        self._answered: dict[str, int] = {}
        self._failed = 0

    def __repr__(self) -> str:
        return f"<DynamoDBService {self._region} answered={sum(self._answered.values())}>"

    async def follow(self, world: World) -> None:
        if self._api is None:
            tables = await Tables.open(
                self._store,
                region=self._region,
                account=world.account,
                clock=self._clock,
                entropy=self._entropy,
                peers=self._peers,
            )
            self._api = Api(
                tables,
                region=self._region,
                account=world.account,
                clock=self._clock,
                entropy=self._entropy,
                throttles=self._throttles,
            )
        self._api.regions = world.regions
        await self._api.tables.follow(world)

    def problems(self) -> list[str]:
        return [] if self._api is None else self._api.tables.problems()

    @property
    def tables(self) -> Tables:
        """The engine, from the first world on."""
        assert self._api is not None
        return self._api.tables

    def statistics(self) -> dict[str, Any]:
        tables = {} if self._api is None else self._api.tables.statistics()
        return {"answered": dict(self._answered), "failed": self._failed, **tables}

    async def receive(self, message: bytes) -> bytes:
        """A message of another region. Raises OSError before the first world is here."""
        if self._api is None:
            raise ConnectionRefusedError(f"{self._region} has no world yet")
        return await self._api.tables.receive(message)

    async def close(self) -> None:
        if self._api is not None:
            await self._api.tables.close()

    # Requests.

    async def handle(self, request: Request) -> Response:
        if request.method != "POST":
            return _greeting(request, self._region)
        target, _, name = (request.headers.get("x-amz-target") or "").partition(".")
        trace = sampled(request.headers.get(HEADER))
        start = time.time() if trace is not None else 0.0
        try:
            body = await request.body.read(REQUEST_LIMIT_BYTES)
            if request.headers.get("content-encoding") == "gzip":
                body = unpacked(body)
            if name == "DescribeEndpoints":
                answer = described_endpoints(request.headers.get("host") or f"dynamodb.{self._region}.amazonaws.com")
            else:
                answer = await self._answer(target, name, body)
        except BodyTooLarge:
            return self._error(AwsError("RequestEntityTooLargeException", "Request size is too large", status=413))
        except AwsError as problem:
            return self._error(problem)
        finally:
            if trace is not None:
                self._tracer.record(trace, name, place=self._region, start=start, end=time.time())
        self._answered[name] = self._answered.get(name, 0) + 1
        return self._response(200, msgspec.json.encode(answer))

    async def _answer(self, target: str, name: str, body: bytes) -> Answer:
        """Raises AwsError."""
        if self._api is None:
            raise AwsError("ServiceUnavailable", f"{self._region} has no world yet", status=503)
        if target == STREAMS:
            return await self._api.tables.streams.answer(name, _json_object(body))
        operation = OPERATIONS.get(name) if target == DATA else None
        if operation is None:
            supported = f"Globule does not support {name}" if target == DATA and name in UNSUPPORTED else ""
            raise AwsError("UnknownOperationException", supported)
        try:
            return await _run(self._api, operation, body)
        except TableNotFound:
            raise not_found() from None
        except StoreFull as problem:
            raise AwsError("InternalServerError", str(problem), status=500) from None

    def _error(self, problem: AwsError) -> Response:
        self._failed += 1
        return self._response(problem.status, msgspec.json.encode(error_document(problem)))

    def _response(self, status: int, body: bytes) -> Response:
        return Response(
            status=status,
            headers=Headers(
                (
                    ("content-type", CONTENT_TYPE),
                    ("x-amzn-requestid", self._request_ids.next()),
                    ("x-amz-crc32", str(zlib.crc32(body))),
                )
            ),
            body=body,
        )


async def _run(api: Api, operation: Operation, body: bytes) -> Answer:
    try:
        return await _attempt(api, operation, operation.shape.read(body))
    except ShapeProblem:
        # A value that only AWS's own parser understands, or nobody.
        return await _attempt(api, operation, operation.shape.explain(body))
    except AwsError as problem:
        if problem.code == "ValidationException":
            _look_for_what_cannot_be_read(operation, body)
        raise


async def _attempt(api: Api, operation: Operation, request: Any) -> Answer:
    answer = operation.run(api, request)
    return answer if isinstance(answer, dict) else await answer


def _look_for_what_cannot_be_read(operation: Operation, body: bytes) -> None:
    """AWS reads the whole request before it judges any of it. Raises SerializationException."""
    try:
        operation.shape.explain(body)
    except AwsError as problem:
        if problem.code == "SerializationException":
            raise


def _json_object(body: bytes) -> dict[str, Any]:
    """Raises SerializationException."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise AwsError("SerializationException", "") from None


def unpacked(body: bytes) -> bytes:
    """Undoes gzip. Raises SerializationException, or BodyTooLarge."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(body, REQUEST_LIMIT_BYTES)
    except zlib.error:
        raise AwsError("SerializationException", "") from None
    if unpacker.unconsumed_tail:
        raise BodyTooLarge
    if not unpacker.eof or unpacker.unused_data:
        raise AwsError("SerializationException", "")
    return data


def error_document(problem: AwsError) -> Mapping[str, Any]:
    """An error as AWS writes it: the capital of "message" differs with where the error comes from."""
    if problem.code == "ValidationException":
        kind, member = "com.amazon.coral.validate#", "message"
    elif problem.code in _SERVICE_ERRORS:
        kind, member = "com.amazon.coral.service#", "Message"
    else:
        kind, member = "com.amazonaws.dynamodb.v20120810#", "Message" if problem.details else "message"
    document = {"__type": kind + problem.code, **problem.details}
    if problem.message:
        document[member] = problem.message
    return document


def _greeting(request: Request, region: str) -> Response:
    """What a browser or a health check sees."""
    if request.method in ("GET", "HEAD"):
        return Response(
            status=200,
            headers=Headers([("content-type", "text/plain")]),
            body=b"" if request.method == "HEAD" else f"healthy: dynamodb.{region}.amazonaws.com ".encode(),
        )
    return Response(status=404, headers=Headers(), body=b"<UnknownOperationException/>\n")
