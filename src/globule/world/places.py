"""Places: AWS regions, CloudFront edge locations, cities.

Three catalogues, read from `world/catalogues/*.json` when first asked for (a few milliseconds, once a process) and
immutable from then on. Each file names its source and its licence; `scripts/update_places.py` writes them. A
place's number, its position in its catalogue, gives it a loopback address (`world.ports`); new places are appended,
so numbers are stable.

Regions are all of AWS's commercial partition. AWS does not say where its data centres stand, so a region stands at
the city of its title, and an edge location at the airport whose code it carries.
"""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from globule.world import ports

Kind = Literal["region", "edge", "city"]

# Every region of AWS has at least three zones (https://docs.aws.amazon.com/global-infrastructure/latest/regions/
# aws-availability-zones.html); which letters an account sees differs, and here they are these.
ZONE_LETTERS = "abc"

# How many near matches an error suggests.
SUGGESTIONS = 3

# The Earth's mean radius, by the International Union of Geodesy and Geophysics.
EARTH_RADIUS_KM = 6371.0088


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere on Earth."""

    name: str
    """A region code (`eu-west-1`), an edge location's code (`FRA`), or a city's slug (`sao-paulo`)."""
    kind: Kind
    title: str
    """For people: `Europe (Ireland)`, `Frankfurt`, `São Paulo`."""
    country: str
    """ISO 3166-1 alpha-2."""
    latitude: float
    longitude: float
    number: int
    """Position in its catalogue, from 0; `world.ports` derives loopback addresses from it."""
    city: str = ""
    """The city that it stands in or near: `Dublin` for `eu-west-1`."""


class UnknownPlace(LookupError):
    """No place of that name. `suggestions` are names that look like it."""

    def __init__(self, what: str, name: str, suggestions: tuple[str, ...]) -> None:
        hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"no {what} is called {name!r}{hint}")
        self.name = name
        self.suggestions = suggestions


def region(code: str) -> Place:
    """The region of that code, such as `eu-west-1`. Raises UnknownPlace."""
    return _find("AWS region", _catalogue("region"), code)


def edge_location(code: str) -> Place:
    """The edge location of that airport code, such as `FRA`. Raises UnknownPlace."""
    return _find("edge location", _catalogue("edge"), code)


def city(slug: str) -> Place:
    """The city of that slug, such as `sao-paulo`. Raises UnknownPlace."""
    return _find("city", _catalogue("city"), slug)


def place(name: str) -> Place:
    """The region, edge location or city of that name; no two share one. Raises UnknownPlace."""
    return _find("place", _everything(), name)


def regions() -> tuple[Place, ...]:
    return tuple(_catalogue("region").values())


def edge_locations() -> tuple[Place, ...]:
    return tuple(_catalogue("edge").values())


def cities() -> tuple[Place, ...]:
    return tuple(_catalogue("city").values())


def availability_zones(code: str) -> tuple[str, ...]:
    """The zones of a region: `("eu-west-1a", "eu-west-1b", "eu-west-1c")`. Raises UnknownPlace."""
    return tuple(region(code).name + letter for letter in ZONE_LETTERS)


def pop(edge: Place) -> str:
    """What `X-Amz-Cf-Pop` says: the airport's code, then which site and cluster, such as `NRT57-P2`.

    AWS documents neither numbering; one site a location is made up here, from the location's number.
    """
    assert edge.kind == "edge", edge
    return f"{edge.name}{50 + edge.number % 13}-P{1 + edge.number % 4}"


def great_circle_km(one: Place, other: Place) -> float:
    """Distance along the surface of a sphere (haversine formula), within 0.6 % of the ellipsoid's."""
    latitude, other_latitude = math.radians(one.latitude), math.radians(other.latitude)
    between_longitudes = math.radians(other.longitude - one.longitude)
    chord = math.sin((other_latitude - latitude) / 2) ** 2
    chord += math.cos(latitude) * math.cos(other_latitude) * math.sin(between_longitudes / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def nearest(to: Place, candidates: Iterable[Place]) -> Place:
    """The candidate with the least great-circle distance; of equals, the first by name.

    Raises ValueError where there are none.
    """
    return min(candidates, key=lambda candidate: (great_circle_km(to, candidate), candidate.name))


def address_of(somewhere: Place) -> str:
    """The loopback address that stands for a place."""
    match somewhere.kind:
        case "region":
            return ports.region_address(somewhere.number)
        case "edge":
            return ports.edge_location_address(somewhere.number)
        case "city":
            return ports.city_address(somewhere.number)


def place_of_address(address: str) -> Place | None:
    """The place whose loopback network (a /24) holds an IPv4 address; None for any other address."""
    network, _, host = address.rpartition(".")
    return _by_network().get(network) if host.isdecimal() and int(host) < 256 else None


class _Entry(msgspec.Struct, frozen=True):
    name: str
    title: str
    city: str
    country: str
    latitude: float
    longitude: float


class _File(msgspec.Struct, frozen=True):
    source: str
    places: tuple[_Entry, ...]


_FILES: Mapping[Kind, str] = {"region": "regions.json", "edge": "edge_locations.json", "city": "cities.json"}


@functools.cache
def _catalogue(kind: Kind) -> Mapping[str, Place]:
    data = Path(__file__).with_name("catalogues").joinpath(_FILES[kind]).read_bytes()
    entries = msgspec.json.decode(data, type=_File).places
    return {
        entry.name: Place(
            name=entry.name,
            kind=kind,
            title=entry.title,
            country=entry.country,
            latitude=entry.latitude,
            longitude=entry.longitude,
            number=number,
            city=entry.city,
        )
        for number, entry in enumerate(entries)
    }


@functools.cache
def _everything() -> Mapping[str, Place]:
    return {**_catalogue("region"), **_catalogue("edge"), **_catalogue("city")}


@functools.cache
def _by_network() -> Mapping[str, Place]:
    return {address_of(place).rpartition(".")[0]: place for place in _everything().values()}


def _find(what: str, catalogue: Mapping[str, Place], name: str) -> Place:
    try:
        return catalogue[name]
    except KeyError:
        pass
    raise UnknownPlace(what, name, _suggestions(catalogue, name))


def _suggestions(catalogue: Mapping[str, Place], name: str) -> tuple[str, ...]:
    """Names that are spelt alike, or that go by such a title or stand in such a city (`Ireland` -> `eu-west-1`)."""
    wanted = name.casefold().strip()
    named = [
        place.name
        for place in catalogue.values()
        if wanted and (wanted in place.title.casefold() or wanted in place.city.casefold())
    ]
    likeness = 0.8 if named else 0.6
    alike = difflib.get_close_matches(wanted, [key.casefold() for key in catalogue], SUGGESTIONS, likeness)
    spelt = [key for key in catalogue if key.casefold() in alike]
    return tuple(dict.fromkeys(spelt + named))[:SUGGESTIONS]
