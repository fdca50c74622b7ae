"""The lines that Lambda itself writes into a function's log.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html shows their form.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec

# CloudWatch Logs takes events of up to 1 MB; a function that prints one line of many megabytes gets it in pieces.
LINE_LIMIT_BYTES = 256 * 1024
# What one invocation may print. More is counted and dropped: nobody reads it, and every region shares this disk.
INVOCATION_LIMIT_BYTES = 1024 * 1024
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, X-Amz-Log-Result
TAIL_BYTES = 4096


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How an invocation went."""

    request_id: str
    duration_ms: float
    memory_mb: int
    memory_used_mb: int
    init_ms: float | None = None
    status: str | None = None
    """`timeout` or `error`; None where it ended well."""
    error_type: str | None = None


def timestamp(at: float) -> str:
    """`2026-01-31T12:00:00.123Z`, from seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at % 1 * 1000):03d}Z"


def start_line(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    return f"END RequestId: {request_id}"


def report_line(report: Report) -> str:
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(report.duration_ms)} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.memory_used_mb} MB",
    ]
    if report.init_ms is not None:
        parts.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status is not None:
        parts.append(f"Status: {report.status}")
    if report.error_type is not None:
        parts.append(f"Error Type: {report.error_type}")
    return "\t".join(parts) + "\t"


def init_start_line(runtime: str) -> str:
    return f"INIT_START Runtime Version: {runtime}"


def timeout_line(request_id: str, at: float, timeout_s: float) -> str:
    return f"{timestamp(at)} {request_id} Task timed out after {timeout_s:.2f} seconds"


def stream_name(at: float, version: str, identity: str) -> str:
    """`2026/01/31/[$LATEST]0123...`: one stream an execution environment."""
    return f"{datetime.fromtimestamp(at, UTC):%Y/%m/%d}/[{version}]{identity}"


def tail(lines: list[str]) -> bytes:
    """The last 4 KB of an invocation's log."""
    return "".join(f"{line}\n" for line in lines).encode()[-TAIL_BYTES:]


class LineSplitter:
    """Output in pieces to lines, within bounds. A line's carriage returns become line feeds: that is how the
    runtimes keep an event of several lines together."""

    def __init__(self) -> None:
        self._rest = b""
        self._room_bytes = INVOCATION_LIMIT_BYTES
        self.dropped_bytes = 0

    def renew(self) -> str | None:
        """A new invocation begins. Returns what to say of the last one's dropped output."""
        dropped, self.dropped_bytes = self.dropped_bytes, 0
        self._room_bytes = INVOCATION_LIMIT_BYTES
        if not dropped:
            return None
        return f"[globule] {dropped} bytes of output were dropped: one invocation may print {INVOCATION_LIMIT_BYTES}"

    def feed(self, data: bytes) -> list[str]:
        if len(data) > self._room_bytes:
            self.dropped_bytes += len(data) - self._room_bytes
            data = data[: self._room_bytes]
        self._room_bytes -= len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_LIMIT_BYTES:
            lines.append(self._rest[:LINE_LIMIT_BYTES])
            self._rest = self._rest[LINE_LIMIT_BYTES:]
        return [_text(piece) for line in lines for piece in _pieces(line)]

    def flush(self) -> list[str]:
        """What was printed without a line's end, at the end of an invocation."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _pieces(line: bytes) -> list[bytes]:
    if len(line) <= LINE_LIMIT_BYTES:
        return [line]
    return [line[start : start + LINE_LIMIT_BYTES] for start in range(0, len(line), LINE_LIMIT_BYTES)]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n")
