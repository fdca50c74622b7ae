"""A function's code as a folder: where it is, or where it is unpacked to."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from globule.awslambda.model import Code, InlineCode, LocalCode
from globule.awslambda.rules.runtimes import inline_file

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 250 MB unzipped.
UNPACKED_LIMIT_BYTES = 250 * 1024 * 1024


class CodeUnavailable(Exception):
    """The code is not there, or cannot be unpacked; the text names the file."""


async def code_folder(code: Code, runtime: str, scratch: Path) -> Path:
    """The folder to run from: the working copy itself where it is a folder. Raises CodeUnavailable."""
    if isinstance(code, LocalCode) and Path(code.path).is_dir():
        return Path(code.path)
    what = code.source if isinstance(code, InlineCode) else code.path
    target = scratch / hashlib.sha256(f"{runtime}\0{what}\0{code.content_hash}".encode()).hexdigest()[:32]
    if not target.is_dir():
        await asyncio.to_thread(_make, code, runtime, target)
    return target


def _make(code: Code, runtime: str, target: Path) -> None:
    """Complete, then visible: another worker may be looking for the same folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
    if isinstance(code, InlineCode):
        (partial / (inline_file(runtime) or "index")).write_text(code.source)
    else:
        _unpack(Path(code.path), partial)
    try:
        partial.rename(target)
    except OSError as error:
        if not target.is_dir():
            raise CodeUnavailable(f"{target}: {error}") from error
        shutil.rmtree(partial)


def _unpack(archive: Path, folder: Path) -> None:
    if not archive.exists():
        raise CodeUnavailable(f"{archive} does not exist")
    if not zipfile.is_zipfile(archive):
        shutil.copy2(archive, folder)
        return
    try:
        with zipfile.ZipFile(archive) as contents:
            if sum(entry.file_size for entry in contents.infolist()) > UNPACKED_LIMIT_BYTES:
                raise CodeUnavailable(f"{archive} is larger than 250 MB when unpacked, which Lambda does not accept")
            for entry in contents.infolist():
                path = Path(contents.extract(entry, folder))
                if not entry.is_dir() and entry.external_attr >> 16 & stat.S_IXUSR:
                    path.chmod(0o755)
    except (zipfile.BadZipFile, OSError) as error:
        raise CodeUnavailable(f"{archive}: {error}") from error
