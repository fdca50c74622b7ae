"""`globule down`"""

from __future__ import annotations

import asyncio

import click

from globule.cli.output import print_json, world_options
from globule.cli.worlds import find_world
from globule.run.living import living, stop_world


@click.command()
@world_options
def command(state: str | None, as_json: bool) -> None:
    """Stop a world and wait until it has stopped. Tables, objects and logs stay; `globule up` resumes them."""
    world = find_world(state)
    if not living(world):
        raise click.ClickException(f"no world is running on {world.root}")
    killed = asyncio.run(stop_world(world))
    if as_json:
        print_json({"stopped": str(world.root), "killed": killed})
        return
    for name in killed:
        click.echo(f"{name} did not stop in time, and was killed.")
    click.echo(f"Stopped. The world's data stays in {world.root}")
