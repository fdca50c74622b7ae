"""`globule`: the command line. Each command is a module of this folder; they are listed here and loaded when used.

Exit statuses: 0 done, 1 the thing asked for did not hold, 2 wrong use.
"""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "up": "Run an application's templates as a world of regions.",
    "down": "Stop a world; its data stays.",
    "status": "Show what runs, where, and what is broken.",
    "places": "List cities, edge locations and regions, with distances.",
    "curl": "Request a URL as somebody who is in a city.",
    "dig": "Ask Route 53 as somebody who is in a city.",
    "fault": "Break the world and mend it: kill, restart, partition, slow, heal.",
    "tables": "Look into global tables: lag, conflicts, differences between replicas.",
    "logs": "Show what functions print.",
}


class _Lazy(click.Group):
    """Loads a command's module when it is used, so that `globule --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"globule.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="globule")
def main() -> None:
    """A global, multi-region serverless service on one machine, from the templates that you deploy to AWS."""
