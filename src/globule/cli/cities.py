"""Cities, as people name them on the command line."""

from __future__ import annotations

import click

from globule.world import places


def city(name: str, option: str) -> places.Place:
    """The city of that name. Ends the command with status 2, and names that look like it, where there is none."""
    try:
        return places.city(name.strip().lower())
    except places.UnknownPlace as unknown:
        raise click.UsageError(f"{option}: {unknown}") from None
