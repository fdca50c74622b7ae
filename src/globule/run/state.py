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
    sockets               while processes live: a link to the folder of their control sockets

Only the supervisor writes world/ and stacks/; each region writes its own folder. Sockets live in a short path
under the system's temporary folder, because a Unix socket's path has at most 107 bytes. The link to it is for callers
whose temporary folder is another.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import IO

FORMAT = 1

# Exit status of a process that would fail in the same way if it were started again.
CANNOT_RUN = 2

# What `sockaddr_un` holds, less the byte that ends it, on the stricter of the systems that Globule runs on.
SOCKET_PATH_BYTES = 103
# The longest name of a process; AWS has no longer region code.
_LONGEST_SOCKET = "ap-southeast-99.sock"
# Two of this size for each process: tens of thousands of lines, with what led to them.
LOG_LIMIT_BYTES = 8 * 1024 * 1024


class StateProblem(Exception):
    """The state directory cannot be used; the text says why and what to do."""


class State:
    """Paths and small files of one state directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locks: dict[str, IO[bytes]] = {}

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
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        with contextlib.suppress(OSError):
            linked = Path(os.readlink(self._sockets_link))
            if linked.name == name:  # else this directory is a copy of another, and so is the link
                return linked
        return _sockets_folder() / name

    def socket(self, process: str) -> Path:
        """Control socket of `guardian`, `supervisor`, `edge` or a region."""
        return self.sockets / f"{process}.sock"

    @property
    def _sockets_link(self) -> Path:
        return self.root / "sockets"

    def prepare(self) -> None:
        """Create what is missing. Raises StateProblem where the directory is a newer version's, somebody else's, or
        cannot be written."""
        try:
            self._create()
        except OSError as error:
            raise StateProblem(f"{self.root} cannot be used as a state directory: {error.strerror}") from None

    def _create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        marker = self.root / "format"
        if not marker.exists():
            if any(not entry.name.startswith(".format.") for entry in self.root.iterdir()):
                raise StateProblem(
                    f"{self.root} is not empty, and not a state directory of Globule. Name another with --state."
                )
            replace_file(marker, f"{FORMAT}\n".encode())
        self.check_format()
        for folder in (self.world_file.parent, self.stacks, self.transforms, self.logs, self.edge):
            folder.mkdir(exist_ok=True)
        if not (self.root / "key").exists():
            replace_file(self.root / "key", secrets.token_hex(32).encode())
        self._create_sockets()

    def _create_sockets(self) -> None:
        if not self.sockets.exists():  # the system cleans its temporary folder; a new one is today's
            self._sockets_link.unlink(missing_ok=True)
        folder = self.sockets
        if len(os.fsencode(folder / _LONGEST_SOCKET)) > SOCKET_PATH_BYTES:
            raise StateProblem(f"the path {folder} is too long for sockets; set TMPDIR to a shorter one")
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
            if each.lstat().st_uid != os.getuid():
                raise StateProblem(f"{each} belongs to another user; set TMPDIR to a folder of your own")
        (folder / "state").write_text(str(self.root))
        if not self._sockets_link.is_symlink():
            self._sockets_link.symlink_to(folder)

    def remove_sockets(self) -> None:
        """Leave nothing in the temporary folder. Only when nothing of this world lives."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._sockets_link.unlink(missing_ok=True)

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

    def log(self, process: str) -> Path:
        """What a process prints."""
        return self.logs / f"{process}.log"

    def last_words(self, process: str) -> str:
        """The last line of its log: where Python programs say what ended them."""
        with contextlib.suppress(OSError, IndexError):
            return f"{self.log(process).read_text(errors='replace').splitlines()[-1]} ({self.log(process)})"
        return f"see {self.log(process)}"

    def shorten_logs(self) -> None:
        """Keep the end of each log that has grown too long as `NAME.1.log`, and begin it anew. Whoever writes it has it
        open for appending, and goes on at its new end."""
        for log in self.logs.glob("*.log"):
            if not log.name.endswith(".1.log") and log.stat().st_size > LOG_LIMIT_BYTES:
                with log.open("rb") as file:
                    file.seek(-LOG_LIMIT_BYTES, os.SEEK_END)
                    log.with_suffix(".1.log").write_bytes(file.read(LOG_LIMIT_BYTES))
                os.truncate(log, 0)

    def lock(self, process: str) -> None:
        """Be the only process of that name until the end, or `unlock`. Raises StateProblem where another is."""
        handle = (self.root / f"{process}.lock").open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise StateProblem(f"another {process} is running on {self.root}") from None
        self._locks[process] = handle

    def unlock(self, process: str) -> None:
        self._locks.pop(process).close()


def replace_file(path: Path, data: bytes) -> None:
    """Durable and atomic: a reader sees the old content or the new one, also after a crash. Raises OSError, and then
    nothing has changed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def known_worlds() -> list[State]:
    """This user's worlds that have sockets, whether anybody listens or not."""
    found = []
    for marker in sorted(_sockets_folder().glob("*/state")):
        with contextlib.suppress(OSError):
            found.append(State(Path(marker.read_text())))
    return found


def _sockets_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"globule-{os.getuid()}"
