"""The body of a message that is arriving on a connection, read by one task while the connection feeds it."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncIterator, Callable

from globule.wire.http import BodyTooLarge

# Above this the peer is slowed down until somebody reads.
BUFFER_BYTES = 128 * 1024


class BodyInterrupted(ConnectionError):
    """The connection ended, or broke the protocol, before the body was complete."""


class ArrivingBody:
    """Implements `wire.http.Body`. One reader. The connection calls push, finish and fail."""

    def __init__(
        self,
        length: int | None,
        *,
        pause: Callable[[], None],
        resume: Callable[[], None],
        before_first_read: Callable[[], None] | None = None,
    ) -> None:
        self._length = length
        self._pause = pause
        self._resume = resume
        self._before_first_read = before_first_read
        self._pieces: collections.deque[bytes] = collections.deque()
        self._buffered_bytes = 0
        self._paused = False
        self._complete = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.was_read = False
        """Somebody has begun to read."""

    @property
    def length(self) -> int | None:
        return self._length

    @property
    def complete(self) -> bool:
        """Everything has arrived; the reader may still be behind."""
        return self._complete

    async def read(self, limit_bytes: int) -> bytes:
        if self._length is not None and self._length > limit_bytes:
            raise BodyTooLarge
        pieces: list[bytes] = []
        size_bytes = 0
        async for piece in self:
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                raise BodyTooLarge
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.was_read = True
        if self._before_first_read is not None:
            self._before_first_read()
            self._before_first_read = None
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._buffered_bytes -= len(piece)
                if self._paused and self._buffered_bytes <= BUFFER_BYTES // 2:
                    self._paused = False
                    self._resume()
                yield piece
            if self._failure is not None:
                raise self._failure
            if self._complete:
                return
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def push(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._buffered_bytes += len(piece)
        if self._buffered_bytes > BUFFER_BYTES and not self._paused:
            self._paused = True
            self._pause()
        self._wake()

    def finish(self) -> None:
        self._complete = True
        self._wake()

    def fail(self, failure: Exception) -> None:
        if not self._complete and self._failure is None:
            self._failure = failure
            self._wake()

    def discard(self) -> None:
        """Nobody will read this any more."""
        self._pieces.clear()
        self._buffered_bytes = 0
        if self._paused:
            self._paused = False
            self._resume()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
