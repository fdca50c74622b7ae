"""The state directory of one world.

    format                the version of this layout
    key                   a secret that Globule's own processes show each other on HTTP
    application.json      what `globule up` was asked to run
    world/current.json    the newest snapshot; replaced atomically
    stacks/*.json         what each stack instance has, for planning
    transforms/           cached SAM translations, by content
    regions/REGION/       tables, objects and logs of one region
    edge/                 logs of edge functions
    certificates/         the authority that signs the internet door's certificates
    logs/                 what Globule's own processes print

Only the supervisor writes world/ and stacks/; each region writes its own folder. Sockets live in a short path
under the system's temporary folder, because a Unix socket's path has at most 107 bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO

FORMAT = 1


class StateProblem(Exception):
    """The state directory cannot be used; the text says why and what to do."""


class State:
    """Paths and small files of one state directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: IO[bytes] | None = None

    @property
    def world_file(self) -> Path:
        return self.root / "world" / "current.json"

    @property
    def application_file(self) -> Path:
        return self.root / "application.json"

    @property
    def stacks(self) -> Path:
        return self.root / "stacks"

    @property
    def transforms(self) -> Path:
        return self.root / "transforms"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def region(self, code: str) -> Path:
        return self.root / "regions" / code

    @property
    def edge(self) -> Path:
        return self.root / "edge"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    def function_logs(self, place: str) -> Path:
        """What functions print in a region, or in `edge`."""
        return (self.edge if place == "edge" else self.region(place)) / "logs"

    @property
    def sockets(self) -> Path:
        """A private folder with a short name that follows from the state directory's path."""
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"globule-{os.getuid()}" / digest

    def socket(self, process: str) -> Path:
        """Control socket of `supervisor`, `edge` or a region."""
        return self.sockets / f"{process}.sock"

    def prepare(self) -> None:
        """Create what is missing; refuse a directory of a newer version. Raises StateProblem."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        marker = self.root / "format"
        if not marker.exists():
            replace_file(marker, f"{FORMAT}\n".encode())
        self.check_format()
        for folder in (self.world_file.parent, self.stacks, self.transforms, self.logs, self.edge):
            folder.mkdir(exist_ok=True)
        if not (self.root / "key").exists():
            replace_file(self.root / "key", secrets.token_hex(32).encode())
        self.sockets.parent.mkdir(mode=0o700, exist_ok=True)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        if self.sockets.parent.stat().st_uid != os.getuid():
            raise StateProblem(f"{self.sockets.parent} belongs to another user; set TMPDIR to a folder of your own")
        (self.sockets / "state").write_text(str(self.root))

    def check_format(self) -> None:
        """Raises StateProblem where another version wrote this directory, or none did."""
        marker = self.root / "format"
        try:
            text = marker.read_text().strip()
        except FileNotFoundError:
            raise StateProblem(f"{self.root} is not a state directory of Globule") from None
        if not text.isdigit():
            raise StateProblem(f"{marker} is damaged: it should hold a version number, but holds {text[:20]!r}")
        if int(text) > FORMAT:
            raise StateProblem(
                f"{self.root} was written by a newer Globule (format {text}; this one knows {FORMAT}). "
                "Upgrade Globule, or use another directory with --state."
            )

    def key(self) -> str:
        """The secret of this world's own HTTP calls."""
        return (self.root / "key").read_text()

    def lock(self) -> None:
        """Hold this directory until the process ends. Raises StateProblem where another supervisor holds it."""
        handle = (self.root / "lock").open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise StateProblem(f"another supervisor is running on {self.root}") from None
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def replace_file(path: Path, data: bytes) -> None:
    """Durable and atomic: a reader sees the old content or the new one, also after a crash."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data) if len(data) < 65536 else _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def running_worlds() -> list[Path]:
    """The state directories of this user's worlds whose supervisor has a socket."""
    folder = Path(tempfile.gettempdir()) / f"globule-{os.getuid()}"
    return sorted(Path(marker.read_text()) for marker in folder.glob("*/state") if _has_supervisor(marker.parent))


def _has_supervisor(sockets: Path) -> bool:
    return (sockets / "supervisor.sock").exists()
