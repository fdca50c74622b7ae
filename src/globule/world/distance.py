"""How long a round trip between two places takes."""

from __future__ import annotations

from typing import Literal

from globule.world.places import Place, great_circle_km

Network = Literal["internet", "backbone"]

# Light in fibre covers about 200 km a millisecond, so a round trip covers 100 km of distance in one.
KM_PER_ROUND_TRIP_MS = 100.0


def round_trip_ms(one: Place, other: Place, *, network: Network = "internet") -> float:
    """Milliseconds from sending a packet until its answer is there, without jitter."""
    factor, floor_ms = (1.9, 4.0) if network == "internet" else (1.5, 1.0)
    return floor_ms + factor * great_circle_km(one, other) / KM_PER_ROUND_TRIP_MS
