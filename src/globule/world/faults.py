"""What is broken in the world, as data: regions that stay dead, links that are cut, slow or lossy.

Faults are part of the world's snapshot, so every process sees the same ones at the same version.
"""

from __future__ import annotations

import msgspec


class LinkFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault on every path between two places, in both directions.

    A place is named by its region code (`eu-west-1`), its edge location (`FRA`) or its city slug (`tokyo`);
    `*` stands for everywhere else.
    """

    between: tuple[str, str]
    cut: bool = False
    """Nothing arrives: connects time out, established connections stall."""
    extra_delay_ms: float = 0.0
    """Added to each direction."""
    loss: float = 0.0
    """Chance from 0 to 1 that a segment is lost; the sender retransmits, so loss is seen as delay."""


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """All faults in force."""

    dead: tuple[str, ...] = ()
    """Names of processes that must not be started again: region codes, or `edge`."""
    links: tuple[LinkFault, ...] = ()

    def on(self, one: str, other: str) -> LinkFault | None:
        """The fault between two places, cuts first; None where the link is whole."""
        found = [
            fault for fault in self.links if _matches(fault.between, one, other) or _matches(fault.between, other, one)
        ]
        return max(found, key=lambda fault: (fault.cut, fault.extra_delay_ms, fault.loss), default=None)


def _matches(between: tuple[str, str], one: str, other: str) -> bool:
    return between[0] in (one, "*") and between[1] in (other, "*") and one != other
