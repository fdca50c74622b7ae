"""The store of what functions print."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from globule.awslambda.serving import logs
from globule.awslambda.serving.logs import LogEvent, LogStore, file_of, follow_events, log_groups, read_events
from globule.host.clock import SystemClock

GROUP = "/aws/lambda/orders"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the files are written by a timer
            await asyncio.sleep(0.01)


async def test_events_are_read_back_in_order(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(GROUP, 1.5, "stream", ["one", "two\nlines"])
    store.append(GROUP, 2.5, "stream", ["three"])
    store.flush()
    assert log_groups(tmp_path) == [GROUP]
    assert list(read_events(tmp_path, GROUP)) == [
        LogEvent(1500, "stream", "one"),
        LogEvent(1500, "stream", "two\nlines"),
        LogEvent(2500, "stream", "three"),
    ]
    assert [event.message for event in read_events(tmp_path, GROUP, since_ms=2000)] == ["three"]


async def test_events_are_written_by_themselves(tmp_path: Path) -> None:
    LogStore(tmp_path).append(GROUP, 1, "stream", ["one"])
    await until(lambda: log_groups(tmp_path) == [GROUP])


async def test_a_full_file_makes_room_and_the_oldest_events_go(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    line = "x" * 1000
    for number in range(3 * logs.FILE_LIMIT_BYTES // 1000):
        store.append(GROUP, number, "stream", [line])
        if number % 1000 == 0:
            store.flush()
    store.flush()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < logs.FILE_LIMIT_BYTES + 1100 * 1000
    assert store.dropped == 0


async def test_a_follower_sees_new_events_once_across_a_rotation(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(GROUP, 1, "stream", ["before"])
    store.flush()
    seen: list[str] = []

    async def follow() -> None:
        async for _, event in follow_events(tmp_path, SystemClock()):
            seen.append(event.message)
            if event.message == "last":
                return

    async with asyncio.timeout(10):
        follower = asyncio.create_task(follow())
        await asyncio.sleep(0)
        store.append(GROUP, 2, "stream", ["first"])
        store.flush()
        await until(lambda: seen == ["first"])
        store.append(GROUP, 3, "stream", ["second"])
        store.flush()
        file_of(tmp_path, GROUP).rename(file_of(tmp_path, GROUP).with_name("%2Faws%2Flambda%2Forders.1.jsonl"))
        store.append(GROUP, 4, "stream", ["last"])
        store.flush()
        await follower
    assert seen == ["first", "second", "last"]


async def test_a_line_that_a_crash_has_cut_is_left_out(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(GROUP, 1, "stream", ["whole"])
    store.flush()
    with file_of(tmp_path, GROUP).open("ab") as file:
        file.write(b'{"at":2,"stre')
    assert [event.message for event in read_events(tmp_path, GROUP)] == ["whole"]


async def test_a_disk_that_refuses_costs_events_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    store = LogStore(tmp_path / "logs")
    store.append(GROUP, 1, "stream", ["lost"])
    store.flush()
    assert store.dropped == 1
