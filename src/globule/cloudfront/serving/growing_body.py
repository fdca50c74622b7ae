"""A body that arrives once and is read by several: the viewer whose request fetches it, and those who wait for the
same object. Each reads from the start at its own pace; when the last one leaves, the fetch is given up.

While it may still be kept it is held whole. Once it turns out to be too large to keep, what everybody has read is
let go, and the origin is slowed down to the pace of the slowest reader.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncIterator, Callable

# Held for readers of a body that will not be kept.
WINDOW_BYTES = 256 * 1024


class GrowingBody:
    def __init__(self, limit_bytes: int, *, abandoned: Callable[[], None]) -> None:
        """`abandoned` is called when nobody reads any more before the end."""
        self._limit_bytes = limit_bytes
        self._abandoned = abandoned
        self._pieces: collections.deque[bytes] = collections.deque()
        self._first = 0
        """Number of the first piece that is still held."""
        self._held_bytes = 0
        self._positions: dict[int, int] = {}
        """The next piece of each reader."""
        self._readers = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None
        self._complete = False
        self.keepable = True
        """All of it so far is held."""

    async def push(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        self._wake()
        if self.keepable and self._held_bytes > self._limit_bytes:
            self.keepable = False
        while not self.keepable:
            self._let_go()
            if self._held_bytes <= WINDOW_BYTES:
                return
            self._room.clear()
            await self._room.wait()

    def finish(self) -> bytes:
        """The end. Returns the whole body; only where it is `keepable`."""
        self._complete = True
        self._wake()
        return b"".join(self._pieces) if self.keepable else b""

    def fail(self, failure: Exception) -> None:
        """It will not arrive whole. Harmless after the end."""
        if not self._complete and self._failure is None:
            self._failure = failure
            self.keepable = False
            self._wake()

    def reader(self) -> AsyncIterator[bytes]:
        """From the start; may be taken only while the body is `keepable`. Counts from now on, whether or not it is
        iterated: end it with `aclose`."""
        assert self.keepable
        number = self._readers
        self._readers += 1
        self._positions[number] = 0
        return _Reader(self, number)

    async def next(self, number: int) -> bytes | None:
        """The next piece for a reader; None at the end."""
        while True:
            index = self._positions[number] - self._first
            if index < len(self._pieces):
                self._positions[number] += 1
                self._room.set()
                return self._pieces[index]
            if self._failure is not None:
                raise self._failure
            if self._complete:
                return None
            self._changed.clear()
            await self._changed.wait()

    def leave(self, number: int) -> None:
        if self._positions.pop(number, None) is None:
            return
        self._room.set()
        if not self._positions and not self._complete and self._failure is None:
            self._abandoned()

    def _let_go(self) -> None:
        slowest = min(self._positions.values(), default=self._first)
        while self._first < slowest:
            self._held_bytes -= len(self._pieces.popleft())
            self._first += 1

    def _wake(self) -> None:
        self._changed.set()


class _Reader:
    """One viewer's way through the body."""

    def __init__(self, body: GrowingBody, number: int) -> None:
        self._body = body
        self._number = number

    def __aiter__(self) -> _Reader:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._body.next(self._number)
        if piece is None:
            self._body.leave(self._number)
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        self._body.leave(self._number)
