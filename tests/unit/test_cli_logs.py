"""`globule logs`: whose line it is, and each line once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from globule.awslambda.serving.logs import LogStore
from globule.cli import logs


def write(folder: Path, group: str, at: float, text: str) -> None:
    store = LogStore(folder)
    store.append(f"/aws/lambda/{group}", at, "s", [text])
    store.flush()


async def test_lines_of_all_groups_and_places_come_in_order_and_under_their_own_names(tmp_path: Path) -> None:
    for at, place, group in ((3, "us", "b"), (1, "us", "a"), (2, "eu", "a"), (4, "us", "a")):
        write(tmp_path / place, group, at, str(at))
    folders = {"eu": tmp_path / "eu", "us": tmp_path / "us"}
    rows = [(place, group[-1], event.message) for _, place, group, event in logs._kept(folders, "", 0)]
    assert rows == [("us", "a", "1"), ("eu", "a", "2"), ("us", "b", "3"), ("us", "a", "4")]
    assert [row[0] for row in logs._kept(folders, "/b", 0)] == [3000]
    assert [row[0] for row in logs._kept(folders, "", 3500)] == [4000]


async def test_following_shows_each_line_once_those_written_meanwhile_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    now = time.time()

    def show(row: logs.Row, *, as_json: bool) -> None:
        shown.append(row[3].message)
        if row[3].message == "kept":
            write(tmp_path, "f", now, "written while the kept ones are shown")

    monkeypatch.setattr(logs, "_show", show)
    monkeypatch.setattr(logs, "_is_read", lambda: True)
    write(tmp_path, "f", now, "kept")
    following = asyncio.create_task(logs._follow({"eu": tmp_path}, "", 0, as_json=False))
    async with asyncio.timeout(10):
        while len(shown) < 2:  # noqa: ASYNC110 - what it shows has no event
            await asyncio.sleep(0.01)
        write(tmp_path, "f", now, "later")
        while len(shown) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()
    assert shown == ["kept", "written while the kept ones are shown", "later"]
