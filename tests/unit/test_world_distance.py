"""The model of distance against what is published, and against its own page."""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path
from types import ModuleType

import pytest

from globule.world import cables, places
from globule.world.distance import closest, round_trip_ms, way_km

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_distance_table", ROOT / "scripts" / "generate_distance_table.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_generator_writes(table: ModuleType) -> None:
    """`make docs` writes it anew."""
    assert (ROOT / "docs" / "distance.md").read_text() == table.page()


def test_the_model_is_near_what_is_published(table: ModuleType) -> None:
    """Half of the pairs within 6 %, nine in ten within 20 %, none beyond 40 %."""
    errors = table.errors()
    assert statistics.median(errors) < 0.06
    assert errors[int(0.9 * len(errors))] < 0.20
    assert errors[-1] < 0.40


def test_every_region_sees_its_published_neighbour_first(table: ModuleType) -> None:
    """Latency routing is about order: the nearest of the published regions is the nearest, or within
    6 ms or 15 % of it."""
    seen: dict[str, list[tuple[float, float, str]]] = {}
    for one, other, ms in table.published():
        seen.setdefault(one, []).append((ms, table.model_ms(one, other), other))
        seen.setdefault(other, []).append((ms, table.model_ms(one, other), one))
    for region, others in seen.items():
        chosen_by_model = min(others, key=lambda other: other[1])
        nearest_ms = min(others)[0]
        assert chosen_by_model[0] <= max(nearest_ms + 6, nearest_ms * 1.15), region


def test_every_country_with_a_place_lies_in_one_area() -> None:
    countries = [country for area in cables.AREAS for country in area.countries]
    assert len(countries) == len(set(countries))
    everything = places.regions() + places.edge_locations() + places.cities()
    assert {place.country for place in everything} <= set(countries)


def test_cables_join_landings_and_landings_stand_in_areas() -> None:
    landings = {landing.name for landing in cables.LANDINGS}
    assert {name for cable in cables.CABLES for name in cable} == landings
    assert {landing.area for landing in cables.LANDINGS} == {area.name for area in cables.AREAS}


def test_a_city_with_an_edge_location_reaches_it_in_a_few_milliseconds() -> None:
    for slug in ("frankfurt", "tokyo", "sao-paulo", "sydney", "london", "new-york"):
        city = places.city(slug)
        assert 4 <= round_trip_ms(city, closest(city, places.edge_locations())) <= 8


def test_the_backbone_is_quicker_than_the_internet() -> None:
    frankfurt, virginia = places.edge_location("FRA"), places.region("us-east-1")
    assert round_trip_ms(frankfurt, virginia, network="backbone") < round_trip_ms(frankfurt, virginia)


def test_packets_from_cape_town_to_mumbai_go_by_europe() -> None:
    cape_town, london, mumbai = (places.region(code) for code in ("af-south-1", "eu-west-2", "ap-south-1"))
    assert way_km(cape_town, mumbai) > 0.85 * (way_km(cape_town, london) + way_km(london, mumbai))
