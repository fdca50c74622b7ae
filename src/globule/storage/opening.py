"""Opening a store, and looking at one that nobody has open."""

from __future__ import annotations

import os
from pathlib import Path

from globule.storage.group import GroupStore
from globule.storage.layout import check_format, data_file, take_lock, write_format
from globule.storage.lmdb_engine import MAP_INITIAL_BYTES, LmdbEngine
from globule.storage.pages import Inspection, inspect
from globule.storage.store import Store, StoreDamaged


class _OwnedEngine(LmdbEngine):
    """The engine, and the lock of its folder."""

    def __init__(self, folder: Path, lock: int, map_bytes: int) -> None:
        super().__init__(folder, map_bytes=map_bytes)
        self._lock = lock

    def close(self) -> None:
        super().close()
        os.close(self._lock)


async def open_store(folder: Path, *, map_bytes: int = MAP_INITIAL_BYTES) -> Store:
    """The store in this folder, made where there is none.

    Raises StoreInUse, StoreTooNew, StoreDamaged; StoreProblem where the folder cannot be used at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = take_lock(folder)
    try:
        if check_format(folder):
            refuse_damage(folder, inspect(data_file(folder), whole=False))
            return GroupStore(_OwnedEngine(folder, lock, map_bytes))
        if data_file(folder).exists():
            # Either creation was cut short before anything was written, or somebody removed FORMAT.
            found = inspect(data_file(folder), whole=True)
            if found.entries:
                raise StoreDamaged(f"{folder}: there is a data.mdb with {found.entries} entries, but no FORMAT")
            data_file(folder).unlink()
        engine = _OwnedEngine(folder, lock, map_bytes)
        write_format(folder)
        return GroupStore(engine)
    except BaseException:
        os.close(lock)
        raise


def verify_store(folder: Path) -> Inspection:
    """Look at every page and every value. Raises StoreInUse, StoreTooNew, and StoreDamaged where there is not even a
    store to look at."""
    if not folder.is_dir():
        raise StoreDamaged(f"{folder}: there is no store")
    lock = take_lock(folder)
    try:
        if not check_format(folder):
            raise StoreDamaged(f"{folder}: there is no store")
        return inspect(data_file(folder), whole=True)
    finally:
        os.close(lock)


def refuse_damage(folder: Path, found: Inspection) -> None:
    """Raises StoreDamaged where something was found."""
    if found.problems:
        raise StoreDamaged(f"{folder}: data.mdb is damaged: {'; '.join(found.problems)}")
