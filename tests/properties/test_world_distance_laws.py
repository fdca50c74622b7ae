"""Laws of distance: it is a metric, and nothing is quicker than light in fibre."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from globule.world import places
from globule.world.distance import WAY_KM_PER_ROUND_TRIP_MS, Network, jitter_ms, round_trip_ms
from globule.world.places import Place, great_circle_km

PLACES = st.sampled_from(places.regions() + places.edge_locations() + places.cities())
NETWORKS: st.SearchStrategy[Network] = st.sampled_from(["internet", "backbone"])


@given(PLACES, PLACES, NETWORKS)
def test_there_and_back_are_the_same(one: Place, other: Place, network: Network) -> None:
    assert round_trip_ms(one, other, network=network) == round_trip_ms(other, one, network=network)
    assert jitter_ms(one, other, network=network) == jitter_ms(other, one, network=network)


@given(PLACES, PLACES, PLACES, NETWORKS)
def test_no_detour_is_quicker(one: Place, via: Place, other: Place, network: Network) -> None:
    direct = round_trip_ms(one, other, network=network)
    detour = round_trip_ms(one, via, network=network) + round_trip_ms(via, other, network=network)
    assert direct <= detour * (1 + 1e-9)


@given(PLACES, PLACES, NETWORKS)
def test_nothing_outruns_light_in_fibre(one: Place, other: Place, network: Network) -> None:
    assert round_trip_ms(one, other, network=network) > great_circle_km(one, other) / WAY_KM_PER_ROUND_TRIP_MS


@given(PLACES, PLACES, NETWORKS)
def test_every_two_places_are_connected_within_half_a_second(one: Place, other: Place, network: Network) -> None:
    assert 1.0 <= round_trip_ms(one, other, network=network) < 700


@given(PLACES, PLACES)
def test_great_circles_are_at_most_half_the_equator(one: Place, other: Place) -> None:
    assert 0 <= great_circle_km(one, other) <= 20_016
    assert great_circle_km(one, one) == 0
