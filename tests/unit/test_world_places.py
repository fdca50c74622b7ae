"""The catalogues of places, and the addresses that stand for them."""

from __future__ import annotations

import re

import pytest
from botocore.session import Session

from globule.world import places
from globule.world.places import Place, UnknownPlace

EVERYTHING = places.regions() + places.edge_locations() + places.cities()


def test_every_commercial_region_that_botocore_knows_is_in_the_catalogue() -> None:
    known = set(Session().get_available_regions("dynamodb")) | set(Session().get_available_regions("ec2"))
    assert known - {place.name for place in places.regions()} == set()


def test_there_are_at_least_60_edge_locations_named_by_airport() -> None:
    assert len(places.edge_locations()) >= 60
    assert all(re.fullmatch(r"[A-Z]{3}", edge.name) for edge in places.edge_locations())


def test_there_are_at_least_200_cities_with_plain_slugs() -> None:
    assert len(places.cities()) >= 200
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", city.name) for city in places.cities())


@pytest.mark.parametrize("slug", ["tokyo", "frankfurt", "sao-paulo", "sydney", "london", "new-york"])
def test_well_known_cities_go_by_the_name_that_people_expect(slug: str) -> None:
    assert places.city(slug).kind == "city"


def test_no_two_places_share_a_name_or_an_address() -> None:
    assert len({place.name for place in EVERYTHING}) == len(EVERYTHING)
    assert len({places.address_of(place) for place in EVERYTHING}) == len(EVERYTHING)


@pytest.mark.parametrize("place", EVERYTHING, ids=lambda place: place.name)
def test_an_address_leads_back_to_its_place(place: Place) -> None:
    """The whole network of 256 does: resolvers send networks, not addresses."""
    address = places.address_of(place)
    assert places.place_of_address(address) is place
    assert places.place_of_address(address.rpartition(".")[0] + ".200") is place


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.30.0.1", "8.8.8.8", "::1", "", "127.10.0", "127.10.0.256", "127.10.0.x", "127.10.0.²"]
)
def test_other_addresses_are_no_place(address: str) -> None:
    assert places.place_of_address(address) is None


def test_numbers_are_positions() -> None:
    for catalogue in (places.regions(), places.edge_locations(), places.cities()):
        assert [place.number for place in catalogue] == list(range(len(catalogue)))


def test_every_place_lies_on_earth_and_in_a_country() -> None:
    for place in EVERYTHING:
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180
        assert re.fullmatch(r"[A-Z]{2}", place.country)
        assert place.title
        assert place.city


@pytest.mark.parametrize(
    ("name", "suggested"), [("Tokyo", "tokyo"), ("ireland", "eu-west-1"), ("fra", "FRA"), ("sao paulo", "sao-paulo")]
)
def test_an_unknown_place_is_refused_with_near_names(name: str, suggested: str) -> None:
    with pytest.raises(UnknownPlace, match=re.escape(repr(name))) as refused:
        places.place(name)
    assert suggested in refused.value.suggestions
    assert suggested in str(refused.value)


def test_a_name_like_nothing_is_refused_without_suggestions() -> None:
    with pytest.raises(UnknownPlace, match=r"^no city is called 'qqqqqq'$"):
        places.city("qqqqqq")


def test_a_region_is_not_a_city() -> None:
    with pytest.raises(UnknownPlace):
        places.city("eu-west-1")


def test_the_nearest_edge_location_is_the_one_of_the_city() -> None:
    assert places.nearest(places.city("frankfurt"), places.edge_locations()).name == "FRA"
    assert places.nearest(places.city("osaka"), places.edge_locations()).name == "KIX"


def test_a_region_has_three_zones() -> None:
    assert places.availability_zones("eu-west-1") == ("eu-west-1a", "eu-west-1b", "eu-west-1c")


def test_a_pop_reads_as_cloudfronts_do() -> None:
    pops = {places.pop(edge) for edge in places.edge_locations()}
    assert len(pops) == len(places.edge_locations())
    assert all(re.fullmatch(r"[A-Z]{3}\d\d-P\d", pop) for pop in pops)
