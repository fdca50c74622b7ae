"""The front of a region: one server on the region's own address, for sites, AWS APIs, and other regions.

In this order:
1. what another region of this world says (`own_fields.PEER` with the world's key, which no client can have sent);
2. sites: hosts that an API, a function URL or a bucket answers to;
3. AWS APIs, by `endpoint.catalogue`; a request whose credential scope names another region goes there, over the
   distance between the two.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from globule.endpoint.catalogue import CATALOGUE, api_of
from globule.endpoint.guard import refusal
from globule.endpoint.refusals import refuse
from globule.endpoint.scope import credential_scope
from globule.host.call_line import UPGRADE, AnsweringLine
from globule.host.http_server import Upgrade
from globule.wire import own_fields
from globule.wire.http import Headers, Request, Response

PEER_PATH = "/_globule/replication"

# A batch of replicated items, or a comparison's list; the sender keeps below it.
PEER_MESSAGE_LIMIT_BYTES = 32 * 1024 * 1024


class Site(Protocol):
    """A service that answers to hosts of its own."""

    def serves(self, host: str) -> bool: ...

    async def handle(self, request: Request) -> Response: ...


class Api(Protocol):
    async def handle(self, request: Request) -> Response: ...


class RegionDoor:
    """Dispatches a region's requests. `elsewhere(request, region)` hands one to another region; `receive` answers
    what another region's replication says."""

    def __init__(
        self,
        *,
        region: str,
        key: str,
        sites: Sequence[Site],
        apis: Mapping[str, Api],
        elsewhere: Callable[[Request, str], Awaitable[Response]],
        receive: Callable[[bytes], Awaitable[bytes]],
    ) -> None:
        self._region = region
        self._key = key.encode()
        self._sites = sites
        self._apis = apis
        self._elsewhere = elsewhere
        self._receive = receive

    async def answer(self, request: Request) -> Response | Upgrade:
        if own_fields.PEER in request.headers:
            return self._answer_peer(request)
        for name in own_fields.ALL:
            request.headers.remove(name)
        host = request.host
        for site in self._sites:
            if site.serves(host):
                return await site.handle(request)
        return await self._answer_api(request)

    def _answer_peer(self, request: Request) -> Response | Upgrade:
        key = request.headers.get(own_fields.PEER) or ""
        if request.target != PEER_PATH or not hmac.compare_digest(key.encode(), self._key):
            return refuse(request, 403, "AccessDenied", "only this world's regions may speak to each other")
        if request.headers.get("upgrade") != UPGRADE:
            return refuse(request, 426, "UpgradeRequired", f"regions speak {UPGRADE} to each other")

        def take_over(transport: asyncio.Transport, arrived: bytes) -> asyncio.Protocol:
            line = AnsweringLine(transport, self._receive, limit_bytes=PEER_MESSAGE_LIMIT_BYTES)
            line.data_received(arrived)
            return line

        headers = Headers([("connection", "Upgrade"), ("upgrade", UPGRADE)])
        return Upgrade(Response(status=101, headers=headers), take_over)

    async def _answer_api(self, request: Request) -> Response:
        why = refusal(request)
        if why is not None:
            return refuse(request, 403, "AccessDenied", why)
        api = api_of(request)
        scope = credential_scope(request)
        if api is None:
            wanted = scope.service if scope else request.headers.get("x-amz-target") or request.host
            served = ", ".join(known.signing_name for known in CATALOGUE)
            return refuse(
                request,
                400 if scope else 404,
                "UnknownOperationException",
                f"{self._region} serves nothing for {wanted}; its AWS APIs are {served}",
            )
        if scope is not None and scope.region != self._region:
            return await self._elsewhere(request, scope.region)
        return await self._apis[api.name].handle(request)
