"""From a request at the door to the response of whoever answers for its name, over the distance between them.

Each client connection has upstream connections of its own, as a browser has: the first request to a place pays the
hand-shakes, later ones do not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import msgspec

from globule.host import tracing
from globule.host.http_client import ClientResponse, ConnectFailed, HttpClient, PoolLimits, Timeouts
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.naming import Endpoint, Resolver
from globule.wire.http import Headers, Request
from globule.world.places import Place

# Longer than any server of this world takes to give up by itself: CloudFront's origins have 30 s, and three tries.
RESPONSE_SECONDS = 120.0
# What browsers open to one host over HTTP/1.1; a client connection here has one request at a time.
_LIMITS = PoolLimits(connections_per_key=6, idle_connections=32)
# A name has up to eight addresses; a browser gives up earlier too.
ADDRESSES_TRIED = 3


class Way(msgspec.Struct, frozen=True):
    """From a city to an endpoint."""

    city: Place
    endpoint: Endpoint
    secure: bool


class Forwarder:
    """Resolves, connects, and asks. The upstream connections of a client connection end with its task."""

    def __init__(self, *, dialer: Dialer, resolver: Resolver, tracer: Tracer) -> None:
        self._dialer = dialer
        self._resolver = resolver
        self._tracer = tracer
        self._clients: dict[asyncio.Task[object], HttpClient[Way]] = {}

    def __repr__(self) -> str:
        return f"<Forwarder clients={len(self._clients)}>"

    @property
    def clients(self) -> int:
        """Client connections that have upstream connections."""
        return len(self._clients)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    async def resolve(self, name: str, city: Place, trace: str | None) -> tuple[Endpoint, ...]:
        """Raises NameNotFound or TimeoutError."""
        with self._tracer.span(trace, "DNS", place=city.name, note=name):
            return await self._resolver.resolve(name, source=city)

    async def send(
        self, request: Request, *, name: str, city: Place, secure: bool, headers: Callable[[], Headers]
    ) -> tuple[ClientResponse, AsyncIterator[bytes]]:
        """The response's head, and its body in pieces. `headers` makes the fields that go on.

        Raises NameNotFound, TimeoutError (its name server), HttpClientError, MalformedMessage.
        """
        trace = tracing.sampled(request.headers.get(tracing.HEADER))
        endpoints = await self.resolve(name, city, trace)
        onward = Request(method=request.method, target=request.target, headers=headers(), body=request.body)
        client = self._client_of_this_connection()
        failure: ConnectFailed | None = None
        for endpoint in endpoints[:ADDRESSES_TRIED]:
            start = time.time()
            way = Way(city, endpoint, secure)
            try:
                response = await client.request(way, onward, timeouts=Timeouts(response_seconds=RESPONSE_SECONDS))
            except ConnectFailed as error:
                note = f"to {endpoint.place.name}: {error}"
                failure = ConnectFailed(note, timed_out=error.timed_out)
                self._tracer.record(trace, "connect", place=city.name, start=start, end=time.time(), note=note)
                continue
            connected = self._record_connect(trace, way, start, response.connect_ms)
            return response, self._pieces(response, trace, way, connected)
        assert failure is not None
        raise failure

    def _client_of_this_connection(self) -> HttpClient[Way]:
        """A client connection is one task of our server (`host.http_connection`), so the task stands for it."""
        task = asyncio.current_task()
        assert task is not None
        client = self._clients.get(task)
        if client is None:
            client = self._clients[task] = HttpClient(self._connect, limits=_LIMITS)
            task.add_done_callback(self._forget)
        return client

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._clients.pop(task).close()

    async def _connect(self, protocol_factory: Callable[[], asyncio.Protocol], way: Way) -> object:
        return await self._dialer.connect(
            protocol_factory,
            source=way.city,
            destination=way.endpoint.place,
            address=way.endpoint.address,
            secure=way.secure,
        )

    def _record_connect(self, trace: str | None, way: Way, start: float, connect_ms: float) -> float:
        """The spans of the hand-shakes; when they were over. TCP and TLS take a round trip each."""
        end = start + connect_ms / 1000
        if connect_ms:
            middle = (start + end) / 2 if way.secure else end
            note = f"to {way.endpoint.place.name}"
            self._tracer.record(trace, "connect", place=way.city.name, start=start, end=middle, note=note)
            if way.secure:
                self._tracer.record(trace, "TLS", place=way.city.name, start=middle, end=end, note=note)
        return end

    async def _pieces(
        self, response: ClientResponse, trace: str | None, way: Way, start: float
    ) -> AsyncIterator[bytes]:
        try:
            async for piece in response.body:
                yield piece
        finally:
            response.close()
            note = f"from {way.endpoint.place.name}" + (", warm connection" if response.reused else "")
            self._tracer.record(trace, "response", place=way.city.name, start=start, end=time.time(), note=note)
