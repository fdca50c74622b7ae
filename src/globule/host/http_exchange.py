"""The client's side of one HTTP/1.1 connection: one exchange after another; `host.http_client` pools them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import cast

import msgspec

from globule.host.http_stream import ArrivingBody, BodyInterrupted
from globule.wire import http_body, http_head
from globule.wire.http import Body, BytesBody, Headers, Request
from globule.wire.http_head import HEAD_END, MalformedMessage, ResponseHead

# As our server's own limit for a request's head.
RESPONSE_HEAD_LIMIT_BYTES = 64 * 1024
# 100 and 103 responses that precede the real one; more are an attempt to keep us busy.
INTERIM_RESPONSES_LIMIT = 16


class HttpClientError(Exception):
    """Anything that keeps a request from getting its response."""


class ConnectionEnded(HttpClientError):
    """The connection ended before the head of the response."""


class ResponseTimeout(HttpClientError):
    """The server sent nothing for too long."""


class ClientResponse(msgspec.Struct, kw_only=True):
    """A response whose head has arrived. Read `body` to its end, or `close`."""

    status: int
    reason: str
    headers: Headers
    body: Body
    reused: bool
    """The connection had served a request before."""
    connect_ms: float
    """Time to connect, hand-shakes included; 0 on a reused connection."""
    connection: ClientConnection

    def close(self) -> None:
        """Give up on what of the body has not arrived. Harmless after the end of the body."""
        self.connection.abandon(self)

    def detach(self, protocol: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """After a 101 (or a 2xx to CONNECT): the connection is `protocol`'s from here on (its connection_made is
        not called). Returns the transport and the bytes that have already arrived."""
        return self.connection.detach(protocol)


OnResponse = Callable[[ClientResponse], None]
OnFailure = Callable[[Exception], None]


class ClientConnection(asyncio.Protocol):
    """Idle, or in one exchange: the request goes out, a head comes in, then a body."""

    def __init__(
        self,
        *,
        when_idle: Callable[[ClientConnection], None],
        when_lost: Callable[[ClientConnection], None],
    ) -> None:
        self._when_idle = when_idle
        self._when_lost = when_lost
        self.made = False
        self.idle_seconds = 0.0
        """How long the pool keeps it after the present exchange."""
        self._busy = False
        """In an exchange."""
        self._answered = False
        self._lost = False
        self._served = 0
        self._buffer = b""
        self._method = ""
        self._interim_responses = 0
        self._sending = False
        self._waiting: tuple[OnResponse, OnFailure] | None = None
        """Who is told of the response's head, until it is here."""
        self._connect_ms: float | None = None
        self._body: ArrivingBody | None = None
        self._decoder: http_body.BodyDecoder | None = None
        self._reusable = False
        self._writable: asyncio.Future[None] | None = None
        self._timeout_seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = math.inf
        self._response: ClientResponse | None = None

    def __repr__(self) -> str:
        return f"<ClientConnection served={self._served} usable={self.usable}>"

    @property
    def answered(self) -> bool:
        """The present exchange has received something."""
        return self._answered

    @property
    def usable(self) -> bool:
        """Idle, and as far as we know open."""
        return not self._busy and not self._lost and not self._transport.is_closing()

    async def exchange(self, request: Request, timeout_seconds: float, *, connect_ms: float | None) -> ClientResponse:
        if not self.usable:
            raise ConnectionEnded("the connection was closed while idle")
        arriving: asyncio.Future[ClientResponse] = self._loop.create_future()

        def failed(failure: Exception) -> None:
            if not arriving.done():
                arriving.set_exception(failure)

        def arrived(response: ClientResponse) -> None:
            if arriving.done():  # given up
                self.abort()
            else:
                arriving.set_result(response)

        self._begin(request.method, timeout_seconds, connect_ms, arrived, failed)
        try:
            await self._send(request)
            self._arm()
            return await arriving
        except BaseException:
            if not arriving.done() or arriving.cancelled():
                self.abort()
            elif arriving.exception() is None:
                arriving.result().close()  # the connection itself may be another's by now
            raise

    def exchange_now(
        self,
        encoded: bytes,
        *,
        method: str,
        timeout_seconds: float,
        on_response: OnResponse,
        on_failure: OnFailure,
    ) -> None:
        """The same without a task, for a request without a body on a connection that is `usable`. One of the two is
        called, later."""
        self._begin(method, timeout_seconds, None, on_response, on_failure)
        self._transport.write(encoded)
        self._arm()

    def abandon(self, response: ClientResponse) -> None:
        if self._response is response:
            self._response = None
            self.abort()

    def detach(self, protocol: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        transport, rest = self._transport, self._buffer
        self._stop_timer()
        self._lost = True
        self._when_lost(self)
        transport.set_protocol(protocol)
        return transport, rest

    def abort(self) -> None:
        if self.made and not self._lost:
            self._transport.abort()

    # Requests out.

    def _begin(
        self,
        method: str,
        timeout_seconds: float,
        connect_ms: float | None,
        on_response: OnResponse,
        on_failure: OnFailure,
    ) -> None:
        self._busy = True
        self._answered = False
        self._method = method
        self._interim_responses = 0
        self._timeout_seconds = timeout_seconds
        self._reusable = False
        self._connect_ms = connect_ms
        self._waiting = (on_response, on_failure)

    async def _send(self, request: Request) -> None:
        body = request.body
        fields = [field for field in request.headers if field[0] not in _OWN_FIELDS]
        if "upgrade" in request.headers:
            fields.append(("connection", "upgrade"))  # RFC 9110 section 7.8: one never goes without the other
        if body.length is None:
            fields.append(("transfer-encoding", "chunked"))
        elif body.length or request.method in ("POST", "PUT", "PATCH"):
            fields.append(("content-length", str(body.length)))
        head = http_head.encode_request_head(request.method, request.target, fields)
        if isinstance(body, BytesBody):
            content = await body.read(body.length)
            self._transport.write(head + content if len(content) < 4096 else head)
            if len(content) >= 4096:
                self._transport.write(content)
            return
        self._transport.write(head)
        await self._send_stream(body)

    async def _send_stream(self, body: Body) -> None:
        """Stops early where the response is already here: the server has seen enough."""
        self._sending = True
        sent_bytes = 0
        async for piece in body:
            if self._waiting is None:
                return
            if not piece:
                continue
            sent_bytes += len(piece)
            self._transport.write(piece if body.length is not None else http_body.chunk(piece))
            if self._writable is not None:
                self._arm()
                await self._writable
                self._disarm()
        if self._waiting is None:
            return
        if body.length is None:
            self._transport.write(http_body.LAST_CHUNK)
        elif sent_bytes != body.length:
            raise BodyInterrupted("the request's body is not as long as announced")
        self._sending = False

    # Responses in.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self.made = True

    def connection_lost(self, failure: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        self._stop_timer()
        self.resume_writing()
        if failure is None:
            self.eof_received()
        self._fail(ConnectionEnded("the server closed the connection" if failure is None else str(failure)))
        self._when_lost(self)

    def eof_received(self) -> bool:
        if self._decoder is not None and self._body is not None and self._decoder.end():
            self._body.finish()
            self._decoder = None
        return False

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def data_received(self, data: bytes) -> None:
        try:
            if self._decoder is not None:
                self._take_body(data)
            elif self._waiting is not None:
                self._answered = True
                self._buffer = self._buffer + data if self._buffer else data
                self._take_head()
            elif self._response is not None:
                self._buffer += data  # after a 101, for the protocol that takes over
            else:
                self.abort()  # bytes that answer nothing: never let them answer the next request
        except MalformedMessage as problem:
            self._fail(problem)
            self.abort()

    def _take_head(self) -> None:
        while True:
            end = self._buffer.find(HEAD_END) + len(HEAD_END)
            if end < len(HEAD_END) or end > RESPONSE_HEAD_LIMIT_BYTES:
                if len(self._buffer) > RESPONSE_HEAD_LIMIT_BYTES:
                    raise MalformedMessage("the head of the response is too large", status=502)
                return
            head = http_head.parse_response_head(self._buffer[:end], method=self._method)
            self._buffer = self._buffer[end:]
            if head.status >= 200 or head.status == 101:
                self._begin_body(head)
                return
            self._interim_responses += 1
            if self._interim_responses > INTERIM_RESPONSES_LIMIT:
                raise MalformedMessage("too many interim responses", status=502)

    def _begin_body(self, head: ResponseHead) -> None:
        self._reusable = head.keep_alive and not self._sending and head.status != 101
        if self._method == "CONNECT" and head.status < 300:
            self._reusable = False
        if head.length == 0:
            self._reusable = self._reusable and not self._buffer
            self._tell(head, BytesBody())
            return
        decoder = http_body.decoder(head.length)
        rest, self._buffer = self._buffer, b""
        pieces, after = decoder.feed(rest) if rest else ([], None)
        if after is not None:
            self._reusable = self._reusable and not after
            self._tell(head, BytesBody(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
            return
        self._decoder = decoder
        self._body = ArrivingBody(head.length if head.length > 0 else None, pause=self._pause, resume=self._resume)
        for piece in pieces:
            self._body.push(piece)
        self._tell(head, self._body)

    def _tell(self, head: ResponseHead, body: Body) -> None:
        """The head is here, and perhaps all of the body: then the connection is free before anybody knows."""
        assert self._waiting is not None
        on_response, _ = self._waiting
        self._waiting = None
        headers = Headers()
        headers.fields = head.fields
        response = ClientResponse(
            status=head.status,
            reason=head.reason,
            headers=headers,
            body=body,
            reused=self._connect_ms is None,
            connect_ms=self._connect_ms or 0.0,
            connection=self,
        )
        if self._decoder is None and head.status != 101:
            self._finish()
        else:
            self._response = response
        on_response(response)

    def _take_body(self, data: bytes) -> None:
        assert self._decoder is not None and self._body is not None
        self._arm()
        pieces, after = self._decoder.feed(data)
        for piece in pieces:
            self._body.push(piece)
        if after is not None:
            self._decoder = None
            self._body.finish()
            self._body = None
            self._reusable = self._reusable and not after
            self._finish()

    def _finish(self) -> None:
        """The exchange is over."""
        self._disarm()
        self._busy = False
        self._response = None
        self._served += 1
        if self._reusable and not self._transport.is_closing():
            self._when_idle(self)
        else:
            self.abort()

    def _pause(self) -> None:
        """Our reader is slow, so silence is not the server's."""
        self._disarm()
        self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._lost:
            self._transport.resume_reading()
            if self._decoder is not None:
                self._arm()

    # Time and failure.

    def _arm(self) -> None:
        """From now on the server has `_timeout_seconds`. A timer that is already set for earlier stays, and moves on
        when it fires: most exchanges end long before, and making timers costs more than that."""
        self._deadline = self._loop.time() + self._timeout_seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)

    def _disarm(self) -> None:
        self._deadline = math.inf

    def _on_timer(self) -> None:
        self._timer = None
        if self._lost or self._deadline == math.inf:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
        else:
            self._time_out()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._fail(ResponseTimeout(f"nothing for {self._timeout_seconds:g} s"))
        self.abort()

    def _fail(self, failure: Exception) -> None:
        if self._waiting is not None:
            _, on_failure = self._waiting
            self._waiting = None
            on_failure(failure)
        if self._body is not None:
            self._body.fail(failure if isinstance(failure, MalformedMessage) else BodyInterrupted(str(failure)))


# Framing and connection management are ours.
_OWN_FIELDS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
