"""One invocation on its way through a queue and a worker, and what it comes to."""

from __future__ import annotations

import asyncio

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an invocation ended."""

    payload: bytes
    failed: bool = False
    status: str | None = None
    """For the REPORT line: `timeout` or `error`."""
    error_type: str | None = None
    duration_ms: float = 0.0
    log_tail: bytes = b""


class Invocation:
    """One invocation on its way through the queue and a worker."""

    __slots__ = ("arn", "client_context", "cold", "done", "lines", "payload", "request_id", "started", "trace")

    def __init__(
        self, request_id: str, arn: str, payload: bytes, *, trace: str | None, client_context: str | None
    ) -> None:
        self.request_id = request_id
        self.arn = arn
        self.payload = payload
        self.trace = trace
        self.client_context = client_context
        self.done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.lines: list[str] = []
        self.started = 0.0
        self.cold = False

    def finish(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)
