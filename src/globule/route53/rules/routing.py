"""Which records of a group answer a client.

A group is all record sets of one name and type; they share a routing policy. First the unhealthy are set aside, where
there is a healthy one; then the policy chooses
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html and
health-checks-how-route-53-chooses-records.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from globule.route53.model import Failover, Geolocation, Geoproximity, Latency, Multivalue, RecordSet, Simple, Weighted
from globule.route53.rules.continents import continent_of
from globule.route53.rules.zones import Entry
from globule.world import places
from globule.world.distance import round_trip_ms
from globule.world.places import Place

# "Route 53 responds to DNS queries with up to eight healthy records."
MULTIVALUE_LIMIT = 8

Entropy = Callable[[], float]
"""A number from 0 to 1 (excluded), another one with each call."""


def choose(group: Sequence[Entry], *, client: Place, healthy: Callable[[Entry], bool], entropy: Entropy) -> list[Entry]:
    """One record, several for multivalue, none where geolocation has no record for the client."""
    match group[0].record.policy:
        case Simple():
            return [group[0]]
        case Geolocation():
            return _smallest(group, client, healthy)
        case Failover():
            return [_primary(group, healthy)]
    candidates = [entry for entry in group if healthy(entry)] or list(group)
    match group[0].record.policy:
        case Weighted():
            return [_weighted(candidates, entropy)]
        case Latency():
            return [min(candidates, key=lambda entry: _latency(entry.record, client))]
        case Geoproximity():
            return [min(candidates, key=lambda entry: _biased_distance(entry.record, client))]
        case Multivalue():
            return _drawn(candidates, entropy)[:MULTIVALUE_LIMIT]
    raise AssertionError(group[0].record.policy)


def _primary(group: Sequence[Entry], healthy: Callable[[Entry], bool]) -> Entry:
    """The primary, unless it is unhealthy and a secondary is not."""
    primary = [entry for entry in group if entry.record.policy == Failover("PRIMARY")]
    secondary = [entry for entry in group if entry not in primary]
    for entry in (*primary, *secondary):
        if healthy(entry):
            return entry
    return (*primary, *secondary)[0]


def _smallest(group: Sequence[Entry], client: Place, healthy: Callable[[Entry], bool]) -> list[Entry]:
    """The record for the smallest area that holds the client and is healthy; where none is healthy, the smallest."""
    by_area = {entry.record.policy: entry for entry in group}
    areas = (
        Geolocation(country=client.country),
        Geolocation(continent=continent_of(client.country)),
        Geolocation(),
    )
    holding = [by_area[area] for area in areas if area in by_area]
    return [entry for entry in holding if healthy(entry)][:1] or holding[:1]


def _weighted(candidates: Sequence[Entry], entropy: Entropy) -> Entry:
    """Records of weight 0 are considered where no other is left, and then all alike."""
    weighted = [(entry, _weight(entry.record)) for entry in candidates if _weight(entry.record) > 0]
    if not weighted:
        weighted = [(entry, 1) for entry in candidates]
    if len(weighted) == 1:
        return weighted[0][0]
    point = entropy() * sum(weight for _, weight in weighted)
    for entry, weight in weighted:
        point -= weight
        if point < 0:
            return entry
    return weighted[-1][0]


def _weight(record: RecordSet) -> int:
    assert isinstance(record.policy, Weighted)
    return record.policy.weight


def _latency(record: RecordSet, client: Place) -> float:
    assert isinstance(record.policy, Latency)
    return round_trip_ms(client, places.region(record.policy.region), network="internet")


def _biased_distance(record: RecordSet, client: Place) -> float:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-geoproximity.html"""
    policy = record.policy
    assert isinstance(policy, Geoproximity)
    distance_km = places.great_circle_km(client, _somewhere(policy))
    if policy.bias >= 0:
        return distance_km * (1 - policy.bias / 100)
    return distance_km / (1 + policy.bias / 100)


def _somewhere(policy: Geoproximity) -> Place:
    return Place(
        name="",
        kind="city",
        title="",
        country="",
        latitude=policy.latitude,
        longitude=policy.longitude,
        number=0,
    )


def _drawn(candidates: Sequence[Entry], entropy: Entropy) -> list[Entry]:
    """In random order."""
    rest = list(candidates)
    return [rest.pop(int(entropy() * len(rest))) for _ in range(len(rest))]
