"""The engine: what hangs on a write, in one transaction, and how items are read back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import Index, Item, KeyAttribute, Keys, Projection, SortCondition, TableSpec
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.tables import TableBusy, TableExists, TableNotFound, Tables
from globule.host.clock import SystemClock
from globule.host.entropy import SeededEntropy
from globule.storage.group import GroupStore
from globule.storage.memory_engine import MemoryDisk, MemoryEngine
from globule.storage.store import Store

SPEC = TableSpec(
    name="music",
    keys=Keys((KeyAttribute("artist", "S"),), (KeyAttribute("year", "N"),)),
    indexes=(
        Index(
            name="by-genre",
            scope="global",
            keys=Keys((KeyAttribute("genre", "S"),), (KeyAttribute("year", "N"),)),
            projection=Projection("INCLUDE", ("title",)),
        ),
        Index(
            name="by-title",
            scope="local",
            keys=Keys((KeyAttribute("artist", "S"),), (KeyAttribute("title", "S"),)),
            projection=Projection("ALL"),
        ),
        Index(
            name="by-place",
            scope="global",
            keys=Keys(
                (KeyAttribute("country", "S"), KeyAttribute("city", "S")),
                (KeyAttribute("genre", "S"), KeyAttribute("year", "N")),
            ),
            projection=Projection("KEYS_ONLY"),
        ),
    ),
)


class NoPeers:
    async def call(self, region: str, message: bytes) -> bytes:
        raise ConnectionRefusedError(region)


class Bench:
    """A region's tables on a disk that outlives them."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.tables: Tables
        self.store: Store

    async def open(self) -> Tables:
        self.engine = MemoryEngine(self.disk, entropy=SeededEntropy(1), sync_s=0.0001)
        self.store = GroupStore(self.engine)
        self.tables = await Tables.open(
            self.store,
            region="eu-west-1",
            account="123456789012",
            clock=SystemClock(),
            entropy=SeededEntropy(2),
            peers=NoPeers(),
        )
        return self.tables

    async def crash(self) -> Tables:
        self.engine.crash()
        await self.tables.close()
        return await self.open()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.open()
    yield bench
    await bench.tables.close()


@pytest.fixture
async def tables(bench: Bench) -> Tables:
    return bench.tables


@pytest.fixture
async def music(tables: Tables) -> TableRecord:
    return await tables.create(SPEC)


def song(artist: str, year: int | str, **attributes: str) -> Item:
    return {
        "artist": {"S": artist},
        "year": {"N": str(year)},
        **{name: {"S": value} for name, value in attributes.items()},
    }


async def put(tables: Tables, table: TableRecord, *items: Item) -> None:
    await tables.write(lambda writer: [writer.put(table, item) for item in items])


def years(found: Any) -> list[str]:
    return [stored.item()["year"]["N"] for stored in found]


async def eventually(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen within 5 s")


async def test_an_item_is_read_back_as_it_was_put(tables: Tables, music: TableRecord) -> None:
    item = {**song("Nina", 1964), "nested": {"M": {"list": {"L": [{"N": "1.5"}, {"BOOL": True}, {"NULL": True}]}}}}
    await put(tables, music, item)
    stored = tables.read().get(music, song("Nina", 1964))
    assert stored is not None
    assert stored.item() == item
    assert msgspec.json.decode(stored.raw) == item
    assert stored.size_bytes == 6 + 4 + 4 + 3 + 6 + (3 + 1 + 4 + (3 + 3 + 2 + 2))


async def test_put_and_delete_return_what_was_there(tables: Tables, music: TableRecord) -> None:
    def change(writer: Writer) -> list[Item | None]:
        one = writer.put(music, song("Nina", 1964, title="a"))
        two = writer.put(music, song("Nina", 1964, title="b"))
        three = writer.delete(music, song("Nina", 1964))
        four = writer.delete(music, song("Nina", 1964))
        return [None if stored is None else stored.item() for stored in (one, two, three, four)]

    assert await tables.write(change) == [
        None,
        song("Nina", 1964, title="a"),
        song("Nina", 1964, title="b"),
        None,
    ]


async def test_a_query_follows_the_order_of_the_sort_key_both_ways(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, *(song("Nina", year) for year in ("10", "9", "-2", "0.5", "1000")), song("Miles", 1))
    read = tables.read()
    ordered = ["-2", "0.5", "9", "10", "1000"]
    assert years(read.query(music, ({"S": "Nina"},))) == ordered
    assert years(read.query(music, ({"S": "Nina"},), forward=False)) == ordered[::-1]
    between = (SortCondition("BETWEEN", ({"N": "0.5"}, {"N": "10"})),)
    assert years(read.query(music, ({"S": "Nina"},), between)) == ["0.5", "9", "10"]


async def test_a_query_goes_on_after_an_exclusive_start_key(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, *(song("Nina", year) for year in range(5)))
    read, nina = tables.read(), ({"S": "Nina"},)
    assert years(read.query(music, nina, after=song("Nina", 2))) == ["3", "4"]
    assert years(read.query(music, nina, after=song("Nina", 2), forward=False)) == ["1", "0"]
    narrow = (SortCondition(">=", ({"N": "1"},)),)
    assert years(read.query(music, nina, narrow, after=song("Nina", 2), forward=False)) == ["1"]
    # The item of a start key need not exist any more.
    await tables.write(lambda writer: writer.delete(music, song("Nina", 2)))
    assert years(tables.read().query(music, nina, after=song("Nina", 2))) == ["3", "4"]


async def test_parallel_segments_and_pages_find_every_item_once(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, *(song(f"artist-{number}", number) for number in range(200)))
    read = tables.read()
    whole = years(read.scan(music))
    assert sorted(whole, key=int) == [str(number) for number in range(200)]
    for total in (1, 3, 7):
        parts = [years(read.scan(music, segment=segment, total_segments=total)) for segment in range(total)]
        assert [year for part in parts for year in part] == whole
        assert all(parts)
    pages: list[str] = []
    after = None
    while found := [stored.item() for stored, _ in zip(read.scan(music, after=after), range(17), strict=False)]:
        pages += [item["year"]["N"] for item in found]
        after = music.spec.keys.of(found[-1])
    assert pages == whole


async def test_indexes_follow_every_change(tables: Tables, music: TableRecord) -> None:
    def jazz() -> list[Item]:
        return [stored.item() for stored in tables.read().query(music, ({"S": "jazz"},), index="by-genre")]

    await put(tables, music, song("Nina", 2, genre="jazz", title="b", label="x"), song("Miles", 1, genre="jazz"))
    assert jazz() == [song("Miles", 1, genre="jazz"), song("Nina", 2, genre="jazz", title="b")]
    await put(tables, music, song("Nina", 2, genre="soul", title="b"))
    assert jazz() == [song("Miles", 1, genre="jazz")]
    await put(tables, music, song("Miles", 1))
    assert jazz() == []
    await put(tables, music, {**song("Miles", 1), "genre": {"N": "1"}})
    assert jazz() == []
    await tables.write(lambda writer: writer.delete(music, song("Nina", 2)))
    assert list(tables.read().scan(music, index="by-genre")) == []
    assert tables.counts(music, index="by-genre") == (0, 0)


async def test_a_local_index_reorders_its_partition(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, *(song("Nina", year, title=title) for year, title in enumerate("cab")), song("Nina", 9))
    starts_with = (SortCondition("begins_with", ({"S": ""},)),)
    found = tables.read().query(music, ({"S": "Nina"},), starts_with, index="by-title")
    assert [stored.item()["title"]["S"] for stored in found] == ["a", "b", "c"]


async def test_an_index_of_several_key_attributes(tables: Tables, music: TableRecord) -> None:
    items = [
        song("a", 1, country="jp", city="tokyo", genre="pop"),
        song("b", 2, country="jp", city="tokyo", genre="pop"),
        song("c", 1, country="jp", city="tokyo", genre="rock"),
        song("d", 1, country="jp", city="osaka", genre="pop"),
        song("e", 1, country="jp", genre="pop"),
    ]
    await put(tables, music, *items)
    conditions = (SortCondition("=", ({"S": "pop"},)), SortCondition(">", ({"N": "1"},)))
    found = tables.read().query(music, ({"S": "jp"}, {"S": "tokyo"}), conditions, index="by-place")
    assert [stored.item()["artist"]["S"] for stored in found] == ["b"]


async def test_items_with_equal_index_keys_are_paged_by_their_own(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, *(song(f"artist-{number}", 1, genre="jazz") for number in range(9)))
    seen: list[Item] = []
    while found := next(
        tables.read().query(music, ({"S": "jazz"},), index="by-genre", after=seen[-1] if seen else None), None
    ):
        seen.append(found.item())
    assert sorted(item["artist"]["S"] for item in seen) == [f"artist-{number}" for number in range(9)]


async def test_counts_are_exact(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, song("Nina", 1, genre="jazz"), song("Nina", 2))
    await put(tables, music, song("Nina", 2, title="a longer one"))
    read = tables.read()
    for index in (None, "by-genre", "by-title"):
        items = list(read.scan(music, index=index))
        assert tables.counts(music, index=index) == (len(items), sum(stored.size_bytes for stored in items))


async def test_raising_undoes_everything(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, song("Nina", 1, genre="jazz"))
    before = dict(tables._store.read().scan())

    def change(writer: Writer) -> None:
        writer.put(music, song("Nina", 1, genre="soul"))
        writer.put(music, song("Miles", 2))
        writer.delete(music, song("Nina", 1))
        raise LookupError

    with pytest.raises(LookupError):
        await tables.write(change)
    assert dict(tables._store.read().scan()) == before


async def test_a_write_that_changes_nothing_writes_nothing(tables: Tables, music: TableRecord) -> None:
    await put(tables, music, song("Nina", 1, genre="jazz", title="x"))
    before = dict(tables._store.read().scan())
    reordered = dict(reversed(song("Nina", 1, genre="jazz", title="x").items()))
    await put(tables, music, song("Nina", 1, genre="jazz", title="x"), reordered)
    await tables.write(lambda writer: writer.delete(music, song("Miles", 1)))
    assert {key for key, value in tables._store.read().scan() if before.get(key) != value} <= {
        key for key in before if key[:1] == b"m"
    }


async def test_the_longest_keys_keep_their_order(tables: Tables) -> None:
    keys = Keys((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "S"),))
    table = await tables.create(TableSpec(name="long", keys=keys))
    tails = ["", "a", "b", "\x00" * 300, "z" * 500]
    sort_keys = sorted((("s" * 500 + tail) for tail in tails), key=str.encode)
    await put(tables, table, *({"pk": {"S": "p" * 2048}, "sk": {"S": key}} for key in reversed(sort_keys)))
    found = tables.read().query(table, ({"S": "p" * 2048},))
    assert [stored.item()["sk"]["S"] for stored in found] == sort_keys


async def test_tables_survive_a_crash(bench: Bench, music: TableRecord) -> None:
    await put(bench.tables, music, song("Nina", 1, genre="jazz"))
    await bench.tables.create(TableSpec(name="other", keys=SPEC.keys))
    tables = await bench.crash()
    assert tables.names() == ["music", "other"]
    assert tables.find("music") == music
    assert years(tables.read().scan(music)) == ["1"]
    other = tables.find("other")
    assert other.number > max(index.number for index in music.indexes)


async def test_names_are_taken_once_and_free_after_a_delete(tables: Tables, music: TableRecord) -> None:
    with pytest.raises(TableExists):
        await tables.create(SPEC)
    await put(tables, music, song("Nina", 1, genre="jazz"))
    assert (await tables.delete("music")).status == "DELETING"
    with pytest.raises(TableNotFound):
        tables.find("music")
    with pytest.raises(TableNotFound):
        await put(tables, music, song("Nina", 1))
    again = await tables.create(SPEC)
    assert list(tables.read().scan(again)) == []
    assert again.table_id != music.table_id


async def test_a_deleted_table_leaves_nothing_behind(bench: Bench) -> None:
    tables = bench.tables
    empty = {key[:1] for key in dict(bench.store.read().scan())}
    music = await tables.create(msgspec.structs.replace(SPEC, stream="NEW_IMAGE", ttl_attribute="year"))
    await put(tables, music, *(song(f"a-{number}", number, genre="jazz", title="x") for number in range(300)))
    await tables.delete("music")
    await eventually(lambda: {key[:1] for key, _ in bench.store.read().scan()} <= empty | {b"n"})


async def test_an_index_is_filled_on_a_live_table(bench: Bench) -> None:
    tables = bench.tables
    music = await tables.create(msgspec.structs.replace(SPEC, indexes=SPEC.indexes[:1]))
    await put(tables, music, *(song(f"a-{number}", number, title=f"t-{number}") for number in range(500)))

    async def go_on_writing() -> None:
        for number in range(500, 600):
            await put(tables, music, song(f"a-{number}", number, title=f"t-{number}"))
            await tables.write(
                lambda writer, number=number: writer.delete(music, song(f"a-{number - 400}", number - 400))
            )  # type: ignore[misc]

    writing = asyncio.create_task(go_on_writing())
    updated = await tables.update("music", change=lambda _: SPEC)
    created = updated.index_record("by-title")
    assert (created.status, created.backfilling) == ("CREATING", True)
    with pytest.raises(TableBusy):
        await tables.update("music", change=lambda spec: msgspec.structs.replace(spec, indexes=()))
    await writing
    await eventually(lambda: tables.find("music").index_record("by-title").status == "ACTIVE")
    now = tables.find("music")
    read = tables.read()
    assert sorted(years(read.scan(now, index="by-title")), key=int) == sorted(years(read.scan(now)), key=int)
    assert tables.counts(now, index="by-title") == tables.counts(now)


async def test_filling_an_index_goes_on_after_a_crash(bench: Bench) -> None:
    music = await bench.tables.create(msgspec.structs.replace(SPEC, indexes=()))
    await put(bench.tables, music, *(song(f"a-{number}", number, title="x") for number in range(300)))
    await bench.tables.update("music", change=lambda _: SPEC)
    tables = await bench.crash()
    assert tables.find("music").index_record("by-title").status == "CREATING"
    await eventually(lambda: tables.find("music").index_record("by-title").status == "ACTIVE")
    assert tables.counts(tables.find("music"), index="by-title") == tables.counts(tables.find("music"))


async def test_an_index_that_is_removed_is_emptied_and_may_come_back(bench: Bench, music: TableRecord) -> None:
    tables = bench.tables
    await put(tables, music, *(song(f"a-{number}", number, title="x") for number in range(300)))
    number = music.index_record("by-title").number
    without = tuple(index for index in SPEC.indexes if index.name != "by-title")
    await tables.update("music", change=lambda spec: msgspec.structs.replace(spec, indexes=without))
    assert [index.name for index in tables.find("music").indexes] == ["by-genre", "by-place"]
    prefix = b"i" + number.to_bytes(4, "big")
    await eventually(lambda: next(bench.store.read().scan(prefix, prefix + b"\xff"), None) is None)
    await tables.update("music", change=lambda _: SPEC)
    await eventually(lambda: tables.find("music").index_record("by-title").status == "ACTIVE")
    assert tables.counts(tables.find("music"), index="by-title")[0] == 300
