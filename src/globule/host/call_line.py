"""Many calls at once over one connection that stays open: for processes of ours that talk all the time.

A call over HTTP needs a connection to itself until it is answered. Over a distance that is a connection for every call
under way, and a hand-shake for each more than before. Here calls are frames (`wire.frames`) on a connection that
began as an HTTP request and was upgraded, so the server's door and its guard stay the same.

What it is not: ordered (answers come when they are ready), or a way to call twice (a call that is not answered may
have been done, or not).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from globule.wire.frames import ANSWER, FAILURE, QUESTION, BadFrame, Frame, FrameReader, encode_frame

log = logging.getLogger(__name__)

UPGRADE = "globule-calls"

# The head of the answer to the upgrade is ours; it has some hundred bytes.
_HEAD_LIMIT_BYTES = 8192

# Questions that one connection may have open at the answering side; beyond it nothing more is read from it.
OPEN_LIMIT = 256


class CallLine(asyncio.Protocol):
    """The calling side of one connection. `greeting` is the HTTP request that asks for the upgrade; calls may follow
    it at once."""

    def __init__(self, greeting: bytes, *, limit_bytes: int) -> None:
        self._greeting = greeting
        self._reader = FrameReader(limit_bytes)
        self._head = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self._open: dict[int, asyncio.Future[bytes]] = {}
        self._next = 0
        self._heard_at = 0.0
        self._loop = asyncio.get_running_loop()

    def __repr__(self) -> str:
        return f"<CallLine open={len(self._open)} up={self.up}>"

    @property
    def up(self) -> bool:
        """Whether calls can be made."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if not self._upgraded:
            data = self._read_head(data)
        try:
            for frame in self._reader.feed(data):
                self._answered(frame)
        except BadFrame as problem:
            self._fail(f"the other end sent {problem}")

    def connection_lost(self, problem: Exception | None) -> None:
        self._transport = None
        self._fail("the connection ended")

    async def call(self, question: bytes) -> bytes:
        """Raises ConnectionError where the connection ends, or the other end could not answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection ended")
        self._next += 1
        number, asked_at = self._next, self._loop.time()
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._open[number] = future
        self._transport.write(encode_frame(Frame(number, QUESTION, question)))
        try:
            return await future
        except asyncio.CancelledError:
            if self._heard_at < asked_at:
                # Nothing at all came since: the line is dead, and whoever calls next gets a new one.
                self.abort()
            raise
        finally:
            self._open.pop(number, None)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _read_head(self, data: bytes) -> bytes:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(head) > _HEAD_LIMIT_BYTES:
                self._fail("the other end does not answer the greeting")
            return b""
        if not head.startswith(b"HTTP/1.1 101 "):
            self._fail("the other end answered " + head.partition(b"\r\n")[0].decode("latin-1"))
            return b""
        self._upgraded = True
        self._head = b""
        return rest

    def _answered(self, frame: Frame) -> None:
        future = self._open.get(frame.number)
        if future is None or future.done():
            return  # whoever asked has given up
        if frame.kind == ANSWER:
            future.set_result(frame.content)
        else:
            future.set_exception(ConnectionError(frame.content.decode("utf-8", "replace")))

    def _fail(self, why: str) -> None:
        self.abort()
        for future in self._open.values():
            if not future.done():
                future.set_exception(ConnectionResetError(why))


class AnsweringLine(asyncio.Protocol):
    """The answering side, for `http_application.Upgrade.take_over`."""

    def __init__(
        self, transport: asyncio.Transport, answer: Callable[[bytes], Awaitable[bytes]], *, limit_bytes: int
    ) -> None:
        self._transport = transport
        self._answer = answer
        self._reader = FrameReader(limit_bytes)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused = False

    def __repr__(self) -> str:
        return f"<AnsweringLine open={len(self._tasks)}>"

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                task = self._loop.create_task(self._run(frame))
                self._tasks.add(task)
                task.add_done_callback(self._done)
        except BadFrame as problem:
            log.warning("a line is cut: its other end sent %s", problem)
            self._transport.abort()
        if len(self._tasks) > OPEN_LIMIT and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._paused and len(self._tasks) <= OPEN_LIMIT // 2 and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    async def _run(self, frame: Frame) -> None:
        """Ends by itself where the caller goes away: half a change is worse than an answer that nobody reads."""
        try:
            answer = Frame(frame.number, ANSWER, await self._answer(frame.content))
        except OSError as problem:
            answer = Frame(frame.number, FAILURE, str(problem).encode())
        except Exception:  # one broken answer must not end the others
            log.exception("a question could not be answered")
            answer = Frame(frame.number, FAILURE, b"internal error")
        if not self._transport.is_closing():
            self._transport.write(encode_frame(answer))
