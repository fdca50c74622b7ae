"""How long a round trip between two places takes. Pure.

The way between two places is the shortest one over land and along the sea cables of `world.cables`: great-circle
legs, each times a factor. Light in fibre makes 200 km a millisecond, so a round trip takes a millisecond for each
100 km of way, plus a floor for the machines at both ends. A shortest way makes the model a metric: symmetric, and
never longer than a detour.

The provider's backbone is fitted to CloudPing's medians over a year (p50) of the round trips between AWS regions,
less the 3 ms or so that its method measures from a region to itself: a third party's measurement over TCP, a good
but not an official source. docs/distance.md is the table of model against published.

The public internet is the same way times 1.1, with jitter, and 4 ms more where an end is a city, for a household's
or an office's access line. There is no such table to fit it to: these are round numbers, in line with tables of
pings between cities as remembered (London to New York 75 ms, to Sydney 270).

Bandwidths are one connection's: 5 Gbit/s is what EC2 grants a single flow
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html), 100 Mbit/s a common line.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Literal

from globule.world import cables
from globule.world.places import Place, great_circle_km

Network = Literal["internet", "backbone"]

# Light in fibre covers about 200 km a millisecond, and has to come back.
WAY_KM_PER_ROUND_TRIP_MS = 100.0

# Routers, hosts and the last kilometre inside a data centre.
FLOOR_MS = 1.0

# A household's or an office's line, by fibre, cable or 5G.
ACCESS_LINE_MS = 4.0

# Detours between the networks that the internet is made of.
INTERNET_FACTOR = 1.1

# Mean jitter on the internet: a constant part, and a part of the round trip. The backbone has none to speak of.
INTERNET_JITTER_MS = 0.5
INTERNET_JITTER_SHARE = 0.01

BYTES_PER_SECOND: Mapping[Network, float] = {"internet": 100e6 / 8, "backbone": 5e9 / 8}

# All pairs of regions and edge locations, and the cities in use.
CACHED_PAIRS = 65_536


def round_trip_ms(one: Place, other: Place, *, network: Network = "internet") -> float:
    """Milliseconds from sending a packet until its answer is there; what `jitter_ms` says comes on top."""
    way_ms = way_km(one, other) / WAY_KM_PER_ROUND_TRIP_MS
    if network == "backbone":
        return FLOOR_MS + way_ms
    access_ms = ACCESS_LINE_MS * ((one.kind == "city") + (other.kind == "city"))
    return FLOOR_MS + access_ms + INTERNET_FACTOR * way_ms


def jitter_ms(one: Place, other: Place, *, network: Network = "internet") -> float:
    """The mean of what a packet is late by, one way, over half the round trip."""
    if network == "backbone":
        return 0.0
    return INTERNET_JITTER_MS + INTERNET_JITTER_SHARE * round_trip_ms(one, other, network=network)


def closest(to: Place, candidates: Iterable[Place], *, network: Network = "internet") -> Place:
    """The candidate with the shortest round trip; of equals, the first by name. Raises ValueError without any."""
    return min(candidates, key=lambda candidate: (round_trip_ms(to, candidate, network=network), candidate.name))


def way_km(one: Place, other: Place) -> float:
    """The length of the shortest way that fibre takes, as if it were all straight fibre."""
    return _way_km(one, other) if (one.kind, one.name) <= (other.kind, other.name) else _way_km(other, one)


@functools.lru_cache(maxsize=CACHED_PAIRS)
def _way_km(one: Place, other: Place) -> float:
    area, other_area = _area_of(one), _area_of(other)
    between_km = _between_landings()
    ways = (
        leg_km + between_km[landing.name, other_landing.name] + other_leg_km
        for landing, leg_km in _legs(one, area)
        for other_landing, other_leg_km in _legs(other, other_area)
    )
    overland_km = area.land_factor * great_circle_km(one, other) if area is other_area else math.inf
    return min(overland_km, *ways)


def _area_of(place: Place) -> cables.Area:
    return _areas()[place.country]


def _legs(place: Place, area: cables.Area) -> list[tuple[cables.Landing, float]]:
    """The landings of a place's area, each with the way to it."""
    return [
        (landing, area.land_factor * great_circle_km(place, _at(landing)))
        for landing in cables.LANDINGS
        if landing.area == area.name
    ]


def _at(landing: cables.Landing) -> Place:
    return Place(
        name=landing.name,
        kind="city",
        title=landing.name,
        country="",
        latitude=landing.latitude,
        longitude=landing.longitude,
        number=-1,
    )


@functools.cache
def _areas() -> Mapping[str, cables.Area]:
    """By country."""
    return {country: area for area in cables.AREAS for country in area.countries}


@functools.cache
def _between_landings() -> Mapping[tuple[str, str], float]:
    """The shortest way between all landings, by Floyd and Warshall."""
    factors = {area.name: area.land_factor for area in cables.AREAS}
    laid = {frozenset(cable) for cable in cables.CABLES}
    names = [landing.name for landing in cables.LANDINGS]
    ways = {name: dict.fromkeys(names, math.inf) for name in names}
    for one, other in itertools.product(cables.LANDINGS, repeat=2):
        straight_km = great_circle_km(_at(one), _at(other))
        if one.area == other.area:
            ways[one.name][other.name] = factors[one.area] * straight_km
        if {one.name, other.name} in laid:
            ways[one.name][other.name] = min(ways[one.name][other.name], cables.SEA_FACTOR * straight_km)
    for via in names:
        onward = ways[via].items()
        for reached in ways.values():
            to_via = reached[via]
            for other_name, from_via in onward:
                if to_via + from_via < reached[other_name]:
                    reached[other_name] = to_via + from_via
    return {(one, other): way for one, reached in ways.items() for other, way in reached.items()}
