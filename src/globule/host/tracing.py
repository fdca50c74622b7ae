"""Spans of one request, for the waterfall that `globule curl --explain` draws.

The trace id travels in AWS's own header, `X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;Sampled=1`
(https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader): API Gateway
passes it on, Lambda hands it to functions, and AWS's SDKs put it on the calls that functions make. Only traces
with `Sampled=1` are recorded, so other requests pay for one header look-up. Each process keeps the newest spans
in a bounded ring; the control plane gathers them by trace id.
"""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Iterator

import msgspec

HEADER = "x-amzn-trace-id"

# A waterfall has tens of spans; this keeps the last few hundred requests that asked for one.
RING_SPANS = 8192


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a request. Times are in seconds since the epoch, by this machine's clock."""

    trace: str
    name: str
    """What happened: `DNS`, `connect`, `TLS`, `edge function`, `cache`, `origin connect`, `gateway`, `function`,
    `PutItem`..."""
    place: str
    """Where: a region code, an edge location, a city."""
    start: float
    end: float
    note: str = ""
    """One phrase for people, such as `Miss, new connection` or `cold start`."""


def sampled(header: str | None) -> str | None:
    """The trace id (`Root`) of a header that asks to be recorded; else None."""
    if header is None or "Sampled=1" not in header:
        return None
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "Root":
            return value
    return None


class Tracer:
    """The spans that one process recorded."""

    def __init__(self) -> None:
        self._spans: collections.deque[Span] = collections.deque(maxlen=RING_SPANS)

    def record(self, trace: str | None, name: str, *, place: str, start: float, end: float, note: str = "") -> None:
        """Does nothing where `trace` is None."""
        if trace is not None:
            self._spans.append(Span(trace=trace, name=name, place=place, start=start, end=end, note=note))

    @contextlib.contextmanager
    def span(self, trace: str | None, name: str, *, place: str, note: str = "") -> Iterator[None]:
        start = time.time()
        try:
            yield
        finally:
            self.record(trace, name, place=place, start=start, end=time.time(), note=note)

    def of(self, trace: str) -> list[Span]:
        return sorted((span for span in self._spans if span.trace == trace), key=lambda span: span.start)
