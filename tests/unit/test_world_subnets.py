"""Every place has networks of its own, and nobody else's address is a place's."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globule.world import places
from globule.world.subnets import SUBNET_BITS, client_subnet, place_of_client


def test_the_network_of_a_city_leads_back_to_it() -> None:
    for city in places.cities():
        network = ipaddress.ip_network(client_subnet(city))
        assert place_of_client(str(network[0]), SUBNET_BITS) == city
        assert place_of_client(str(network[-1])) == city


def test_the_loopback_address_of_a_place_leads_back_to_it() -> None:
    for place in (*places.cities(), *places.edge_locations(), *places.regions()):
        assert place_of_client(places.address_of(place)) == place


@pytest.mark.parametrize("address", ["10.255.255.1", "127.0.0.1", "203.0.113.1", "::1", "", "10.", "10.x.y.z"])
def test_other_addresses_are_nobodys(address: str) -> None:
    assert place_of_client(address) is None


def test_a_prefix_that_is_too_short_names_nobody() -> None:
    assert place_of_client("10.0.0.0", SUBNET_BITS - 1) is None


@given(st.text(max_size=20))
def test_any_text_is_a_place_or_nobodys(text: str) -> None:
    assert place_of_client(text) is None or text.count(".") == 3
