"""Faults, and changes of them, in words. Pure."""

from __future__ import annotations

from typing import assert_never

from globule.faults.changes import EVERYWHERE, FaultChange, Heal, Kill, Partition, Restart, Slow
from globule.world.faults import LinkFault


def of_link(fault: LinkFault) -> str:
    one, other = map(_named, fault.between)
    if fault.cut:
        return f"nothing passes between {one} and {other}"
    return f"{one} and {other}: {fault.extra_delay_ms:g} ms more each way, {fault.loss:.0%} loss"


def of_change(change: FaultChange) -> str:
    """What holds after it."""
    match change:
        case Kill(process):
            return f"{process} is dead; `globule fault restart {process}` brings it back"
        case Restart(process):
            return f"{process} serves"
        case Partition(one, other):
            return of_link(LinkFault(between=(one, other), cut=True))
        case Slow(one, other, delay_ms, loss):
            return of_link(LinkFault(between=(one, other), extra_delay_ms=delay_ms, loss=loss))
        case Heal(one, other):
            if one == other == EVERYWHERE:
                return "all links are whole"
            return f"{_named(one)} and {_named(other)} have no fault between them"
        case _:
            assert_never(change)


def _named(place: str) -> str:
    return "everywhere else" if place == EVERYWHERE else place
