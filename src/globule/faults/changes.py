"""Changes to what is broken, and what they make of the faults in force. Pure.

The command line and game days ask for a change; the supervisor applies it and publishes the world that results.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from globule.world.faults import Faults, LinkFault


class Kill(msgspec.Struct, frozen=True, tag=True):
    """SIGKILL a process and keep it dead: a region code, or `edge`."""

    process: str


class Restart(msgspec.Struct, frozen=True, tag=True):
    """Start a killed process again."""

    process: str


class Partition(msgspec.Struct, frozen=True, tag=True):
    """Cut every path between two places (`*` for everywhere else)."""

    one: str
    other: str


class Slow(msgspec.Struct, frozen=True, tag=True):
    """Add delay to each direction, or lose segments, between two places."""

    one: str
    other: str
    delay_ms: float = 0.0
    loss: float = 0.0


class Heal(msgspec.Struct, frozen=True, tag=True):
    """Remove the faults of one link; of all links where no place is named. Processes stay as they are."""

    one: str = "*"
    other: str = "*"


FaultChange = Kill | Restart | Partition | Slow | Heal


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
            kept = () if (one, other) == ("*", "*") else _without(faults.links, one, other)
            return Faults(dead=faults.dead, links=kept)
        case _:
            assert_never(change)


def _with_link(faults: Faults, link: LinkFault) -> Faults:
    return Faults(dead=faults.dead, links=(*_without(faults.links, *link.between), link))


def _without(links: tuple[LinkFault, ...], one: str, other: str) -> tuple[LinkFault, ...]:
    return tuple(link for link in links if set(link.between) != {one, other})
