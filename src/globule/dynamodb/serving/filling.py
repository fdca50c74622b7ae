"""Backfills and purges: going through a whole key space beside the writes, a piece at a time.

Both are safe to begin again from the start, so a crash needs nothing else than that.
"""

from __future__ import annotations

from collections.abc import Callable

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.spaces import EXPIRIES, ITEMS, PREFIX_BYTES, RUBBISH, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import ReadTransaction, Store, WriteTransaction

# Items in one change: some milliseconds of the event loop.
PIECE_ITEMS = 100
PIECE_BYTES = 256 * 1024


def piece(
    transaction: ReadTransaction, start: bytes, end: bytes, *, items: int = PIECE_ITEMS, size_bytes: int = PIECE_BYTES
) -> list[tuple[bytes, bytes]]:
    """The first pairs of a range: as many as the limits allow, and at least one where there is one."""
    pairs: list[tuple[bytes, bytes]] = []
    total_bytes = 0
    for key, value in transaction.scan(start, end):
        pairs.append((key, value))
        total_bytes += len(value)
        if len(pairs) >= items or total_bytes >= size_bytes:
            break
    return pairs


async def fill(
    store: Store,
    surroundings: Surroundings,
    table: TableRecord,
    enter: Callable[[Writer, TableRecord, bytes, bytes], bool],
) -> None:
    """Hand every item of a table, as it is now, to `enter`, until that says False. Items that are written meanwhile
    are the writers' own work: the table's record must be in force already.

    Raises TableNotFound where the table is deleted meanwhile.
    """
    # Whatever was written by the old record lands before this does.
    await store.write(lambda transaction: None)
    prefix = space(ITEMS, table.number)
    start, end = prefix, end_of(prefix)

    def enter_piece(transaction: WriteTransaction) -> bool:
        writer = Writer(transaction, surroundings)
        current = surroundings.current(table.number)
        for key, _ in pairs:
            record = transaction.get(key)
            if record is not None and not enter(writer, current, key[PREFIX_BYTES:], record):
                return False
        writer.finish()
        return True

    while pairs := piece(store.read(), start, end):
        if not await store.write(enter_piece):
            return
        start = pairs[-1][0] + b"\x00"


async def fill_index(store: Store, surroundings: Surroundings, table: TableRecord, name: str) -> None:
    def enter(writer: Writer, current: TableRecord, place: bytes, record: bytes) -> bool:
        index = next((index for index in current.indexes if index.name == name), None)
        if index is not None:
            writer.enter_index(current, index, place, record)
        return index is not None

    await fill(store, surroundings, table, enter)


async def fill_expiries(store: Store, surroundings: Surroundings, table: TableRecord) -> None:
    def enter(writer: Writer, current: TableRecord, place: bytes, record: bytes) -> bool:
        if current.spec.ttl_attribute is not None:
            writer.enter_expiry(current, place, record)
        return current.spec.ttl_attribute is not None

    await fill(store, surroundings, table, enter)


async def clear_expiries(store: Store, surroundings: Surroundings, table: TableRecord) -> None:
    """After time to live was disabled; stops where it is enabled again."""
    await store.write(lambda transaction: None)
    prefix = space(EXPIRIES, table.number)

    def clear(transaction: WriteTransaction) -> bool:
        if surroundings.current(table.number).spec.ttl_attribute is not None:
            return False
        pairs = piece(transaction, prefix, end_of(prefix))
        for key, _ in pairs:
            transaction.delete(key)
        return bool(pairs)

    while await store.write(clear):
        pass


def mark_rubbish(transaction: WriteTransaction, prefixes: list[bytes]) -> None:
    """Note key spaces that nothing refers to any more."""
    for prefix in prefixes:
        transaction.put(RUBBISH + prefix, b"")


async def purge(store: Store) -> None:
    """Empty what was marked as rubbish."""
    await store.write(lambda transaction: None)

    def purge_piece(transaction: WriteTransaction) -> bool:
        marked = next(transaction.scan(RUBBISH, end_of(RUBBISH)), None)
        if marked is None:
            return False
        prefix = marked[0][len(RUBBISH) :]
        pairs = piece(transaction, prefix, end_of(prefix))
        for key, _ in pairs:
            transaction.delete(key)
        if not pairs:
            transaction.delete(marked[0])
        return True

    while await store.write(purge_piece):
        pass
