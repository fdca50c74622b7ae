"""What every command shares: `--state`, `--json`, and a console that writes tables for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

console = Console(highlight=False)


def world_options(command: F) -> F:
    """Adds `--state DIR`, as the argument `state`, and `--json`, as the argument `as_json`."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)
    return click.option("--state", metavar="DIR", help="State directory of the world (default: the one found here).")(
        command
    )


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
