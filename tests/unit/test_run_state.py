"""State directories: whose they are, what is refused, what is left behind."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from globule.run.data_plane import read_world
from globule.run.state import LOG_LIMIT_BYTES, State, StateProblem, known_worlds, replace_file
from globule.world.snapshot import World, WorldDecoder, encode_world


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    state.prepare()
    yield state
    state.remove_sockets()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another temporary folder from now on; pytest's own have too long paths for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


def test_a_state_directory_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("999\n")
    with pytest.raises(StateProblem, match="newer Globule"):
        State(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["format"]


def test_somebody_elses_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(StateProblem, match="not empty"):
        State(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateProblem, match="Not a directory"):
        State(tmp_path / "file" / "state").prepare()


def test_only_one_process_of_a_name_may_hold_a_state_directory(state: State) -> None:
    other = State(state.root)
    state.lock("supervisor")
    with pytest.raises(StateProblem, match="another supervisor"):
        other.lock("supervisor")
    other.lock("guardian")
    state.unlock("supervisor")
    other.lock("supervisor")
    other.unlock("supervisor")
    other.unlock("guardian")


def test_a_replaced_file_is_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "world.json"
    for size in (10, 1_000_000):
        replace_file(target, b"x" * size)
        assert target.read_bytes() == b"x" * size
    assert [path.name for path in tmp_path.iterdir()] == ["world.json"]


def test_a_file_that_cannot_be_replaced_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "world.json"
    replace_file(target, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["world.json"]


def test_sockets_are_found_by_callers_with_another_temporary_folder(state: State, elsewhere: Path) -> None:
    assert not state.sockets.is_relative_to(elsewhere)
    assert State(state.root).sockets.is_dir()


def test_a_copy_of_a_state_directory_does_not_speak_to_the_original(state: State, tmp_path: Path) -> None:
    shutil.copytree(state.root, tmp_path / "copy", symlinks=True)
    assert State(tmp_path / "copy").sockets != state.sockets


def test_sockets_move_where_the_temporary_folder_was_cleaned(state: State, elsewhere: Path) -> None:
    shutil.rmtree(state.sockets)
    state.prepare()
    assert state.sockets.is_relative_to(elsewhere) and state.sockets.is_dir()


def test_a_temporary_folder_with_too_long_a_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    with pytest.raises(StateProblem, match="TMPDIR"):
        State(tmp_path / "state").prepare()


def test_nothing_stays_in_the_temporary_folder_of_a_world_that_ended(state: State) -> None:
    sockets = state.sockets
    assert state.root in [world.root for world in known_worlds()]
    state.remove_sockets()
    assert not sockets.exists()
    assert state.root not in [world.root for world in known_worlds()]


def test_a_log_that_grew_too_long_keeps_its_end_and_begins_anew_under_its_writer(state: State) -> None:
    with state.log("edge").open("ab", buffering=0) as writer:
        writer.write(b"old\n" + b"x" * LOG_LIMIT_BYTES)
        writer.write(b"\nthe end\n")
        state.shorten_logs()
        writer.write(b"new\n")
    assert state.log("edge").read_bytes() == b"new\n"
    kept = (state.logs / "edge.1.log").read_bytes()
    assert len(kept) == LOG_LIMIT_BYTES and kept.endswith(b"the end\n")


def test_a_damaged_world_is_refused_by_the_name_of_its_file(state: State) -> None:
    decoder = WorldDecoder([World])
    assert read_world(state, decoder) is None
    state.world_file.write_bytes(encode_world(World(version=3)))
    world = read_world(state, decoder)
    assert world is not None and world.version == 3
    state.world_file.write_bytes(b'{"version": 3, "acc')
    with pytest.raises(StateProblem, match=r"current\.json is damaged"):
        read_world(state, decoder)
