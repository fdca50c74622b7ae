"""Lambda's HTTP API in one region, and its functions' URLs.

https://docs.aws.amazon.com/lambda/latest/api/welcome.html. Functions come from templates, so of the API there is what
invokes and looks: each operation is one line of `OPERATIONS`, and a file of this folder. The others are refused by
name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from globule.awslambda.control import describe, invoke
from globule.awslambda.control.answers import error_response
from globule.awslambda.serving.asynchronous import AsynchronousInvocations
from globule.awslambda.serving.function_url import FunctionUrls
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.wire.aws.errors import AwsError
from globule.wire.http import Request, Response
from globule.world.snapshot import World


class Backends(msgspec.Struct, frozen=True):
    """What operations work on."""

    pool: FunctionPool
    asynchronous: AsynchronousInvocations
    clock: Clock


Operation = Callable[[Backends, Request, str], Awaitable[Response]]
"""Takes the function's name out of the path, decoded; empty where the path has none."""

_NAME = r"(?P<name>[^/]+)"
OPERATIONS: tuple[tuple[str, re.Pattern[str], Operation], ...] = (
    ("POST", re.compile(rf"/2015-03-31/functions/{_NAME}/invocations"), invoke.invoke),
    ("GET", re.compile(r"/2015-03-31/functions/?"), describe.list_functions),
    ("GET", re.compile(rf"/2015-03-31/functions/{_NAME}"), describe.get_function),
    ("GET", re.compile(rf"/2015-03-31/functions/{_NAME}/configuration"), describe.get_function_configuration),
    ("GET", re.compile(rf"/2015-03-31/functions/{_NAME}/versions"), describe.list_versions_by_function),
    ("GET", re.compile(rf"/2015-03-31/functions/{_NAME}/aliases"), describe.list_aliases),
    ("GET", re.compile(rf"/2021-10-31/functions/{_NAME}/url"), describe.get_function_url_config),
)


class LambdaService:
    """Implements `host.service.Service`. The pool is another's to follow worlds with, and to close."""

    def __init__(self, pool: FunctionPool, *, clock: Clock, entropy: Entropy) -> None:
        self._entropy = entropy
        self._pool = pool
        self._asynchronous = AsynchronousInvocations(pool, clock)
        self._backends = Backends(pool, self._asynchronous, clock)
        self._urls = FunctionUrls(pool, clock=clock, entropy=entropy)

    def __repr__(self) -> str:
        return f"<LambdaService {self._pool.region} events={len(self._asynchronous)}>"

    async def follow(self, world: World) -> None:
        self._asynchronous.time_scale = world.scales.time

    def problems(self) -> list[str]:
        """The pool has them."""
        return []

    def serves(self, host: str) -> bool:
        """Whether a host, in lower case and without a port, is a function's URL."""
        return self._urls.serves(host)

    async def handle(self, request: Request) -> Response:
        if self._urls.serves(request.host):
            return await self._urls.handle(request)
        try:
            response = await self._operate(request)
        except AwsError as error:
            response = error_response(error)
        response.headers.set("x-amzn-requestid", self._entropy.bytes(16).hex())
        return response

    async def _operate(self, request: Request) -> Response:
        """Raises AwsError."""
        for method, pattern, operation in OPERATIONS:
            found = pattern.fullmatch(request.raw_path) if method == request.method else None
            if found is not None:
                return await operation(self._backends, request, unquote(found.groupdict().get("name", "")))
        raise AwsError(
            "UnknownOperationException",
            f"Globule does not have the Lambda operation of {request.method} {request.raw_path}; functions are made "
            "and changed by templates",
            status=404,
        )

    def statistics(self) -> dict[str, Any]:
        return {"pending_events": len(self._asynchronous)}

    async def close(self) -> None:
        await self._asynchronous.close()
