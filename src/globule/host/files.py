"""Files of an application: read with a bound, hashed, listed, written whole.

Folders of code are walked without what tools leave in them, and without following links to folders.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

# Left by interpreters, version control, build tools and Globule itself; never part of what is deployed.
LEFT_OUT = frozenset(
    {".DS_Store", ".aws-sam", ".git", ".globule", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"}
)
# Lambda's own limit is 250 MB unzipped; this leaves room for what AWS would refuse with a clearer message.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
TREE_LIMIT_BYTES = 1024 * 1024 * 1024
TREE_LIMIT_FILES = 100_000
_CHUNK_BYTES = 1024 * 1024


def read_text(path: Path, *, limit_bytes: int) -> str:
    """UTF-8. Raises OSError, and ValueError where it is larger or not text."""
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise ValueError(f"larger than {limit_bytes} bytes")
    return data.decode()


def write_whole(path: Path, data: bytes) -> None:
    """Readers see the old file or the new one, never a part. For the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(data)
    unfinished.replace(path)


def tree(root: Path) -> Iterator[Path]:
    """Every file below a folder in a stable order, or the file itself. Raises OSError, ValueError over the bounds."""
    if not root.is_dir():
        yield root
        return
    count = 0
    for folder, folders, files in os.walk(root, onerror=_raise):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(files):
            if name in LEFT_OUT or name.endswith(".pyc"):
                continue
            count += 1
            if count > TREE_LIMIT_FILES:
                raise ValueError(f"{root} has more than {TREE_LIMIT_FILES} files")
            path = Path(folder, name)
            if path.is_file():  # no broken links, no pipes that would block whoever reads them
                yield path


def content_hash(root: Path) -> str:
    """64 hex digits that change when a name or a byte of a file, or of a folder's files, does.

    Raises OSError, ValueError over the bounds.
    """
    total = hashlib.sha256()
    size = 0
    for path in tree(root):
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > TREE_LIMIT_BYTES:
                    raise ValueError(f"{root} is larger than {TREE_LIMIT_BYTES} bytes")
                digest.update(chunk)
        name = path.relative_to(root).as_posix() if path != root else path.name
        executable = "x" if os.access(path, os.X_OK) else "-"
        total.update(f"{len(name)}:{name}{executable}{digest.hexdigest()}".encode(errors="surrogateescape"))
    return total.hexdigest()


def _raise(error: OSError) -> None:
    raise error
