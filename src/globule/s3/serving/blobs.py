"""Bodies as files, named by chance: nothing that a client says ever becomes a file's name.

    incoming/BLOB      being written; swept when the service starts
    blobs/XX/BLOB      whole and durable; XX is how BLOB begins

A file is written, synced and renamed, and its folder synced, before anybody records it; it is removed after its
record is. So a crash can leave a file that nobody needs, never a record without its file; `sweep` removes the former.
A file that is being read when its object is overwritten goes when the last reader has finished.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import ParamSpec, Protocol

from globule.host.entropy import Entropy
from globule.s3.rules.records import Piece

# What an upload gathers before a thread takes it to the disk and through the digests.
BATCH_BYTES = 1024 * 1024
# What a download reads at once. Up to this much is read without a thread: it costs less than the thread would.
READ_BYTES = 256 * 1024
P = ParamSpec("P")

_NAME = re.compile(r"[0-9a-f]{32}")
# The sweep looks at so many files before it lets others have the event loop.
_SWEEP_FILES = 256


class Source(Protocol):
    """A body on its way to the disk."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def digest(self, data: bytes) -> None:
        """Called with every byte, in a thread."""

    def verify(self) -> None:
        """Called at the end; raises where the body is not what it should be."""


class Blobs:
    def __init__(self, folder: Path, entropy: Entropy) -> None:
        self._incoming = folder / "incoming"
        self._blobs = folder / "blobs"
        self._entropy = entropy
        self._readers: collections.Counter[str] = collections.Counter()
        self._condemned: set[str] = set()
        """Files that are not needed any more, but are being read."""
        self._unrecorded: set[str] = set()
        """Files that are written, and not yet recorded."""

    def __repr__(self) -> str:
        return f"<Blobs {self._blobs} read={len(self._readers)} unrecorded={len(self._unrecorded)}>"

    def open(self) -> None:
        """Create the folders, and remove what was being written when the last process ended."""
        for folder in (self._incoming, self._blobs):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()

    async def receive(self, source: Source) -> Piece:
        """Write a body; verified and durable on return, and to be recorded or discarded by the caller.

        Raises what `source` and the disk raise, and leaves nothing then.
        """
        blob = self._entropy.bytes(16).hex()
        path = self._incoming / blob
        size_bytes = 0
        file: FileIO | None = None
        self._unrecorded.add(blob)
        try:
            async for batch in _batches(source):
                size_bytes += len(batch)
                if file is None:
                    file = path.open("xb", buffering=0)
                await _in_thread(_write, file, batch, source.digest)
            source.verify()
            if file is None:
                self._unrecorded.discard(blob)
                return Piece("", 0)
            await _in_thread(self._settle, file, path, blob)
            return Piece(blob, size_bytes)
        except BaseException:
            self._unrecorded.discard(blob)
            if file is not None:
                file.close()
                for leftover in (path, self._path(blob)):
                    leftover.unlink(missing_ok=True)
            raise

    async def link(self, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """The same bodies under new names, durable, at no cost of space; to be recorded or discarded."""
        copies = tuple(Piece(self._entropy.bytes(16).hex() if piece.blob else "", piece.size_bytes) for piece in pieces)
        blobs = [(piece.blob, copy.blob) for piece, copy in zip(pieces, copies, strict=True) if piece.blob]
        self._unrecorded.update(new for _, new in blobs)
        try:
            with self.reading(old for old, _ in blobs):
                await _in_thread(self._link, blobs)
        except BaseException:
            self.discard(new for _, new in blobs)
            raise
        return copies

    def recorded(self, blobs: Iterable[str]) -> None:
        """Somebody's durable record names them now."""
        self._unrecorded.difference_update(blobs)

    def discard(self, blobs: Iterable[str]) -> None:
        """Nobody needs them."""
        for blob in blobs:
            self._unrecorded.discard(blob)
            if self._readers[blob]:
                self._condemned.add(blob)
            else:
                del self._readers[blob]
                self._path(blob).unlink(missing_ok=True)

    @contextlib.contextmanager
    def reading(self, blobs: Iterable[str]) -> Iterator[None]:
        """Keeps files while somebody reads them."""
        held = list(blobs)
        self._readers.update(held)
        try:
            yield
        finally:
            self._readers.subtract(held)
            for blob in held:
                if self._readers[blob] <= 0:
                    del self._readers[blob]
                    if blob in self._condemned:
                        self._condemned.discard(blob)
                        self._path(blob).unlink(missing_ok=True)

    def read_small(self, pieces: Sequence[Piece], start: int, end: int) -> bytes:
        """A range of at most READ_BYTES, at once."""
        return b"".join(_read(self._path(blob), offset, count) for blob, offset, count in _spans(pieces, start, end))

    async def read(self, pieces: Sequence[Piece], start: int, end: int) -> AsyncIterator[bytes]:
        """A range, as it is asked for. Files are kept from the first piece that is asked for to the end."""
        with self.reading(piece.blob for piece in pieces if piece.blob):
            for blob, offset, count in _spans(pieces, start, end):
                for begin in range(offset, offset + count, READ_BYTES):
                    size = min(READ_BYTES, offset + count - begin)
                    yield await asyncio.to_thread(_read, self._path(blob), begin, size)

    async def sweep(self, needed: Callable[[str], bool]) -> int:
        """Remove files that nobody has recorded. Returns how many. Lets others run meanwhile."""
        removed = 0
        for folder in await asyncio.to_thread(_listed, self._blobs):
            names = await asyncio.to_thread(_listed, folder)
            for number, path in enumerate(names):
                if number % _SWEEP_FILES == 0:
                    await asyncio.sleep(0)
                blob = path.name
                if _NAME.fullmatch(blob) and blob not in self._unrecorded and not needed(blob):
                    self.discard([blob])
                    removed += 1
        return removed

    def _path(self, blob: str) -> Path:
        return self._blobs / blob[:2] / blob

    def _settle(self, file: FileIO, path: Path, blob: str) -> None:
        os.fsync(file.fileno())
        file.close()
        target = self._path(blob)
        self._make_folder(target.parent)
        path.rename(target)
        _sync_folder(target.parent)

    def _link(self, blobs: Sequence[tuple[str, str]]) -> None:
        folders = set()
        for old, new in blobs:
            target = self._path(new)
            self._make_folder(target.parent)
            target.hardlink_to(self._path(old))
            folders.add(target.parent)
        for folder in folders:
            _sync_folder(folder)

    def _make_folder(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            _sync_folder(self._blobs)


async def _batches(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """A stream in batches of BATCH_BYTES or a little more; nothing for an empty one."""
    gathered: list[bytes] = []
    size_bytes = 0
    async for piece in pieces:
        gathered.append(piece)
        size_bytes += len(piece)
        if size_bytes >= BATCH_BYTES:
            yield b"".join(gathered)
            gathered, size_bytes = [], 0
    if size_bytes:
        yield b"".join(gathered)


async def _in_thread(work: Callable[P, None], *arguments: P.args, **keywords: P.kwargs) -> None:
    """As `asyncio.to_thread`, but a cancelled caller waits until the thread is done with its file."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **keywords))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _write(file: FileIO, batch: bytes, digest: Callable[[bytes], None]) -> None:
    view = memoryview(batch)
    while view:
        view = view[file.write(view) or 0 :]
    digest(batch)


def _read(path: Path, offset: int, count: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        data = file.read(count)
    if len(data) != count:
        raise OSError(f"{path} is shorter than its record says")
    return data


def _spans(pieces: Sequence[Piece], start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """File, offset and number of bytes of each part of a range."""
    position = 0
    for piece in pieces:
        begin, finish = max(start, position), min(end, position + piece.size_bytes)
        if begin < finish:
            yield piece.blob, begin - position, finish - begin
        position += piece.size_bytes


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
