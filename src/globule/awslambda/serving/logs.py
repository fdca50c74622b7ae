"""What functions print, kept on disk: one file of JSON lines a log group, rotated, readable by any process.

    FOLDER/%2Faws%2Flambda%2Forders.jsonl      the newest events
    FOLDER/%2Faws%2Flambda%2Forders.1.jsonl    those before

Events are written in batches, a moment after they happen: a crash loses the last ones, as a crash of Lambda's own
log agent would. CloudWatch Logs' API is not here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from globule.host.clock import Clock

log = logging.getLogger(__name__)

# Two files of this size a log group: some tens of thousands of lines.
FILE_LIMIT_BYTES = 8 * 1024 * 1024
# Between an event and its being on disk; `logs -f` looks as often.
WRITE_DELAY_S = 0.1
# Beyond this the newest events are dropped until the disk has caught up.
BUFFER_LIMIT_BYTES = 16 * 1024 * 1024
SUFFIX = ".jsonl"
OLD_SUFFIX = ".1.jsonl"


class LogEvent(msgspec.Struct, frozen=True):
    """One event. `at` is in milliseconds since the epoch."""

    at: int
    stream: str
    message: str


class LogStore:
    """Where the functions of one process write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[str, list[bytes]] = {}
        self._pending_bytes = 0
        self._flush: asyncio.TimerHandle | None = None
        self._encode = msgspec.json.Encoder().encode
        self.dropped = 0

    def append(self, group: str, at: float, stream: str, messages: Iterable[str]) -> None:
        """`at` is in seconds since the epoch."""
        lines = [self._encode(LogEvent(int(at * 1000), stream, message)) for message in messages]
        size_bytes = sum(map(len, lines))
        if self._pending_bytes + size_bytes > BUFFER_LIMIT_BYTES:
            self.dropped += len(lines)
            return
        self._pending.setdefault(group, []).extend(lines)
        self._pending_bytes += size_bytes
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(WRITE_DELAY_S, self.flush)

    def flush(self) -> None:
        """Write what is pending. A full disk costs events, and nothing else."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        pending, self._pending, self._pending_bytes = self._pending, {}, 0
        for group, lines in pending.items():
            try:
                self._write(file_of(self._folder, group), b"\n".join(lines) + b"\n")
            except OSError as error:
                self.dropped += len(lines)
                log.warning("log events of %s were lost: %s", group, error)

    def _write(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)
            full = file.tell() > FILE_LIMIT_BYTES
        if full:
            path.replace(_old(path))

    def statistics(self) -> dict[str, Any]:
        return {"pending_bytes": self._pending_bytes, "dropped_events": self.dropped}


def file_of(folder: Path, group: str) -> Path:
    return folder / f"{quote(group, safe='')}{SUFFIX}"


def _old(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + OLD_SUFFIX)


def log_groups(folder: Path) -> list[str]:
    """The groups that have events."""
    names = {path.name.removesuffix(OLD_SUFFIX).removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")}
    return sorted(map(unquote, names))


def read_events(folder: Path, group: str, *, since_ms: int = 0) -> Iterator[LogEvent]:
    """The events of a group that are still kept, oldest first."""
    path = file_of(folder, group)
    for part in (_old(path), path):
        try:
            data = part.read_bytes()
        except FileNotFoundError:
            continue
        yield from (event for event in _events(data) if event.at >= since_ms)


async def follow_events(folder: Path, clock: Clock, *, group: str | None = None) -> AsyncIterator[tuple[str, LogEvent]]:
    """Each new event from now on, of one group or of all, with its group. Reads the files, so that it works from any
    process and goes on when the writer is started again."""
    places = {name: _Place(file_of(folder, name), at_end=True) for name in log_groups(folder)}
    while True:
        for name in [group] if group is not None else log_groups(folder):
            place = places.setdefault(name, _Place(file_of(folder, name), at_end=False))
            for event in place.read():
                yield name, event
        await clock.sleep(WRITE_DELAY_S)


class _Place:
    """How far a follower has read one group's file."""

    def __init__(self, path: Path, *, at_end: bool) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0
        if at_end:
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                self._inode, self._offset = status.st_ino, status.st_size

    def read(self) -> list[LogEvent]:
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return []
        events: list[LogEvent] = []
        if inode != self._inode:
            if self._inode:
                events = self._read_rest(_old(self._path))
            self._inode, self._offset = inode, 0
        return events + self._read_rest(self._path)

    def _read_rest(self, path: Path) -> list[LogEvent]:
        try:
            with path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data.rpartition(b"\n")[0] + b"\n" if b"\n" in data else b""
        self._offset += len(whole)
        return _events(whole)


_decoder = msgspec.json.Decoder(LogEvent)


def _events(data: bytes) -> list[LogEvent]:
    """Whole lines to events. A line that a crash has cut is left out."""
    events = []
    for line in data.splitlines():
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
            events.append(_decoder.decode(line))
    return events
