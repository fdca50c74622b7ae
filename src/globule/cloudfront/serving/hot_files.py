"""Copies of large bodies that are asked for again and again, in files that sockets take without copying.

They come on top of the cache's own bounds, so there are few of them: the newest of one process, over all its edge
locations.
"""

from __future__ import annotations

import collections
import logging

from globule.cloudfront.serving.cache import Entry
from globule.host import sendable_file
from globule.host.sendable_file import SendableFile

logger = logging.getLogger(__name__)

# Below this, writing the bytes costs less than the second system call.
LEAST_BYTES = 32 * 1024
FILES_LIMIT = 64
FILES_LIMIT_BYTES = 64 * 1024 * 1024


class HotFiles:
    def __init__(self) -> None:
        self._entries: collections.deque[Entry] = collections.deque()
        self._used_bytes = 0

    def of(self, entry: Entry) -> SendableFile | None:
        """The file of an entry's body; None where it has none and should have none."""
        if entry.file is not None or len(entry.body) < LEAST_BYTES or not sendable_file.AVAILABLE:
            return entry.file
        if len(entry.body) > FILES_LIMIT_BYTES:
            return None
        try:
            entry.file = SendableFile(entry.body)
        except OSError as problem:
            logger.warning("no file for a large body: %s", problem)
            return None
        self._entries.append(entry)
        self._used_bytes += len(entry.body)
        while len(self._entries) > FILES_LIMIT or self._used_bytes > FILES_LIMIT_BYTES:
            oldest = self._entries.popleft()
            oldest.file = None
            self._used_bytes -= len(oldest.body)
        return entry.file
