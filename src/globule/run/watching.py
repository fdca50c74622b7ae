"""Follows the files of an application, so that what is saved becomes live.

A file that is saved while an earlier change is being applied must not be missed, nor one that an editor replaces by
another of the same name. So the next watch is always open before a change is told of.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from watchfiles import DefaultFilter, awatch
from watchfiles.main import FileChange

from globule.run.settings import STATE_FOLDER

# Editors save in several steps; a change is told of once they have been quiet for so long.
QUIET_MS = 50
# A change is told of after so long even if they are not.
LONGEST_WAIT_MS = 400
# What is not there cannot be watched; it is looked for this often.
MISSING_POLL_MS = 500


async def changes(watched: Callable[[], Iterable[Path]], state: Path) -> AsyncIterator[list[str]]:
    """Names of files that changed, each time that some did; no names where some may have, unseen. `watched` says what
    to look at now. Raises OSError where the system will not watch so many."""
    ignored = _ignored(state)
    paths: frozenset[Path] | None = None
    watch = None
    try:
        while True:
            while (now := frozenset(watched())) != paths:
                if watch is not None:
                    watch.cancel()
                paths = now
                watch = await _open(paths, ignored)
                yield []
            assert watch is not None
            found = await watch
            watch = await _open(paths, ignored)
            yield sorted({Path(path).name for _, path in found})
    finally:
        if watch is not None:
            watch.cancel()


async def _open(paths: frozenset[Path], ignored: DefaultFilter) -> asyncio.Task[set[FileChange]]:
    """The first changes from now on."""
    watch = asyncio.create_task(_first(paths, ignored))
    await asyncio.sleep(0)  # it opens the system's watches before it first waits
    return watch


async def _first(paths: frozenset[Path], ignored: DefaultFilter) -> set[FileChange]:
    missing = [path for path in paths if not path.exists()]
    present = paths.difference(missing)
    if not present:
        await asyncio.sleep(MISSING_POLL_MS / 1000)
        return set()
    poll_ms = MISSING_POLL_MS if missing else None
    stream = awatch(
        *present,
        watch_filter=ignored,
        debounce=LONGEST_WAIT_MS,
        step=QUIET_MS,
        rust_timeout=poll_ms,
        yield_on_timeout=True,
    )
    with contextlib.suppress(FileNotFoundError):  # deleted just now, which is a change, too
        async with contextlib.aclosing(stream):
            async for found in stream:
                if found or any(path.exists() for path in missing):
                    return found
    return set()


def _ignored(state: Path) -> DefaultFilter:
    """What people and their tools do not mean to change. A world's state may be beside its code, and changes all the
    time."""
    return DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, STATE_FOLDER), ignore_paths=(state,))
