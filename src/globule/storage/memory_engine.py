"""The engine that keeps bytes in memory and can crash, for the simulation.

It is honest about what a disk promises: a transaction that has landed survives every crash; one that was on its way
is there whole, or not at all (a throw of the dice), and is never torn; one that had not been committed is gone.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable, Iterator
from typing import Any

from globule.host.entropy import Entropy
from globule.storage.group import EngineTransaction
from globule.storage.store import KEY_LIMIT_BYTES, StoreFull


class MemoryDisk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.pairs: dict[bytes, bytes] = {}
        self.keys: list[bytes] = []
        self.full = False
        """While it is, every commit fails with StoreFull."""

    def apply(self, changes: dict[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            if value is None:
                if self.pairs.pop(key, None) is not None:
                    del self.keys[bisect.bisect_left(self.keys, key)]
            else:
                if key not in self.pairs:
                    bisect.insort(self.keys, key)
                self.pairs[key] = value


class _Transaction:
    """The durable pairs, under the changes of this transaction."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self.changes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.changes[key] if key in self.changes else self._disk.pairs.get(key)

    def scan(
        self, start: bytes = b"", end: bytes | None = None, *, backward: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        first = bisect.bisect_left(self._disk.keys, start)
        last = len(self._disk.keys) if end is None else bisect.bisect_left(self._disk.keys, end)
        keys = self._disk.keys[first:last]
        if self.changes:
            added = {key for key in self.changes if start <= key and (end is None or key < end)}
            keys = sorted(added.union(keys))
        for key in reversed(keys) if backward else keys:
            value = self.get(key)
            if value is not None:
                yield key, value

    def put(self, key: bytes, value: bytes) -> bytes | None:
        assert len(key) <= KEY_LIMIT_BYTES
        old = self.get(key)
        self.changes[key] = value
        return old

    def delete(self, key: bytes) -> bytes | None:
        old = self.get(key)
        if old is not None:
            self.changes[key] = None
        return old

    def abort(self) -> None:
        self.changes = {}


class MemoryEngine:
    """One life of a store, from its opening to its closing or crash; `disk` outlives it."""

    def __init__(self, disk: MemoryDisk, *, entropy: Entropy, sync_s: float = 0.001) -> None:
        self._disk = disk
        self._entropy = entropy
        self._sync_s = sync_s
        self._loop = asyncio.get_running_loop()
        self._on_its_way: _Transaction | None = None
        self._crashed = False

    def __repr__(self) -> str:
        return f"<MemoryEngine {len(self._disk.keys)} pairs>"

    def snapshot(self) -> _Transaction:
        return _Transaction(self._disk)

    def begin(self) -> _Transaction:
        return _Transaction(self._disk)

    def commit(self, transaction: EngineTransaction, landed: Callable[[Exception | None], None]) -> None:
        assert isinstance(transaction, _Transaction)
        assert self._on_its_way is None
        self._on_its_way = transaction
        delay_s = self._sync_s * (0.5 + self._entropy.uniform())
        self._loop.call_later(delay_s, self._land, transaction, landed)

    def crash(self) -> None:
        """Lose power now. Nothing of this life is acknowledged any more."""
        self._crashed = True
        if self._on_its_way is not None and self._entropy.uniform() < 0.5:
            self._disk.apply(self._on_its_way.changes)

    def grow(self) -> None:
        raise AssertionError("memory has no map")

    def statistics(self) -> dict[str, Any]:
        return {"entries": len(self._disk.keys)}

    def close(self) -> None:
        assert self._on_its_way is None

    def _land(self, transaction: _Transaction, landed: Callable[[Exception | None], None]) -> None:
        if self._crashed:
            return
        self._on_its_way = None
        if self._disk.full:
            landed(StoreFull("the simulated disk is full"))
        else:
            self._disk.apply(transaction.changes)
            landed(None)
