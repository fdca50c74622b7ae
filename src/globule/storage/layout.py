"""A store's folder: whose it is, and in which format.

FORMAT      one line, `globule store 1`; written last, so a folder without it was never finished
data.mdb    LMDB's file
lock        held with flock(2) by the process that owns the store; LMDB's own locks are not used
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from globule.storage.store import StoreDamaged, StoreInUse, StoreProblem, StoreTooNew

FORMAT_VERSION = 1
_FORMAT_PREFIX = "globule store "


def data_file(folder: Path) -> Path:
    return folder / "data.mdb"


def take_lock(folder: Path) -> int:
    """The descriptor that holds the lock; closing it gives the store free. Raises StoreInUse."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise StoreInUse(f"{folder}: another process has this store open") from problem
        raise StoreProblem(f"{folder}: cannot be locked: {problem.strerror}") from problem
    return descriptor


def check_format(folder: Path) -> bool:
    """True where there is a store of our format, False where there is none yet.

    Raises StoreTooNew, and StoreDamaged where there is half a store.
    """
    try:
        text = (folder / "FORMAT").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return False
    version = text.removeprefix(_FORMAT_PREFIX)
    if text == version or not version.isdecimal():
        raise StoreDamaged(f"{folder}: FORMAT does not say what this is: {text[:40]!r}")
    if int(version) > FORMAT_VERSION:
        raise StoreTooNew(
            f"{folder}: this store has format {version}; this version of Globule knows formats up to {FORMAT_VERSION}"
        )
    if not data_file(folder).exists():
        raise StoreDamaged(f"{folder}: data.mdb is missing")
    return True


def write_format(folder: Path) -> None:
    """Declare the store complete, durably."""
    fresh = folder / "FORMAT.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(f"{_FORMAT_PREFIX}{FORMAT_VERSION}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(folder / "FORMAT")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
