"""`globule down`"""

from __future__ import annotations

import time

import click

from globule.cli.output import print_json, world_options
from globule.cli.worlds import ask, find_world
from globule.run.messages import Stop

# Processes stop within their own limits (`run.processes.STOP_LIMIT_S`); this only bounds the wait for all of them.
WAIT_LIMIT_S = 30.0
POLL_S = 0.05


@click.command()
@world_options
def command(state: str | None, as_json: bool) -> None:
    """Stop a world and wait until it has stopped. Tables, objects and logs stay; `globule up` resumes them."""
    world = find_world(state)
    ask(world, Stop())
    deadline = time.monotonic() + WAIT_LIMIT_S
    while world.socket("supervisor").exists():
        if time.monotonic() > deadline:
            raise click.ClickException(f"the world on {world.root} did not stop within {WAIT_LIMIT_S:.0f} s")
        time.sleep(POLL_S)
    if as_json:
        print_json({"stopped": str(world.root)})
    else:
        click.echo(f"Stopped. The world's data stays in {world.root}")
