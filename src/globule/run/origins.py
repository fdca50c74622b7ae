"""The connections that a region opens to other regions, over the distance between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from globule.endpoint.refusals import refuse
from globule.endpoint.region_door import PEER_MESSAGE_LIMIT_BYTES, PEER_PATH
from globule.endpoint.relay import relay
from globule.host.call_line import UPGRADE, CallLine
from globule.host.http_client import HttpClient
from globule.wan.dialer import Dialer
from globule.wire import own_fields
from globule.wire.http import Request, Response
from globule.world.places import UnknownPlace, address_of, region


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
        self._lines: dict[str, CallLine] = {}
        self._dialing: dict[str, asyncio.Lock] = {}

    async def call(self, code: str, message: bytes) -> bytes:
        """Send a replication message and return the reply. Raises OSError or TimeoutError where it cannot be had."""
        return await (await self._line(code)).call(message)

    async def hand_on(self, request: Request, code: str) -> Response:
        """A request of an AWS client here that is signed for another region."""
        if code not in self._running():
            running = ", ".join(self._running())
            return refuse(request, 400, "UnrecognizedClientException", f"{code} does not run here; running: {running}")
        return await relay(self._client, code, request, to=code)

    def close(self) -> None:
        self._client.close()
        for line in self._lines.values():
            line.abort()

    async def _line(self, code: str) -> CallLine:
        """The one connection to a region's replication, dialled again where it has ended."""
        async with self._dialing.setdefault(code, asyncio.Lock()):
            line = self._lines.get(code)
            if line is None or not line.up:
                greeting = (
                    f"GET {PEER_PATH} HTTP/1.1\r\nHost: {code}\r\n{own_fields.PEER}: {self._key}\r\n"
                    f"Connection: Upgrade\r\nUpgrade: {UPGRADE}\r\n\r\n"
                )
                limit_bytes = PEER_MESSAGE_LIMIT_BYTES
                _, protocol = await self._connect(lambda: CallLine(greeting.encode(), limit_bytes=limit_bytes), code)
                assert isinstance(protocol, CallLine)
                line = self._lines[code] = protocol
            return line

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
