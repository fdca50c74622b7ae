"""The connections that a region opens to other regions, over the distance between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from globule.endpoint.refusals import refuse
from globule.endpoint.region_door import PEER_PATH
from globule.endpoint.relay import relay
from globule.host.http_client import HttpClient, HttpClientError
from globule.wan.dialer import Dialer
from globule.wire import own_fields
from globule.wire.http import BytesBody, Headers, Request, Response
from globule.world.places import UnknownPlace, address_of, region

# A reply to a replicated batch is a few positions; a comparison of replicas sends digests.
REPLY_LIMIT_BYTES = 32 * 1024 * 1024


class OtherRegions:
    """What one region sees of the others: a peer to replicate to, and a place to hand requests to."""

    def __init__(
        self, code: str, *, dialer: Dialer, port: int, key: str, running: Callable[[], tuple[str, ...]]
    ) -> None:
        self._here = region(code)
        self._dialer = dialer
        self._port = port
        self._key = key
        self._running = running
        self._client: HttpClient[str] = HttpClient(self._connect)

    async def call(self, code: str, message: bytes) -> bytes:
        """Send a replication message and return the reply. Raises OSError or TimeoutError where it cannot be had."""
        request = Request(
            method="POST",
            target=PEER_PATH,
            headers=Headers([("host", code), (own_fields.PEER, self._key)]),
            body=BytesBody(message),
        )
        try:
            response = await self._client.request(code, request)
            reply = await response.body.read(REPLY_LIMIT_BYTES)
        except HttpClientError as error:
            raise ConnectionError(f"{code}: {error}") from error
        if response.status != 200:
            raise ConnectionError(f"{code} answered {response.status}")
        return reply

    async def hand_on(self, request: Request, code: str) -> Response:
        """A request of an AWS client here that is signed for another region."""
        if code not in self._running():
            running = ", ".join(self._running())
            return refuse(request, 400, "UnrecognizedClientException", f"{code} does not run here; running: {running}")
        return await relay(self._client, code, request, to=code)

    def close(self) -> None:
        self._client.close()

    async def _connect(
        self, protocol_factory: Callable[[], asyncio.Protocol], key: str
    ) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        try:
            there = region(key)
        except UnknownPlace as error:
            raise OSError(str(error)) from error
        return await self._dialer.connect(
            protocol_factory,
            source=self._here,
            destination=there,
            address=(address_of(there), self._port),
            network="backbone",
        )
