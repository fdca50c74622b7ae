"""Places: AWS regions, CloudFront edge locations, cities."""

from __future__ import annotations

from typing import Literal

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere on Earth."""

    name: str
    """A region code (`eu-west-1`), an edge location's code (`FRA`), or a city's slug (`sao-paulo`)."""
    kind: Literal["region", "edge", "city"]
    title: str
    """For people: `Europe (Ireland)`, `Frankfurt`, `São Paulo`."""
    country: str
    """ISO 3166-1 alpha-2."""
    latitude: float
    longitude: float
    number: int
    """Position in its catalogue, from 0; `world.ports` derives loopback addresses from it."""
