"""What every command shares: `--state`, `--json`, and a console that writes tables for people."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

# Where output goes to a file or a pipe there is no width to fit.
_UNBOUNDED_COLUMNS = 200

console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED_COLUMNS)


def world_options(command: F) -> F:
    """Adds `--state DIR`, as the argument `state`, and `--json`, as the argument `as_json`."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)
    return click.option("--state", metavar="DIR", help="State directory of the world (default: the one found here).")(
        command
    )


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
