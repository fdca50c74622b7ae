"""Connections from one edge location to origins: names resolved as seen from there, over shaped links, kept open."""

from __future__ import annotations

from typing import Any, NamedTuple

from globule.cloudfront.model import CustomOrigin, Origin, S3Origin
from globule.cloudfront.rules.failures import OriginFailure
from globule.host.clock import Clock
from globule.host.http_client import (
    ClientConnection,
    ClientResponse,
    ConnectFailed,
    ConnectionEnded,
    HttpClient,
    HttpClientError,
    PoolExhausted,
    PoolLimits,
    ResponseTimeout,
    Timeouts,
)
from globule.host.network import Address
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.naming import Endpoint, NameNotFound, Resolver
from globule.wire.http import Request
from globule.wire.http_head import InvalidField, MalformedMessage
from globule.world import places
from globule.world.places import Place

# What CloudFront keeps open to an S3 origin; it has no setting there.
S3_KEEPALIVE_SECONDS = 60.0
# Requests that a broken connection interrupts are only sent again where that is harmless
# ("CloudFront doesn't re-attempt ... POST, PUT", .../RequestAndResponseBehaviorCustomOrigin.html).
RETRIED = frozenset({"GET", "HEAD"})
# How long an answer of the resolver may be used without asking it again. Its own cache follows TTLs; this only spares
# most requests of a busy origin the way to it.
RECENT_SECONDS = 0.25
# Functions may name any number of origins.
RECENT_NAMES = 1024


class OriginFailed(Exception):
    """The origin gave no response."""

    def __init__(self, failure: OriginFailure, why: str) -> None:
        super().__init__(f"{failure.name}: {why}")
        self.failure = failure


class OriginKey(NamedTuple):
    """What connections to an origin have in common."""

    name: str
    address: Address
    place: str
    """The name of the place that the address stands at."""
    secure: bool


class Origins:
    """The origins as seen from one edge location."""

    def __init__(self, place: Place, *, dialer: Dialer, resolver: Resolver, clock: Clock, tracer: Tracer) -> None:
        self._place = place
        self._dialer = dialer
        self._resolver = resolver
        self._clock = clock
        self._tracer = tracer
        self._recent: dict[str, tuple[Endpoint, float]] = {}
        """Names that were looked up just now, and until when they count as that."""
        self._client: HttpClient[OriginKey] = HttpClient(self._connect, limits=PoolLimits(), clock=clock)

    def __repr__(self) -> str:
        return f"<Origins as seen from {self._place.name}>"

    def statistics(self) -> dict[str, Any]:
        return self._client.statistics()

    def close(self) -> None:
        self._client.close()

    async def resolve(self, name: str, *, trace: str | None) -> Endpoint:
        """Raises OriginFailed."""
        started = self._clock.now()
        try:
            endpoints = await self._resolver.resolve(name, source=self._place)
        except (NameNotFound, TimeoutError) as problem:
            raise OriginFailed(OriginFailure.UNRESOLVED, f"{name}: {problem}") from None
        finally:
            self._record(trace, "origin DNS", started, name)
        if not endpoints:
            raise OriginFailed(OriginFailure.UNRESOLVED, f"{name} has no address")
        if len(self._recent) >= RECENT_NAMES:
            self._recent.clear()
        self._recent[name] = (endpoints[0], self._clock.monotonic() + RECENT_SECONDS)
        return endpoints[0]

    def take_now(self, origin: Origin, scheme: str, timeouts: Timeouts) -> ClientConnection | None:
        """An open connection to an origin; None where there is none, or where the origin's name must be looked up
        again."""
        endpoint, until = self._recent.get(origin.domain_name, (None, 0.0))
        if endpoint is None or self._clock.monotonic() >= until:
            return None
        return self._client.take_now(_key(origin, endpoint, scheme), timeouts)

    async def send(self, origin: Origin, scheme: str, request: Request, *, trace: str | None) -> ClientResponse:
        """Send a request to an origin; return when the head of its response is here. Raises OriginFailed."""
        endpoint = await self.resolve(origin.domain_name, trace=trace)
        key = _key(origin, endpoint, scheme)
        timeouts = timeouts_of(origin)
        attempt = 1
        while True:
            started = self._clock.now()
            try:
                response = await self._client.request(key, request, timeouts=timeouts)
            except (ConnectFailed, ConnectionEnded) as problem:
                again = isinstance(problem, ConnectFailed) or request.method in RETRIED
                if not again or attempt >= origin.connection_attempts:
                    raise failed(problem) from None
            except (HttpClientError, MalformedMessage, InvalidField) as problem:
                raise failed(problem) from None
            else:
                self._record_response(trace, started, response, endpoint.place)
                return response
            attempt += 1

    async def _connect(self, protocol_factory: Any, key: OriginKey) -> None:
        await self._dialer.connect(
            protocol_factory,
            source=self._place,
            destination=places.place(key.place),
            address=key.address,
            secure=key.secure,
            network="backbone",
        )

    def _record(self, trace: str | None, name: str, started: float, note: str) -> None:
        self._tracer.record(trace, name, place=self._place.name, start=started, end=self._clock.now(), note=note)

    def _record_response(self, trace: str | None, started: float, response: ClientResponse, place: Place) -> None:
        if trace is None:
            return
        connected = started + response.connect_ms / 1000
        if not response.reused:
            self._tracer.record(
                trace, "origin connect", place=self._place.name, start=started, end=connected, note=place.name
            )
        note = f"{response.status} from {place.name}, {'open' if response.reused else 'new'} connection"
        self._record(trace, "origin response", connected, note)


def failed(problem: Exception) -> OriginFailed:
    """What an exception of the HTTP client says of the origin."""
    match problem:
        case ConnectFailed(timed_out=True):
            kind = OriginFailure.CONNECT_TIMEOUT
        case ConnectFailed() | PoolExhausted():
            kind = OriginFailure.UNREACHABLE
        case ResponseTimeout():
            kind = OriginFailure.TIMEOUT
        case MalformedMessage() | InvalidField():
            kind = OriginFailure.INVALID
        case _:
            kind = OriginFailure.BROKEN
    return OriginFailed(kind, str(problem))


def _key(origin: Origin, endpoint: Endpoint, scheme: str) -> OriginKey:
    return OriginKey(origin.domain_name, endpoint.address, endpoint.place.name, scheme == "https")


def timeouts_of(origin: Origin) -> Timeouts:
    match origin.config:
        case CustomOrigin(read_timeout=read, keepalive_timeout=keepalive):
            pass
        case S3Origin(read_timeout=read):
            keepalive = S3_KEEPALIVE_SECONDS
    return Timeouts(
        connect_seconds=origin.connection_timeout,
        response_seconds=read,
        pool_seconds=origin.connection_timeout,
        idle_seconds=keepalive,
    )
