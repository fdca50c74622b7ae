"""Two connections as one: whatever arrives on either goes out on the other, no faster than it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Splice(asyncio.Protocol):
    """One of two ends; `splice` makes both."""

    partner: Splice

    def __init__(self, other: asyncio.Transport, when_over: Callable[[], None]) -> None:
        self._other = other
        self._when_over = when_over
        self._ended = False

    def data_received(self, data: bytes) -> None:
        if not self._other.is_closing():
            self._other.write(data)

    def eof_received(self) -> bool:
        """A half-closed connection goes on in the other direction, where the transport can do that."""
        self._ended = True
        if self.partner._ended or self._other.is_closing() or not self._other.can_write_eof():
            self._other.close()
            return False
        self._other.write_eof()
        return True

    def pause_writing(self) -> None:
        if not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        if not self._other.is_closing():
            self._other.resume_reading()

    def connection_lost(self, failure: Exception | None) -> None:
        if failure is None:
            self._other.close()
        else:
            self._other.abort()
        self._when_over()


def splice(one: asyncio.Transport, other: asyncio.Transport, when_over: Callable[[], None]) -> tuple[Splice, Splice]:
    """The protocols of the two transports, for the caller to set. `when_over` is called once for each."""
    ends = Splice(other, when_over), Splice(one, when_over)
    ends[0].partner, ends[1].partner = ends[1], ends[0]
    return ends
