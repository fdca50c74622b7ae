"""The store: groups, isolation of failures, growth, refusals. Both engines keep the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from globule.host.entropy import SeededEntropy
from globule.storage.group import GROUP_LIMIT_CHANGES, GroupStore
from globule.storage.memory_engine import MemoryDisk, MemoryEngine
from globule.storage.opening import open_store, verify_store
from globule.storage.store import (
    Store,
    StoreClosed,
    StoreDamaged,
    StoreFull,
    StoreInUse,
    StoreProblem,
    StoreTooNew,
    WriteTransaction,
)


@pytest.fixture(params=["lmdb", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = (
        await open_store(tmp_path / "store")
        if request.param == "lmdb"
        else GroupStore(MemoryEngine(MemoryDisk(), entropy=SeededEntropy(1)))
    )
    yield opened
    await opened.close()


async def fill(store: Store, *keys: bytes) -> None:
    await store.write(lambda transaction: [transaction.put(key, key) for key in keys])


async def test_a_write_is_visible_when_it_returns_and_not_before(store: Store) -> None:
    writing = asyncio.ensure_future(store.write(lambda transaction: transaction.put(b"a", b"1")))
    while not writing.done():
        assert store.read().get(b"a") is None
        await asyncio.sleep(0)
        if writing.done():
            break
        # Visibility and the acknowledgement come in the same turn of the loop, visibility first.
        if store.read().get(b"a") is not None:
            await asyncio.wait_for(writing, 0.01)
    assert store.read().get(b"a") == b"1"


async def test_writes_of_one_turn_share_a_group(store: Store) -> None:
    await asyncio.gather(*(fill(store, b"%d" % number) for number in range(50)))
    statistics = store.statistics()
    assert (statistics["writes"], statistics["groups"]) == (50, 1)


async def test_a_large_crowd_is_cut_into_groups(store: Store) -> None:
    await asyncio.gather(*(fill(store, b"%d" % number) for number in range(GROUP_LIMIT_CHANGES + 1)))
    assert store.statistics()["groups"] == 2


async def test_changes_see_those_before_them_and_run_in_order(store: Store) -> None:
    def append(letter: bytes) -> object:
        return lambda transaction: transaction.put(b"word", (transaction.get(b"word") or b"") + letter)

    await asyncio.gather(*(store.write(append(bytes([letter]))) for letter in b"abcdef"))  # type: ignore[arg-type]
    assert store.read().get(b"word") == b"abcdef"


async def test_what_a_change_raises_reaches_only_its_caller_and_undoes_its_writes(store: Store) -> None:
    await fill(store, b"kept", b"deleted")

    def fail(transaction: WriteTransaction) -> None:
        transaction.put(b"kept", b"overwritten")
        transaction.put(b"new", b"")
        transaction.delete(b"deleted")
        transaction.put(b"deleted", b"again")
        raise LookupError("no")

    results = await asyncio.gather(
        fill(store, b"before"), store.write(fail), fill(store, b"after"), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    assert dict(store.read().scan()) == {key: key for key in (b"kept", b"deleted", b"before", b"after")}


async def test_a_change_that_only_reads_needs_no_sync(store: Store) -> None:
    await fill(store, b"a")
    assert await store.write(lambda transaction: transaction.get(b"a")) == b"a"
    assert store.statistics()["groups"] == 1


async def test_put_and_delete_return_what_was_there(store: Store) -> None:
    def change(transaction: WriteTransaction) -> list[bytes | None]:
        return [
            transaction.put(b"k", b"1"),
            transaction.put(b"k", b"2"),
            transaction.delete(b"k"),
            transaction.delete(b"k"),
        ]

    assert await store.write(change) == [None, b"1", b"2", None]


async def test_a_scan_is_ordered_and_bounded_in_both_directions(store: Store) -> None:
    await fill(store, b"a", b"b", b"b\x00", b"c", b"\xff")

    def keys(start: bytes = b"", end: bytes | None = None, backward: bool = False) -> list[bytes]:
        return [key for key, _ in store.read().scan(start, end, backward=backward)]

    assert keys() == [b"a", b"b", b"b\x00", b"c", b"\xff"]
    assert keys(backward=True) == [b"\xff", b"c", b"b\x00", b"b", b"a"]
    assert keys(b"b", b"c") == [b"b", b"b\x00"]
    assert keys(b"b", b"c", backward=True) == [b"b\x00", b"b"]
    assert keys(b"d", b"e") == keys(b"d", b"e", backward=True) == []
    assert keys(end=b"a") == keys(end=b"a", backward=True) == []


async def test_a_scan_inside_a_change_sees_its_writes(store: Store) -> None:
    await fill(store, b"a", b"c")

    def change(transaction: WriteTransaction) -> list[bytes]:
        transaction.put(b"b", b"")
        transaction.delete(b"c")
        return [key for key, _ in transaction.scan()]

    assert await store.write(change) == [b"a", b"b"]


async def test_a_cancelled_caller_leaves_the_others_alone(store: Store) -> None:
    writing = asyncio.ensure_future(fill(store, b"cancelled"))
    other = asyncio.ensure_future(fill(store, b"other"))
    await asyncio.sleep(0)
    writing.cancel()
    await other
    assert store.read().get(b"other") == b"other"


async def test_closing_finishes_what_was_begun_and_refuses_the_rest(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    writing = asyncio.ensure_future(fill(store, b"a"))
    await asyncio.sleep(0)
    await store.close()
    await writing
    with pytest.raises(StoreClosed):
        await fill(store, b"b")
    again = await open_store(tmp_path)
    assert again.read().get(b"a") == b"a"
    await again.close()


async def test_the_map_grows_by_itself(tmp_path: Path) -> None:
    store = await open_store(tmp_path, map_bytes=256 * 1024)
    for number in range(20):
        # One change of half a megabyte does not fit into a map of a quarter either: it runs again in a larger one.
        await store.write(lambda transaction, number=number: transaction.put(b"%d" % number, b"x" * 500_000))  # type: ignore[misc]
    assert sum(len(value) for _, value in store.read().scan()) == 20 * 500_000
    await store.close()
    assert verify_store(tmp_path).problems == []


async def test_a_view_that_is_used_too_late_is_refused(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await fill(store, b"a", b"b")
    pairs = store.read().scan()
    next(pairs)
    await fill(store, b"c")
    with pytest.raises(StoreProblem):
        next(pairs)
    await store.close()


async def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    with pytest.raises(StoreInUse, match="another process"):
        await open_store(tmp_path)
    with pytest.raises(StoreInUse):
        verify_store(tmp_path)
    await store.close()


async def test_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    await (await open_store(tmp_path)).close()
    (tmp_path / "FORMAT").write_text("globule store 2\n")
    with pytest.raises(StoreTooNew, match="format 2; this version of Globule knows formats up to 1"):
        await open_store(tmp_path)


@pytest.mark.parametrize("text", ["", "something else\n", "globule store x\n"])
async def test_a_strange_format_is_refused(tmp_path: Path, text: str) -> None:
    await (await open_store(tmp_path)).close()
    (tmp_path / "FORMAT").write_text(text)
    with pytest.raises(StoreDamaged, match="FORMAT"):
        await open_store(tmp_path)


async def test_half_a_store_is_refused_and_a_creation_cut_short_is_finished(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await fill(store, b"a")
    await store.close()
    (tmp_path / "FORMAT").unlink()
    with pytest.raises(StoreDamaged, match="no FORMAT"):
        await open_store(tmp_path)
    (tmp_path / "data.mdb").unlink()
    await (await open_store(tmp_path)).close()
    (tmp_path / "data.mdb").unlink()
    with pytest.raises(StoreDamaged, match=r"data\.mdb is missing"):
        await open_store(tmp_path)


async def test_a_simulated_full_disk_refuses_writes_and_recovers() -> None:
    disk = MemoryDisk()
    store = GroupStore(MemoryEngine(disk, entropy=SeededEntropy(1)))
    await fill(store, b"a")
    disk.full = True
    with pytest.raises(StoreFull):
        await fill(store, b"b")
    assert store.read().get(b"a") == b"a"
    assert store.read().get(b"b") is None
    disk.full = False
    await fill(store, b"b")
    assert store.read().get(b"b") == b"b"
    await store.close()


async def test_a_busy_loop_does_not_starve_a_commit(tmp_path: Path) -> None:
    """The loop gives the interpreter lock up all the time, and a thread that waits for it gets it nevertheless."""
    store = await open_store(tmp_path)
    ended = False

    async def spin() -> None:
        while not ended:
            sum(range(2000))
            await asyncio.sleep(0)

    spinning = asyncio.create_task(spin())
    async with asyncio.timeout(10):
        for number in range(100):
            await fill(store, b"%d" % number)
    ended = True
    await spinning
    await store.close()
