"""The cache of one edge location: whole responses in memory, by key.

Which is dropped first is decided by second chance (CLOCK), which is nearly "least recently used" at the price of one
flag for each hit.

Each cache is bounded, and so are all of a process together (`Budget`): there, the largest cache gives way.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any

from globule.cloudfront.rules.invalidations import invalidates
from globule.cloudfront.rules.lifetime import Lifetime
from globule.host.sendable_file import SendableFile

# One edge location's share. CloudFront keeps terabytes; a developer's machine holds sixty locations.
CACHE_LIMIT_BYTES = 64 * 1024 * 1024
# All edge locations of a process together.
PROCESS_LIMIT_BYTES = 512 * 1024 * 1024
# A larger object is relayed and not kept (CloudFront: 50 GB), so that one cannot push all others out.
OBJECT_LIMIT_BYTES = 16 * 1024 * 1024
# What an entry costs besides its body and headers.
ENTRY_OVERHEAD_BYTES = 1024
# Ready-made heads of one entry, one for each way of presenting it (behavior, Origin of a CORS request).
HEADS_LIMIT = 8


class Entry:
    """One kept response. Nothing of it changes but what is said below."""

    __slots__ = (
        "body",
        "born_at",
        "distribution_id",
        "fields",
        "file",
        "fresh_until",
        "heads",
        "hot_until",
        "is_plain",
        "key",
        "lifetime",
        "query",
        "reason",
        "refreshing",
        "size_bytes",
        "status",
        "touched",
        "uri",
    )

    def __init__(
        self,
        *,
        key: str,
        distribution_id: str,
        uri: str,
        query: str,
        status: int,
        reason: str,
        fields: Sequence[tuple[str, str]],
        body: bytes,
        lifetime: Lifetime,
    ) -> None:
        self.key = key
        self.distribution_id = distribution_id
        self.uri = uri
        self.query = query
        """The query string as keyed."""
        self.status = status
        self.reason = reason
        self.fields = list(fields)
        self.body = body
        self.lifetime = lifetime
        self.fresh_until = lifetime.fresh_until
        """Moves on when the origin fails and this stands in for its answer."""
        self.is_plain = status < 400 and status != 204
        """The hot path may answer with it: neither an error nor a response that never has a body."""
        self.hot_until = self.fresh_until if self.is_plain else 0.0
        """`fresh_until` for the hot path."""
        self.born_at = lifetime.received_at - lifetime.initial_age
        """When its age was 0."""
        self.refreshing = False
        """Somebody asks the origin in the background."""
        self.touched = True
        """Asked for, or new, since it last came to the end of the queue."""
        self.file: SendableFile | None = None
        """The body once more, see `HotFiles`."""
        self.heads: dict[object, bytes] = {}
        """Ready-made heads for viewers, see `hot_path`."""
        names = sum(len(name) + len(value) for name, value in self.fields)
        self.size_bytes = ENTRY_OVERHEAD_BYTES + len(key) + 2 * names + len(body)

    def stand_in_until(self, instant: float) -> None:
        self.fresh_until = instant
        self.hot_until = instant if self.is_plain else 0.0

    def __repr__(self) -> str:
        return f"<Entry {self.status} {self.uri} {len(self.body)} bytes fresh until {self.fresh_until:.0f}>"


class Budget:
    """What all caches of a process hold together."""

    def __init__(self, limit_bytes: int = PROCESS_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self.caches: list[Cache] = []

    def make_room(self) -> None:
        while self.used_bytes > self.limit_bytes:
            max(self.caches, key=lambda cache: cache.used_bytes).drop_oldest()


class Cache:
    def __init__(self, budget: Budget, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
        self._budget = budget
        self._limit_bytes = limit_bytes
        self._entries: collections.OrderedDict[str, Entry] = collections.OrderedDict()
        self.find: Callable[[str], Entry | None] = self._entries.get
        """`get` for the hot path, which sets `touched` itself."""
        self.used_bytes = 0
        self.invalidations = 0
        """How often something was invalidated: a response that was asked for before must not be kept after."""
        self._evictions = 0
        budget.caches.append(self)

    def __repr__(self) -> str:
        return f"<Cache {len(self._entries)} entries, {self.used_bytes} bytes>"

    def get(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.touched = True
        return entry

    def put(self, entry: Entry) -> None:
        """Keep an entry in place of the one with its key; does nothing where it is too large."""
        self.drop(entry.key)
        if entry.size_bytes > self._limit_bytes:
            return
        self._entries[entry.key] = entry
        self._count(entry.size_bytes)
        while self.used_bytes > self._limit_bytes:
            self.drop_oldest()
        self._budget.make_room()

    def drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._count(-entry.size_bytes)

    def drop_oldest(self) -> None:
        """Drop the entry that was kept longest of those that nobody has asked for since they last had their turn."""
        key, entry = next(iter(self._entries.items()))
        while entry.touched:
            entry.touched = False
            self._entries.move_to_end(key)
            key, entry = next(iter(self._entries.items()))
        del self._entries[key]
        self._evictions += 1
        self._count(-entry.size_bytes)

    def invalidate(self, distribution_id: str, paths: Sequence[str]) -> int:
        """Drop what any of these (normalised) paths names. Returns how many entries that were."""
        self.invalidations += 1
        found = [
            key
            for key, entry in self._entries.items()
            if entry.distribution_id == distribution_id
            and any(invalidates(path, entry.uri, entry.query) for path in paths)
        ]
        for key in found:
            self.drop(key)
        return len(found)

    def statistics(self) -> dict[str, Any]:
        return {"entries": len(self._entries), "bytes": self.used_bytes, "evictions": self._evictions}

    def _count(self, size_bytes: int) -> None:
        self.used_bytes += size_bytes
        self._budget.used_bytes += size_bytes
