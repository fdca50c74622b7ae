"""Changes to what is broken, and what they make of the faults in force. Pure.

The command line and game days ask for a change; the supervisor applies it and publishes the world that results.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from globule.world.faults import Faults, LinkFault
from globule.world.places import UnknownPlace, place

# No service waits longer for anything, so no longer delay can be told from a cut link.
DELAY_LIMIT_MS = 60_000.0
EVERYWHERE = "*"


class Kill(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL a process and keep it dead: a region code, or `edge`."""

    process: str


class Restart(msgspec.Struct, frozen=True, tag=True):
    """Start a killed process again."""

    process: str


class Partition(msgspec.Struct, frozen=True, tag=True):
    """Cut every path between two places; `*` is everywhere else."""

    one: str
    other: str = EVERYWHERE


class Slow(msgspec.Struct, frozen=True, tag=True):
    """Add delay to each direction, or lose segments, between two places."""

    one: str
    other: str = EVERYWHERE
    delay_ms: float = 0.0
    loss: float = 0.0
    """Share of segments, from 0 to 1."""


class Heal(msgspec.Struct, frozen=True, tag=True):
    """Remove the faults between two places; `*` is any place, so all that one place has, or all. Processes stay as
    they are."""

    one: str = EVERYWHERE
    other: str = EVERYWHERE


FaultChange = Kill | Restart | Partition | Slow | Heal


def impossible(change: FaultChange) -> str | None:
    """Why a change can never be made, whatever the world; None where it can."""
    if isinstance(change, Kill | Restart):
        return None
    for name in {change.one, change.other} - {EVERYWHERE}:
        try:
            place(name)
        except UnknownPlace as problem:
            return str(problem)
    if change.one == change.other != EVERYWHERE:
        return f"there is no link between {change.one} and itself"
    if isinstance(change, Slow):
        if not 0 <= change.delay_ms <= DELAY_LIMIT_MS:
            return f"a delay is from 0 to {DELAY_LIMIT_MS:.0f} ms, not {change.delay_ms:g}"
        if not 0 <= change.loss <= 1:
            return f"a loss is a share from 0 to 1, not {change.loss:g}"
    return None


def changed(faults: Faults, change: FaultChange) -> Faults:
    """The faults in force after a change. Applying a change twice is the same as once."""
    match change:
        case Kill(process):
            return Faults(dead=tuple(sorted({*faults.dead, process})), links=faults.links)
        case Restart(process):
            return Faults(dead=tuple(name for name in faults.dead if name != process), links=faults.links)
        case Partition(one, other):
            return _with_link(faults, LinkFault(between=(one, other), cut=True))
        case Slow(one, other, delay_ms, loss):
            return _with_link(faults, LinkFault(between=(one, other), extra_delay_ms=delay_ms, loss=loss))
        case Heal(one, other):
            named = {one, other} - {EVERYWHERE}
            return Faults(dead=faults.dead, links=tuple(link for link in faults.links if not named <= {*link.between}))
        case _:
            assert_never(change)


def _with_link(faults: Faults, link: LinkFault) -> Faults:
    others = tuple(known for known in faults.links if {*known.between} != {*link.between})
    return Faults(dead=faults.dead, links=(*others, link))
