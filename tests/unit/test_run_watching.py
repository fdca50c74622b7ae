"""Following files: no save is missed, whenever it happens and however an editor does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from globule.run.watching import changes

PATIENCE_S = 10.0


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "template.yaml").write_text("one")
    return folder


async def first(following: AsyncIterator[list[str]]) -> list[str]:
    return await asyncio.wait_for(anext(following), PATIENCE_S)


async def named(following: AsyncIterator[list[str]], name: str) -> None:
    """Until a change of this name is told."""
    async with asyncio.timeout(PATIENCE_S):
        while name not in await anext(following):
            pass


async def test_what_may_have_been_saved_before_the_watch_began_is_told_without_a_name(
    code: Path, tmp_path: Path
) -> None:
    following = changes(lambda: [code], tmp_path / "state")
    assert await first(following) == []
    await following.aclose()


async def test_a_file_saved_while_the_one_before_is_applied_is_told_too(code: Path, tmp_path: Path) -> None:
    following = changes(lambda: [code / "template.yaml"], tmp_path / "state")
    assert await first(following) == []
    for text in ("two", "three", "four"):
        (code / "template.yaml").write_text(text)  # nobody asks yet: the last one is still being applied
        assert await first(following) == ["template.yaml"]
    await following.aclose()


async def test_a_file_that_an_editor_replaces_again_and_again_is_told_each_time(code: Path, tmp_path: Path) -> None:
    following = changes(lambda: [code / "template.yaml"], tmp_path / "state")
    assert await first(following) == []
    for text in ("two", "three", "four"):
        (code / "new").write_text(text)
        (code / "new").replace(code / "template.yaml")
        assert await first(following) == ["template.yaml"]
    await following.aclose()


@pytest.mark.parametrize("others", [0, 1])
async def test_a_file_that_is_gone_for_a_while_is_followed_again(code: Path, tmp_path: Path, others: int) -> None:
    (code / "other").write_text("")
    watched = [code / "template.yaml", *[code / "other"] * others]
    following = changes(lambda: watched, tmp_path / "state")
    assert await first(following) == []
    (code / "template.yaml").unlink()
    await first(following)
    (code / "template.yaml").write_text("back")
    assert await first(following) == []
    (code / "template.yaml").write_text("again")
    await named(following, "template.yaml")
    await following.aclose()


async def test_files_that_join_later_are_followed(code: Path, tmp_path: Path) -> None:
    watched = [code / "template.yaml"]
    following = changes(lambda: watched, tmp_path / "state")
    assert await first(following) == []
    (code / "more.yaml").write_text("")
    watched.append(code / "more.yaml")
    assert await first(following) == []
    (code / "more.yaml").write_text("two")
    assert await first(following) == ["more.yaml"]
    await following.aclose()


@pytest.mark.parametrize("where", [".globule", "my-state"])
async def test_a_state_directory_beside_the_code_is_not_the_code(code: Path, where: str) -> None:
    state = code / where
    state.mkdir()
    following = changes(lambda: [code], state)
    assert await first(following) == []
    (state / "world.json").write_text("new")
    (code / "template.yaml").write_text("two")
    assert await first(following) == ["template.yaml"]
    await following.aclose()
