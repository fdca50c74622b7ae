"""An HTTP/1.1 client with a pool of connections.

How it works: a pool keeps, for each key (whatever names an origin as seen from a place), the connections that are
idle, newest first, and bounds how many there are. A request takes an idle one or connects, writes its head and body,
and gets a response whose body streams from the connection; when that body is complete the connection goes back.

An idle connection may have been closed by the server a moment ago. Where a reused connection ends before the first
byte of a response, an idempotent request whose body is at hand is sent once more on a new one
(RFC 9110 section 9.2.2); nothing else is ever retried.

It knows nothing of distance, names or TLS: `connect` does. It follows no redirects and keeps no cookies.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

import msgspec

from globule.host.clock import Clock, SystemClock
from globule.host.http_exchange import (
    ClientConnection,
    ClientResponse,
    ConnectionEnded,
    HttpClientError,
    ResponseTimeout,
)
from globule.host.http_stream import BodyInterrupted
from globule.wire.http import BytesBody, Request

__all__ = [
    "BodyInterrupted",
    "ClientConnection",
    "ClientResponse",
    "ConnectFailed",
    "ConnectionEnded",
    "HttpClient",
    "HttpClientError",
    "PoolExhausted",
    "PoolLimits",
    "ResponseTimeout",
    "Timeouts",
]

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

Key = TypeVar("Key", bound=Hashable)


class ConnectFailed(HttpClientError):
    """No connection: refused, unreachable, hand-shake failed, or not in time (`timed_out`)."""

    def __init__(self, why: str, *, timed_out: bool) -> None:
        super().__init__(why)
        self.timed_out = timed_out


class PoolExhausted(HttpClientError):
    """As many requests as are allowed are already waiting for a connection to this key."""


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    connect_seconds: float = 10.0
    """For one attempt at a connection, hand-shakes included."""
    response_seconds: float = 30.0
    """From the end of the request to the head of the response, and between two pieces of the body; as
    CloudFront's origin response timeout."""
    pool_seconds: float = 30.0
    """Waiting for a connection where the key has as many as it may have."""
    idle_seconds: float | None = None
    """How long the connection is kept afterwards; None for the pool's own limit."""


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    connections_per_key: int = 256
    """More wait their turn: an origin that is slow must not take the process's file descriptors."""
    waiting_per_key: int = 1024
    """More are refused: they would time out anyway."""
    idle_seconds: float = 60.0
    """Less than our server's own idle limit, so that the client closes first."""
    idle_connections: int = 1024
    """Over all keys; beyond it a connection closes after its exchange."""


class _Pool:
    """The connections of one key."""

    __slots__ = ("idle", "open_count", "waiters")

    def __init__(self) -> None:
        self.idle: collections.deque[tuple[ClientConnection, float]] = collections.deque()
        """Newest last, each with the instant at which it expires."""
        self.open_count = 0
        """Connections that exist or are being made."""
        self.waiters: collections.deque[asyncio.Future[ClientConnection | None]] = collections.deque()
        """Given a connection, or None for leave to make one."""


class HttpClient(Generic[Key]):
    """`connect(protocol_factory, key)` returns once the protocol has its transport, as asyncio's create_connection
    does; it raises OSError or TimeoutError."""

    def __init__(
        self,
        connect: Callable[[Callable[[], asyncio.Protocol], Key], Awaitable[object]],
        *,
        limits: PoolLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._connect = connect
        self._limits = limits or PoolLimits()
        self._clock = clock or SystemClock()
        self._pools: dict[Key, _Pool] = {}
        """Only keys that have connections, or whose first one is being made."""
        self._connections: set[ClientConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._idle_count = 0
        """Of all pools, connections that ended while idle included until they are met."""
        self._requests = self._connects = self._reuses = self._retries = 0

    def __repr__(self) -> str:
        return f"<HttpClient keys={len(self._pools)} connections={len(self._connections)}>"

    async def request(self, key: Key, request: Request, *, timeouts: Timeouts | None = None) -> ClientResponse:
        """Send a request; return when the head of its response has arrived. The caller reads the body to its end,
        or calls `close` on the response. Host is the caller's work; framing is ours.

        Raises ConnectFailed, PoolExhausted, ConnectionEnded, ResponseTimeout, or MalformedMessage."""
        timeouts = timeouts or Timeouts()
        self._requests += 1
        connection, connect_ms = await self._take(key, timeouts, fresh=False)
        connection.idle_seconds = timeouts.idle_seconds or self._limits.idle_seconds
        try:
            return await connection.exchange(request, timeouts.response_seconds, connect_ms=connect_ms)
        except ConnectionEnded:
            stale = connect_ms is None and not connection.answered
            if not (stale and request.method in IDEMPOTENT and isinstance(request.body, BytesBody)):
                raise
        self._retries += 1
        connection, connect_ms = await self._take(key, timeouts, fresh=True)
        connection.idle_seconds = timeouts.idle_seconds or self._limits.idle_seconds
        return await connection.exchange(request, timeouts.response_seconds, connect_ms=connect_ms)

    def take_now(self, key: Key, timeouts: Timeouts) -> ClientConnection | None:
        """An idle connection for one `exchange_now`; None where there is none. It goes back by itself."""
        pool = self._pools.get(key)
        connection = None if pool is None else self._take_idle(pool)
        if connection is not None:
            self._requests += 1
            self._reuses += 1
            connection.idle_seconds = timeouts.idle_seconds or self._limits.idle_seconds
        return connection

    def statistics(self) -> dict[str, Any]:
        return {
            "requests": self._requests,
            "connects": self._connects,
            "reuses": self._reuses,
            "retries": self._retries,
            "open": len(self._connections),
            "idle": self._idle_count,
        }

    def forget(self, key: Key) -> None:
        """Close a key's idle connections."""
        pool = self._pools.get(key)
        while pool is not None and pool.idle:
            self._idle_count -= 1
            pool.idle.pop()[0].abort()

    def close(self) -> None:
        """Cut every connection; requests in progress fail with ConnectionEnded."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._connections):
            connection.abort()

    async def _take(self, key: Key, timeouts: Timeouts, *, fresh: bool) -> tuple[ClientConnection, float | None]:
        """An idle connection (and None), or a new one and how long it took in milliseconds."""
        if self._closed:
            raise ConnectionEnded("the client is closed")
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = _Pool()
        full = pool.open_count >= self._limits.connections_per_key
        if (full or not fresh) and (connection := self._take_idle(pool)) is not None:
            self._reuses += 1
            return connection, None
        if not full:
            pool.open_count += 1
            return await self._make(key, pool, timeouts.connect_seconds)
        handed = await self._wait_turn(key, pool, timeouts.pool_seconds)
        if handed is None:
            return await self._make(key, pool, timeouts.connect_seconds)
        if not handed.usable:
            return await self._take(key, timeouts, fresh=fresh)
        self._reuses += 1
        return handed, None

    def _take_idle(self, pool: _Pool) -> ClientConnection | None:
        while pool.idle:
            connection, _ = pool.idle.pop()
            self._idle_count -= 1
            if connection.usable:
                return connection
        return None

    async def _wait_turn(self, key: Key, pool: _Pool, timeout_seconds: float) -> ClientConnection | None:
        if len(pool.waiters) >= self._limits.waiting_per_key:
            raise PoolExhausted("too many requests wait for a connection")
        waiter: asyncio.Future[ClientConnection | None] = asyncio.get_running_loop().create_future()
        pool.waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await waiter
        except BaseException as problem:
            with contextlib.suppress(ValueError):
                pool.waiters.remove(waiter)
            if waiter.done() and not waiter.cancelled():  # our turn came while we were giving up
                handed = waiter.result()
                if handed is None:
                    self._release_place(key, pool)
                else:
                    self._give_back(pool, handed)
            if isinstance(problem, TimeoutError):
                raise PoolExhausted("no connection became free in time") from None
            raise

    async def _make(self, key: Key, pool: _Pool, timeout_seconds: float) -> tuple[ClientConnection, float]:
        """`pool.open_count` already counts it."""
        started = self._clock.monotonic()
        connection = ClientConnection(
            when_idle=lambda idle: self._give_back(pool, idle), when_lost=lambda lost: self._lose(key, pool, lost)
        )
        self._connects += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._connect(lambda: connection, key)
        except BaseException as problem:
            if connection.made:
                connection.abort()
            else:
                self._lose(key, pool, connection)
            if isinstance(problem, (OSError, TimeoutError)):
                raise ConnectFailed(str(problem), timed_out=isinstance(problem, TimeoutError)) from problem
            raise
        self._connections.add(connection)
        if self._closed:
            connection.abort()
        return connection, (self._clock.monotonic() - started) * 1000

    def _give_back(self, pool: _Pool, connection: ClientConnection) -> None:
        while pool.waiters:
            waiter = pool.waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if self._idle_count >= self._limits.idle_connections:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        self._idle_count += 1
        expiry = loop.time() + connection.idle_seconds
        pool.idle.append((connection, expiry))
        if self._sweep is None or expiry < self._sweep.when():
            if self._sweep is not None:
                self._sweep.cancel()
            self._sweep = loop.call_at(expiry, self._close_expired)

    def _lose(self, key: Key, pool: _Pool, connection: ClientConnection) -> None:
        self._connections.discard(connection)
        self._release_place(key, pool)

    def _release_place(self, key: Key, pool: _Pool) -> None:
        while pool.waiters:
            waiter = pool.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)  # the place in the count is the waiter's now
                return
        pool.open_count -= 1
        if pool.open_count == 0 and self._pools.get(key) is pool:
            self._idle_count -= len(pool.idle)  # all of them ended while idle
            pool.idle.clear()
            del self._pools[key]

    def _close_expired(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = None
        now = loop.time()
        earliest = None
        for pool in list(self._pools.values()):
            while pool.idle and (pool.idle[0][1] <= now or not pool.idle[0][0].usable):
                self._idle_count -= 1
                pool.idle.popleft()[0].abort()
            if pool.idle:
                expiry = pool.idle[0][1]
                earliest = expiry if earliest is None else min(earliest, expiry)
        if earliest is not None and not self._closed:
            self._sweep = loop.call_at(earliest, self._close_expired)
