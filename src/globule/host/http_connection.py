"""The server's side of one HTTP/1.1 connection; `host.http_server` makes them.

How it works: a connection collects a head, parses it, and hands a Request to its one task, which runs the handler and
writes the Response; only then is the next head looked at, so pipelined requests are answered in order, and bytes that
arrive meanwhile wait in a bounded buffer. A body streams to the handler as it arrives, and the peer is paused while
nobody reads it. A `recall` hook may answer a head on the spot without a task: that is the edge's way to serve a hit.

A peer that goes away does not cancel its handler, since half a write is worse than an answer that nobody reads; the
handler's next read of the body fails with BodyInterrupted.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from typing import cast

import msgspec

from globule.host import sendable_file
from globule.host.http_application import Application, FiledAnswer, Later, Upgrade
from globule.host.http_stream import BUFFER_BYTES, ArrivingBody, BodyInterrupted
from globule.wire import http_body, http_head
from globule.wire.http import Body, BodyTooLarge, BytesBody, Headers, Request, Response
from globule.wire.http_framing import Framing, framing
from globule.wire.http_head import HEAD_END, MalformedMessage, RequestHead

logger = logging.getLogger(__name__)

# After an answer, this much of a request body that nobody read is dropped to keep the connection; more closes it.
UNREAD_BODY_LIMIT_BYTES = 256 * 1024
# A peer that still sends when we have answered and closed gets this long to read the answer before it is cut off.
LINGER_SECONDS = 2.0


class Connection(asyncio.Protocol):
    """One client. It waits for a head; or is busy (a request is with the task); or is closing; or was handed over."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._recall = application.recall
        self._quiet = False
        """Nothing is going on: what arrives next begins a request."""
        self._fd = -1
        """The socket, where recalled answers may go straight into it."""
        self._direct = False
        """And where they may do so now."""
        self._buffer = b""
        """Bytes beyond the current request."""
        self._busy = False
        self._closing = False
        """Nothing that arrives is looked at any more."""
        self._half_closed = False
        """The peer will send nothing more, but may still be reading."""
        self._lost = False
        self._paused = False
        self._body: ArrivingBody | None = None
        self._decoder: http_body.BodyDecoder | None = None
        """Set while a body is arriving."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the peer does not take what we write."""
        self._work: asyncio.Future[tuple[RequestHead, Body]] | None = None
        """What the task waits for between requests."""
        self.task: asyncio.Task[None] | None = None
        self._peer = ""
        self._active = True
        """Something happened since the last sweep; it moves the deadline on."""
        self._deadline = 0.0

    def __repr__(self) -> str:
        return f"<Connection from {self._peer} busy={self._busy} closing={self._closing}>"

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._fd = _plain_socket(transport) if self._application.recalls else -1
        self._loop = asyncio.get_running_loop()
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        application = self._application
        if application.draining or len(application.connections) >= application.limits.connections:
            self._closing = True
            self._transport.abort()
            return
        application.connections.add(self)
        self._quiet = True
        self._direct = self._fd >= 0

    def connection_lost(self, failure: Exception | None) -> None:
        self._lost = True
        self._stop_looking()
        if self._body is not None:
            self._body.fail(BodyInterrupted("the client went away"))
        self._make_writable()
        if self._work is not None:
            self._work.cancel()
        self._forget_if_over()

    def pause_writing(self) -> None:
        self._quiet = False
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        self._make_writable()
        if not self._busy:
            self._advance()

    def eof_received(self) -> bool:
        """A client that half-closes still gets the answers to what it asked."""
        self._half_closed = True
        self._quiet = False
        if self._decoder is not None and self._body is not None:
            self._closing = True
            self._body.fail(BodyInterrupted("the client went away"))
        return self._busy and self._transport.can_write_eof()

    def data_received(self, data: bytes) -> None:
        if not self._quiet:
            self._take(data)
            return
        answer = self._recall(data)
        if answer is not None:
            self._active = True
            self._answer_now(answer, data)
            return
        self._quiet = False
        self._buffer = data
        self._advance()

    def _take(self, data: bytes) -> None:
        """Bytes that arrive while something else is going on."""
        if self._closing:
            return
        if self._decoder is not None:
            self._active = True
            self._take_body(data)
            return
        self._buffer += data
        if not self._busy and self._writable is None:
            self._advance()
        elif len(self._buffer) > BUFFER_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    # Requests in.

    def _advance(self) -> None:
        """Look at the next head, if it is here; answer it now or give it to the task."""
        if self._paused and self._writable is None:
            self._paused = False
            self._transport.resume_reading()
        while self._buffer and not self._closing and self._writable is None:
            end = self._buffer.find(HEAD_END) + len(HEAD_END)
            if end < len(HEAD_END) or end > self._application.limits.head_bytes:
                self._await_head()
                return
            head, self._buffer = self._buffer[:end], self._buffer[end:]
            # RFC 9112 section 2.2: an empty line before the request line is ignored.
            head = head.removeprefix(b"\r\n")
            answer = self._recall(head)
            if answer is not None:
                self._answer_now(answer, head)
                if self._busy:
                    return
                continue
            self._application.requests += 1
            try:
                parsed = self._application.parse(head)
            except MalformedMessage as problem:
                self._refuse(problem.status, problem.why)
            else:
                self._begin(parsed)
            return
        if self._half_closed and not self._buffer:
            self._close()
        self._active = True
        self._quiet = not self._buffer and not self._closing and self._writable is None

    def _await_head(self) -> None:
        """The buffer does not begin with a whole head of acceptable size. The deadline stays where it is, so a head
        that drips in is cut off."""
        if len(self._buffer) > self._application.limits.head_bytes:
            self._refuse(431, "the head of the request is too large")
        elif self._buffer.count(b"\n") != self._buffer.count(b"\r\n"):
            self._refuse(400, "a line ends without a carriage return")
        elif self._half_closed:
            self._close()

    def _begin(self, head: RequestHead) -> None:
        self._busy = True
        body: Body = BytesBody()
        if head.length:
            self._body = body = ArrivingBody(
                None if head.length == http_head.CHUNKED else head.length,
                pause=self._transport.pause_reading,
                resume=self._transport.resume_reading,
                before_first_read=self._send_continue if head.expects_continue else None,
            )
            self._decoder = http_body.decoder(head.length)
            rest, self._buffer = self._buffer, b""
            if rest:
                self._take_body(rest)
        if self.task is None:
            self.task = self._loop.create_task(self._run((head, body)))
        else:
            assert self._work is not None
            self._work.set_result((head, body))

    def _take_body(self, data: bytes) -> None:
        assert self._decoder is not None and self._body is not None
        try:
            pieces, rest = self._decoder.feed(data)
        except MalformedMessage as problem:
            # The handler's read fails with it, its answer is the refusal, and the connection closes.
            self._closing = True
            self._body.fail(problem)
            return
        for piece in pieces:
            self._body.push(piece)
        if rest is not None:
            self._decoder = None
            self._buffer = rest
            self._body.finish()

    def _send_continue(self) -> None:
        if self._decoder is not None and not self._transport.is_closing():
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    # Recalled answers out: straight into the socket. The transport would do the same one loop iteration later, but
    # cannot send files. It must be empty for that, and what it was given may be on its way until then.

    def _answer_now(self, answer: bytes | FiledAnswer | Later, request: bytes) -> None:
        if isinstance(answer, Later):
            self._quiet, self._busy = False, True
            answer.attach(self, request)
            return
        head, body, file = answer if isinstance(answer, FiledAnswer) else (answer, b"", None)
        if not self._direct:
            self._send(head, body)
            return
        sent_bytes = 0
        try:
            sent_bytes = os.write(self._fd, head)
            if file is not None and sent_bytes == len(head):
                sent_bytes += file.send(self._fd)
        except BlockingIOError:
            pass
        except OSError:
            self.abort()
            return
        if sent_bytes < len(head) + len(body):
            self._send((head + body)[sent_bytes:])

    def answer_later(self, whole: bytes) -> None:
        self._busy = False
        if self._lost or self._closing:
            self._forget_if_over()
            return
        self._send(whole)
        if self._application.draining:
            self._close()
        else:
            self._advance()

    def decline(self, head: bytes, note: object) -> None:
        self._busy = False
        if self._lost or self._closing:
            self._forget_if_over()
            return
        self._application.requests += 1
        parsed = self._application.parse(head)
        self._begin(parsed if note is None else msgspec.structs.replace(parsed, note=note))

    def _send(self, *pieces: bytes) -> None:
        """By way of the transport."""
        self._transport.writelines(pieces)
        if self._fd >= 0:
            self._direct = False
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        """An iteration of the loop has passed, so the transport counts what the socket has not taken."""
        self._direct = self._fd >= 0 and self._transport.get_write_buffer_size() == 0

    # Responses out.

    async def _run(self, work: tuple[RequestHead, Body]) -> None:
        """The connection's one task: answers request after request."""
        try:
            while True:
                await self._answer(*work)
                self._busy = False
                if self._closing or self._transport.is_closing():
                    return
                self._work = self._loop.create_future()
                self._advance()
                work = await self._work
        except Exception:  # a defect of ours; the client sees that the connection broke, the process goes on
            logger.exception("a connection failed")
            self._transport.abort()
        finally:
            self._busy = False
            self._forget_if_over()

    async def _answer(self, head: RequestHead, body: Body) -> None:
        request = Request(
            method=head.method,
            target=head.target,
            headers=Headers(head.fields),
            body=body,
            peer=self._peer,
            note=head.note,
        )
        response = await self._handle(request)
        if self._transport.is_closing():
            if isinstance(response, Response):
                await _abandon(response.body)
        elif isinstance(response, Upgrade):
            self._hand_over(response)
        elif not await self._write(response, head) or not await self._drop_unread_body():
            self._close()

    async def _handle(self, request: Request) -> Response | Upgrade:
        refusal = self._application.refusal
        try:
            return await self._application.handler(request)
        except MalformedMessage as problem:
            return refusal(problem.status, problem.why)
        except BodyTooLarge:
            self._closing = True
            return refusal(413, "the body is too large")
        except BodyInterrupted:
            self._closing = True
            return refusal(400, "the body is incomplete")
        except Exception:  # one broken handler must not end the process; the client gets 500
            logger.exception("the handler failed for %s %s", request.method, request.raw_path)
            return refusal(500, "internal error")

    def _may_stay_open(self, head: RequestHead) -> bool:
        if self._closing or self._application.draining or not head.keep_alive:
            return False
        # A client that was not told to send the body that it announced may or may not send it.
        unsure = head.expects_continue and self._decoder is not None and self._body is not None
        return not (unsure and self._body is not None and not self._body.was_read)

    async def _write(self, response: Response, head: RequestHead) -> bool:
        """Write it all. Returns whether the connection can serve another request."""
        plan = framing(response, head, keep_alive=self._may_stay_open(head))
        if "date" not in response.headers:
            plan.fields.append(("date", self._application.date))
        try:
            encoded = http_head.encode_response_head(response.status, response.phrase, plan.fields)
        except http_head.InvalidField as problem:
            logger.error("the answer to %s %s has an invalid field: %s", head.method, head.target, problem)
            await _abandon(response.body)
            self._refuse(500, "internal error")
            return False
        if not plan.with_body:
            self._send(encoded)
            await _abandon(response.body)
        elif isinstance(response.body, bytes):
            self._send(encoded, response.body)
        else:
            self._send(encoded)
            if not await self._stream(response.body, plan):
                self._transport.abort()
                return False
        if self._writable is not None:
            await self._writable
        return plan.keep_alive

    async def _stream(self, pieces: AsyncIterator[bytes], plan: Framing) -> bool:
        """Whether the whole body went out; where it did not, the caller cuts the connection so that the client
        sees it."""
        sent_bytes = 0
        try:
            async for piece in pieces:
                sent_bytes += len(piece)
                if self._transport.is_closing() or (plan.length is not None and sent_bytes > plan.length):
                    return False
                if piece:
                    self._send(http_body.chunk(piece) if plan.chunked else piece)
                    self._active = True
                if self._writable is not None:
                    await self._writable
        except BodyInterrupted as problem:
            logger.warning("the body of a response broke off: %s", problem)
            return False
        except Exception:  # the head is out: cutting the connection is the only answer left
            logger.exception("the body of a response broke off")
            return False
        finally:
            await _abandon(pieces)
        if plan.chunked:
            self._send(http_body.LAST_CHUNK)
        return plan.length in (None, sent_bytes) and not self._transport.is_closing()

    async def _drop_unread_body(self) -> bool:
        """Whether the rest of the request's body is out of the way."""
        if self._body is None:
            return True
        dropped_bytes = 0
        try:
            async for piece in self._body:
                dropped_bytes += len(piece)
                if dropped_bytes > UNREAD_BODY_LIMIT_BYTES:
                    return False
        except (BodyInterrupted, MalformedMessage):
            return False
        finally:
            # Only now: until here what arrives still belongs to it.
            self._body = None
        return True

    def _refuse(self, status: int, why: str) -> None:
        """Answer what cannot be handled, and close."""
        response = self._application.refusal(status, why)
        body = response.body if isinstance(response.body, bytes) else b""
        ending = [("content-length", str(len(body))), ("date", self._application.date), ("connection", "close")]
        head = http_head.encode_response_head(response.status, response.phrase, [*response.headers, *ending])
        self._send(head, body)
        self._close()

    def _hand_over(self, upgrade: Upgrade) -> None:
        response = upgrade.response
        transport, rest = self._transport, self._buffer
        fields = [field for field in response.headers if field[0] not in ("content-length", "transfer-encoding")]
        transport.write(http_head.encode_response_head(response.status, response.phrase, fields))
        self._lost = True
        self._stop_looking()
        transport.set_protocol(upgrade.take_over(transport, rest))
        transport.resume_reading()

    # Endings; what they promise is in `http_application.Client`.

    def drain(self) -> None:
        if not self._busy:
            self._close()

    def abort(self) -> None:
        self._stop_looking()
        self._transport.abort()
        if self.task is not None:
            self.task.cancel()

    def expire(self, now: float) -> None:
        handling = self._busy and self._decoder is None and self._writable is None
        if self._active or handling:
            self._active = False
            self._deadline = now + self._application.limits.idle_seconds
        elif now > self._deadline:
            self._stop_looking()
            self._transport.abort()

    def _close(self) -> None:
        """Close once what was written is out. While a request's body is still coming, only our direction closes
        and the rest is dropped, because a reset would take the answer away from the client."""
        if self._decoder is not None and not self._half_closed and self._transport.can_write_eof():
            self._decoder = None
            self._transport.write_eof()
            self._transport.resume_reading()
            self._active = False
            self._deadline = self._loop.time() + LINGER_SECONDS
        else:
            self._transport.close()
        self._stop_looking()

    def _stop_looking(self) -> None:
        """At nothing that arrives from here on."""
        self._closing = True
        self._quiet = self._direct = False
        self._fd = -1
        self._buffer = b""

    def _make_writable(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _forget_if_over(self) -> None:
        if self._lost and not self._busy:
            self._application.forget(self)


def _plain_socket(transport: asyncio.BaseTransport) -> int:
    """The descriptor of a transport that is nothing but a socket; else -1."""
    plain = transport.get_extra_info("socket")
    encrypted = transport.get_extra_info("sslcontext") is not None
    return -1 if plain is None or encrypted or not sendable_file.AVAILABLE else int(plain.fileno())


async def _abandon(body: bytes | AsyncIterator[bytes]) -> None:
    """Run an abandoned generator's own `finally` clauses now rather than at the garbage collector's leisure."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
