"""What an HTTP server is made of besides connections: its handler and hooks, its limits, and what they give and get."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import NamedTuple, Protocol

import msgspec

from globule.host.clock import Clock
from globule.host.sendable_file import SendableFile
from globule.wire.http import Request, Response
from globule.wire.http_head import RequestHead

TakeOver = Callable[[asyncio.Transport, bytes], asyncio.Protocol]


class Upgrade(msgspec.Struct, frozen=True):
    """A handler's answer that hands the connection over (CONNECT, WebSocket). `response` (101, or 200 to CONNECT) is
    written without a body; then `take_over(transport, bytes_that_already_arrived)` returns the protocol that
    receives from there on. Its connection_made is not called."""

    response: Response
    take_over: TakeOver


Handler = Callable[[Request], Awaitable[Response | Upgrade]]
Parse = Callable[[bytes], RequestHead]
"""Reads a head. Raises MalformedMessage."""


class FiledAnswer(NamedTuple):
    """A whole answer whose body is in a file too."""

    head: bytes
    body: bytes
    file: SendableFile


class Client(Protocol):
    """A connection, as the server and those who answer later see it."""

    task: asyncio.Task[None] | None

    def answer_later(self, whole: bytes) -> None: ...

    def decline(self, head: bytes, note: object) -> None: ...

    def drain(self) -> None:
        """Finish the request in progress, if any, then close."""

    def abort(self) -> None: ...

    def expire(self, now: float) -> None:
        """Cut a connection whose peer has been silent for too long while it was the peer's turn."""


class Later:
    """An answer that is on its way, without a task. One of the two methods is called once, not before the hook that
    made this has returned."""

    __slots__ = ("_connection", "_head")

    def attach(self, connection: Client, head: bytes) -> None:
        """The server's work."""
        self._connection = connection
        self._head = head

    def answer(self, whole: bytes) -> None:
        """Head and body. The connection stays open after it."""
        self._connection.answer_later(whole)

    def decline(self, note: object = None) -> None:
        """Let the handler answer. `note` becomes the request's where it is not None."""
        self._connection.decline(self._head, note)


Recall = Callable[[bytes], bytes | FiledAnswer | Later | None]
"""The whole answer to these bytes, where they are exactly one head of a request without a body, and where it is known
at once or will come without a task; else None. The connection stays open after it."""
Refusal = Callable[[int, str], Response]
"""Status and reason to the response for a request that never reached the handler, or that the handler failed."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    head_bytes: int = 64 * 1024
    """Request line and fields; above it 431."""
    idle_seconds: float = 75.0
    """For a connection between requests, and one whose peer falls silent in the middle of one. Longer than our
    client's, so that the client is the one who closes."""
    connections: int = 10_000
    """More are closed at once: the process's file descriptors end somewhere."""


class Application:
    """What all connections of one server share."""

    def __init__(
        self, *, handler: Handler, parse: Parse, recall: Recall | None, refusal: Refusal, limits: Limits, clock: Clock
    ) -> None:
        self.handler = handler
        self.parse = parse
        self.recall: Recall = recall or _nothing
        self.recalls = recall is not None
        self.refusal = refusal
        self.limits = limits
        self.connections: set[Client] = set()
        self.requests = 0
        self.draining = False
        self.drained: asyncio.Future[None] | None = None
        """Set while somebody waits for the last connection to end."""
        self._clock = clock
        self._second = -1
        self._date = ""

    @property
    def date(self) -> str:
        """The Date field, made once a second."""
        second = int(self._clock.now())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def forget(self, connection: Client) -> None:
        self.connections.discard(connection)
        if not self.connections and self.drained is not None and not self.drained.done():
            self.drained.set_result(None)


def _nothing(head: bytes) -> None:
    """No answer is known at once."""
