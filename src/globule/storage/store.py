"""A durable ordered store of bytes: what tables, objects and journals are kept in.

Keys are ordered as unsigned bytes. Every change is a closure over a write transaction; the closures of all callers
that arrive while a sync runs share the next transaction and the next sync (group commit). The order is always
durable, then visible, then acknowledged: a read sees only what has been synced, and `write` returns after both.

What it deliberately is not: a store for several processes (one owner, everybody else is refused), or one with
transactions that wait for something (a closure runs to its end at once, so there are no locks and no conflicts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# DynamoDB's longest sort key is 1 KiB before its zero bytes are escaped; everything else is far shorter.
KEY_LIMIT_BYTES = 4096


class StoreProblem(Exception):
    """Something is wrong with the store itself. The text names its folder."""


class StoreFull(StoreProblem):
    """The disk has no room for this write. Nothing of it was kept; reads go on, and later writes may succeed."""


class StoreDamaged(StoreProblem):
    """A page or a value is not what was written. The text says which."""


class StoreTooNew(StoreProblem):
    """The store was written by a newer version of Globule, in a format that this one does not know."""


class StoreInUse(StoreProblem):
    """Another process owns the store."""


class StoreClosed(StoreProblem):
    """The store was closed before the write became durable."""


class ReadTransaction(Protocol):
    """One consistent view. Everything it returns is a copy, and stays valid."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(
        self, start: bytes = b"", end: bytes | None = None, *, backward: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs of key and value from `start` (included) to `end` (excluded; None is the end of the store), in
        ascending order, or in descending order with `backward`. Lazy: take only what you need.

        Inside a write, the range must not be changed while it is being scanned.
        """


class WriteTransaction(ReadTransaction, Protocol):
    """The newest state, with this change's own writes in it."""

    def put(self, key: bytes, value: bytes) -> bytes | None:
        """Returns the value that was there before."""

    def delete(self, key: bytes) -> bytes | None:
        """Returns the value that was there; None where there was none."""


class Store(Protocol):
    def read(self) -> ReadTransaction:
        """The newest durable state. Costs nothing to make; valid until the caller next awaits (a view that is used
        later than that raises StoreProblem or shows a newer state, never a torn one)."""

    async def write(self, change: Callable[[WriteTransaction], T]) -> T:
        """Run `change` in a transaction, and return what it returned once the transaction is durable and visible.

        Changes run in the order of the calls, one at a time, on the caller's event loop. A change has no effects but
        those on its transaction: where the group has to be done again (the map had to grow), it runs again. What it
        raises reaches only its caller, after what it had read is durable too, and undoes what it had written.

        Raises StoreFull, StoreDamaged, StoreClosed.
        """

    def statistics(self) -> dict[str, Any]: ...

    async def close(self) -> None:
        """Finish the writes under way, refuse further ones, and give the store free."""
