"""Which world a command is about, and how it speaks to that world's supervisor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from globule.run.channel import ChannelClosed, ask_once
from globule.run.messages import Refused, Reply, Request, Status, StatusReport
from globule.run.settings import read_settings
from globule.run.state import State, running_worlds


def find_world(state: str | None) -> State:
    """The world of `--state`, of the current folder or one above it, or the only one that runs on this machine."""
    settings = read_settings(state)
    if state is None and not (settings.state / "format").is_file():
        running = running_worlds()
        if len(running) == 1:
            return State(running[0])
        if running:
            listed = "".join(f"\n  --state {path}" for path in running)
            raise click.UsageError(f"no world in {Path.cwd()} or above, and several run on this machine:{listed}")
    return State(settings.state)


def ask(state: State, request: Request) -> Reply:
    """The supervisor's reply. Ends the command with status 1 where it refuses or no world runs."""
    try:
        reply = asyncio.run(ask_once(state.socket("supervisor"), request))
    except ChannelClosed:
        raise click.ClickException(f"no world is running on {state.root}. Start one with: globule up") from None
    if isinstance(reply, Refused):
        raise click.ClickException(reply.why)
    return reply


def status_of(state: State) -> StatusReport:
    reply = ask(state, Status())
    assert isinstance(reply, StatusReport)
    return reply
