"""Group commit: the store that callers see, over an engine that keeps the bytes.

    write() -> waiting -> one transaction runs every waiting change -> commit (sync) -> visible -> acknowledged
                  ^                                                      |
                  +---- whatever arrives meanwhile waits, and is the next group

One group is under way at a time, so a transaction always stands on durable state, and a change that only read or
that raised can be answered as soon as the group it was in has landed.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from globule.storage.store import ReadTransaction, StoreClosed, StoreProblem, WriteTransaction

T = TypeVar("T")

# A group occupies the event loop while its changes run (20 to 50 us each), and reads wait for that long.
GROUP_LIMIT_CHANGES = 128

# Bounds the pages that one transaction dirties; LMDB refuses a transaction of more than 512 MB.
GROUP_LIMIT_BYTES = 8 * 1024 * 1024


class NoRoomInMap(Exception):
    """The engine's address space is used up: `grow` it and do the transaction again."""


class EngineTransaction(WriteTransaction, Protocol):
    def abort(self) -> None: ...


class Engine(Protocol):
    """Keeps bytes. One transaction is open or being committed at a time."""

    def snapshot(self) -> ReadTransaction:
        """The state that is durable now. Ends the snapshot taken before."""

    def begin(self) -> EngineTransaction: ...

    def commit(self, transaction: EngineTransaction, landed: Callable[[Exception | None], None]) -> None:
        """Make the transaction durable; then call `landed`, on the event loop and never before this returns, with
        None, or with NoRoomInMap or a StoreProblem where nothing of the transaction was kept."""

    def grow(self) -> None:
        """Make room after NoRoomInMap. Ends the snapshot. Raises StoreFull where there is none."""

    def statistics(self) -> dict[str, Any]: ...

    def close(self) -> None: ...


class _Waiting:
    """A change, and who waits for it."""

    __slots__ = ("change", "future", "problem", "value")

    def __init__(self, change: Callable[[WriteTransaction], Any], future: asyncio.Future[Any]) -> None:
        self.change = change
        self.future = future
        self.value: Any = None
        self.problem: Exception | None = None


class _Undoable:
    """A transaction that remembers what one change replaced, so that it can be undone alone."""

    __slots__ = ("_replaced", "_transaction", "get", "scan", "written_bytes")

    def __init__(self, transaction: EngineTransaction) -> None:
        self._transaction = transaction
        self._replaced: list[tuple[bytes, bytes | None]] = []
        self.get = transaction.get
        self.scan = transaction.scan
        self.written_bytes = 0

    def put(self, key: bytes, value: bytes) -> bytes | None:
        old = self._transaction.put(key, value)
        self._replaced.append((key, old))
        self.written_bytes += len(key) + len(value)
        return old

    def delete(self, key: bytes) -> bytes | None:
        old = self._transaction.delete(key)
        if old is not None:
            self._replaced.append((key, old))
            self.written_bytes += len(key)
        return old

    def undo(self) -> None:
        for key, old in reversed(self._replaced):
            if old is None:
                self._transaction.delete(key)
            else:
                self._transaction.put(key, old)


class GroupStore:
    """The `Store` over any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._snapshot = engine.snapshot()
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._group: list[_Waiting] = []
        self._busy = False
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._writes = 0
        self._groups = 0

    def __repr__(self) -> str:
        return f"<GroupStore {self._engine!r} waiting={len(self._waiting)} busy={self._busy}>"

    def read(self) -> ReadTransaction:
        return self._snapshot

    async def write(self, change: Callable[[WriteTransaction], T]) -> T:
        if self._closing:
            raise StoreClosed("the store is closed")
        waiting = _Waiting(change, self._loop.create_future())
        self._waiting.append(waiting)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            # Not at once: the other changes of this turn of the loop share the group.
            self._loop.call_soon(self._start)
        result: T = await waiting.future
        return result

    def statistics(self) -> dict[str, Any]:
        return {
            "writes": self._writes,
            "groups": self._groups,
            "waiting": len(self._waiting),
            **self._engine.statistics(),
        }

    async def close(self) -> None:
        self._closing = True
        await self._idle.wait()
        self._engine.close()

    def _start(self) -> None:
        """Run groups until one is on its way to the disk, or nobody waits."""
        while self._waiting:
            try:
                transaction, written = self._run()
            except (NoRoomInMap, StoreProblem) as problem:
                self._repeat_or_fail(problem)
                continue
            if written:
                self._engine.commit(transaction, self._landed)
                return
            transaction.abort()
            self._acknowledge()
        self._busy = False
        self._idle.set()

    def _run(self) -> tuple[EngineTransaction, bool]:
        """Run what waits in a new transaction, as far as the limits go. Says whether anything was written."""
        transaction = self._engine.begin()
        written_bytes = 0
        try:
            while self._waiting and len(self._group) < GROUP_LIMIT_CHANGES and written_bytes < GROUP_LIMIT_BYTES:
                waiting = self._waiting.popleft()
                self._group.append(waiting)
                if waiting.future.done():
                    continue  # its caller was cancelled before the change ran
                undoable = _Undoable(transaction)
                try:
                    waiting.value = waiting.change(undoable)
                except NoRoomInMap:
                    raise
                except Exception as problem:  # noqa: BLE001  the change's failure is its caller's, never the group's
                    undoable.undo()
                    waiting.problem = problem
                else:
                    written_bytes += undoable.written_bytes
        except BaseException:
            transaction.abort()
            raise
        return transaction, written_bytes > 0

    def _landed(self, problem: Exception | None) -> None:
        if problem is None:
            self._snapshot = self._engine.snapshot()
            self._groups += 1
            self._acknowledge()
        else:
            self._repeat_or_fail(problem)
        self._start()

    def _repeat_or_fail(self, problem: Exception) -> None:
        """Put the group back in front of the others when there is room again, else fail all of it."""
        group, self._group = self._group, []
        if isinstance(problem, NoRoomInMap):
            try:
                self._engine.grow()
            except StoreProblem as full:
                problem = full
            else:
                self._snapshot = self._engine.snapshot()
                for waiting in reversed(group):
                    waiting.problem = None
                    self._waiting.appendleft(waiting)
                return
        self._snapshot = self._engine.snapshot()
        if not group and self._waiting:
            # No transaction could even begin.
            group = [self._waiting.popleft()]
        for waiting in group:
            if not waiting.future.done():
                waiting.future.set_exception(problem)

    def _acknowledge(self) -> None:
        group, self._group = self._group, []
        self._writes += len(group)
        for waiting in group:
            if waiting.future.done():
                continue
            if waiting.problem is not None:
                waiting.future.set_exception(waiting.problem)
            else:
                waiting.future.set_result(waiting.value)
