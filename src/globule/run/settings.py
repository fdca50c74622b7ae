"""Settings of this machine and this call. The only module that reads the environment.

What belongs to an application is in its `globule.toml`; what belongs to one world is in its state directory.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

STATE_FOLDER = ".globule"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a world's state is, and what the environment asks for."""

    state: Path
    """Absolute path of the state directory."""


def read_settings(state: str | None, *, home: Path | None = None) -> Settings:
    """From `--state`, else `GLOBULE_STATE`, else `.globule` in `home`; without one, in the current folder or the
    nearest one above it that has a world."""
    given = state or os.environ.get("GLOBULE_STATE")
    if given:
        return Settings(state=Path(given).expanduser().resolve())
    start = (home or Path.cwd()).resolve()
    for candidate in () if home else (start, *start.parents):
        if (candidate / STATE_FOLDER / "format").is_file():
            return Settings(state=candidate / STATE_FOLDER)
    return Settings(state=start / STATE_FOLDER)


def child_environment() -> dict[str, str]:
    """The environment for Globule's own processes: this one's, without what would point AWS clients elsewhere."""
    dropped = ("AWS_", "GLOBULE_STATE", "PYTHONSTARTUP")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def function_path() -> str:
    """Where functions find programs: the interpreter's own folder first, then this machine's."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
