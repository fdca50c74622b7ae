"""Damage is found and named: at opening where it would be followed, at reading, and by a verification."""

from __future__ import annotations

import mmap
import os
import random
from pathlib import Path

import pytest

from globule.storage.layout import data_file
from globule.storage.opening import open_store, verify_store
from globule.storage.store import StoreDamaged, StoreProblem

PAGE = mmap.PAGESIZE


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A closed store of three levels, with values of one page and of several."""
    store = await open_store(tmp_path)
    for begin in range(0, 6000, 500):
        await store.write(
            lambda transaction, begin=begin: [  # type: ignore[misc]
                transaction.put(b"key-%06d-" % number + b"k" * 200, os.urandom(300))
                for number in range(begin, begin + 500)
            ]
        )
    await store.write(lambda transaction: transaction.put(b"large", os.urandom(50_000)))
    await store.write(lambda transaction: [transaction.delete(b"key-%06d-" % n + b"k" * 200) for n in range(100)])
    await store.close()
    return tmp_path


def find_page(folder: Path, flags: int) -> int:
    """The last page that has these flags in its header, and is in use as far as its header says."""
    data = data_file(folder).read_bytes()
    found = 0
    for number in range(2, len(data) // PAGE):
        header = data[number * PAGE : number * PAGE + 16]
        if int.from_bytes(header[:8], "little") == number and header[10] == flags:
            found = number
    assert found
    return found


def overwrite(folder: Path, offset: int, data: bytes) -> None:
    with data_file(folder).open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_sound_store_has_no_problems(folder: Path) -> None:
    found = verify_store(folder)
    assert found.problems == []
    assert found.entries == 5901


def branch_pages(folder: Path) -> list[int]:
    data = data_file(folder).read_bytes()
    return [n for n in range(2, len(data) // PAGE) if data[n * PAGE + 10] == 1]


async def test_a_store_without_its_branch_pages_is_refused_at_opening(folder: Path) -> None:
    for page in branch_pages(folder):
        overwrite(folder, page * PAGE, b"\xa5" * PAGE)
    with pytest.raises(StoreDamaged, match="is damaged: page"):
        await open_store(folder)


async def test_a_store_that_is_cut_short_is_refused_at_opening(folder: Path) -> None:
    os.truncate(data_file(folder), 300 * PAGE)
    with pytest.raises(StoreDamaged, match="the file has only 300 pages"):
        await open_store(folder)


@pytest.mark.parametrize("size_bytes", [0, 100, PAGE])
async def test_a_store_without_its_meta_pages_is_refused(folder: Path, size_bytes: int) -> None:
    os.truncate(data_file(folder), size_bytes)
    with pytest.raises(StoreDamaged, match="less than its two meta pages"):
        await open_store(folder)


async def test_overwritten_meta_pages_are_refused(folder: Path) -> None:
    overwrite(folder, 0, b"\x00" * 2 * PAGE)
    with pytest.raises(StoreDamaged, match="meta page 0 is not one"):
        await open_store(folder)


async def test_a_changed_value_is_never_served(folder: Path) -> None:
    page = find_page(folder, 0x04)
    overwrite(folder, page * PAGE + 1000, b"?")
    found = verify_store(folder)
    assert len(found.problems) == 1
    assert "wrong checksum" in found.problems[0]
    store = await open_store(folder)
    with pytest.raises(StoreDamaged, match="wrong checksum"):
        store.read().get(b"large")
    with pytest.raises(StoreDamaged, match="wrong checksum"):
        list(store.read().scan(b"l"))
    key = b"key-000500-" + b"k" * 200
    assert store.read().get(key) is not None
    await store.close()


async def test_a_leaf_that_is_no_leaf_is_named_when_it_is_read(folder: Path) -> None:
    data = data_file(folder).read_bytes()
    for page in range(2, len(data) // PAGE):
        if data[page * PAGE + 10] == 2 and b"key-000500-" in data[page * PAGE : (page + 1) * PAGE]:
            overwrite(folder, page * PAGE, b"\x00" * PAGE)
    assert "is damaged" in verify_store(folder).problems[0]
    store = await open_store(folder)
    with pytest.raises(StoreDamaged, match=r"data\.mdb is damaged"):
        store.read().get(b"key-000500-" + b"k" * 200)
    await store.close()


def test_random_damage_anywhere_is_reported_and_never_breaks_the_verification(folder: Path) -> None:
    """Whatever is overwritten: the verification ends, and finds it wherever it touches a page in use."""
    entropy = random.Random(7)
    whole = data_file(folder).read_bytes()
    size_pages = len(whole) // PAGE
    reported = 0
    for _ in range(60):
        page = entropy.randrange(size_pages)
        overwrite(folder, page * PAGE + entropy.randrange(PAGE - 64), entropy.randbytes(64))
        try:
            reported += bool(verify_store(folder).problems)
        except StoreProblem:
            reported += 1
        data_file(folder).write_bytes(whole)
    assert reported > 5
