"""Files of an application: what counts as code, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from globule.host import files
from globule.host.files import content_hash, read_text, tree, write_whole


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "package").mkdir(parents=True)
    (folder / "app.py").write_text("one")
    (folder / "package" / "more.py").write_text("two")
    return folder


def test_the_hash_follows_every_byte_name_and_mode(code: Path) -> None:
    seen = [content_hash(code)]
    (code / "app.py").write_text("One")
    seen.append(content_hash(code))
    (code / "app.py").rename(code / "main.py")
    seen.append(content_hash(code))
    (code / "main.py").chmod(0o755)
    seen.append(content_hash(code))
    (code / "package" / "more.py").unlink()
    seen.append(content_hash(code))
    assert len(set(seen)) == len(seen)


def test_the_hash_is_of_content_and_not_of_times(code: Path) -> None:
    before = content_hash(code)
    os.utime(code / "app.py", (0, 0))
    assert content_hash(code) == before


def test_a_file_is_code_too(code: Path) -> None:
    assert list(tree(code / "app.py")) == [code / "app.py"]
    assert content_hash(code / "app.py") != content_hash(code / "package" / "more.py")


def test_pipes_broken_links_and_what_tools_leave_are_not_code(code: Path) -> None:
    before = content_hash(code)
    os.mkfifo(code / "pipe")
    (code / "broken").symlink_to(code / "nowhere")
    (code / "round").symlink_to(code)
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "app.pyc").touch()
    assert content_hash(code) == before


def test_code_is_bounded(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TREE_LIMIT_BYTES", 5)
    with pytest.raises(ValueError, match="larger than 5 bytes"):
        content_hash(code)
    monkeypatch.setattr(files, "TREE_LIMIT_FILES", 1)
    with pytest.raises(ValueError, match="more than 1 files"):
        list(tree(code))


def test_text_is_read_up_to_a_bound(code: Path) -> None:
    assert read_text(code / "app.py", limit_bytes=3) == "one"
    with pytest.raises(ValueError, match="larger than 2 bytes"):
        read_text(code / "app.py", limit_bytes=2)
    with pytest.raises(FileNotFoundError):
        read_text(code / "nowhere", limit_bytes=2)


def test_a_file_is_written_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
