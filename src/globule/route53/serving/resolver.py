"""The resolver of everybody inside the world: the internet door, origins' names at the edge, the health checkers.

Each place has its own, with its own cache. A miss pays one round trip to the nearest name server, which stands in the
nearest edge location. It asks our name servers by a call instead of a datagram: the bytes would be the same.

What a real resolver does and this one does not: it forgets that a name did not exist as soon as the world changes,
because whoever has just deployed a name should not wait fifteen minutes for it.
"""

from __future__ import annotations

import collections
from typing import Any

import msgspec

from globule.host.clock import Clock
from globule.route53.rules.owned import nearest_edge_location
from globule.route53.serving.names import Names
from globule.wan.dialer import Dialer
from globule.wan.naming import Endpoint, NameNotFound
from globule.wire import dns
from globule.wire.dns import Question, Record
from globule.wire.dns_values import name_of, value_text
from globule.world.places import Place, place_of_address

# Names times places that a world has in use; the least recently used one goes.
CACHED_ANSWERS = 8192


class _Cached(msgspec.Struct, frozen=True):
    expires: float
    endpoints: tuple[Endpoint, ...]
    why_not: str
    """Why there are no endpoints."""


class CachingResolver:
    """Implements `wan.naming.Resolver`."""

    def __init__(self, names: Names, dialer: Dialer, clock: Clock) -> None:
        self._names = names
        self._dialer = dialer
        self._clock = clock
        self._cache: collections.OrderedDict[tuple[str, str], _Cached] = collections.OrderedDict()
        self._world_version = names.world.version
        self._hits = self._misses = 0

    def __repr__(self) -> str:
        return f"<CachingResolver answers={len(self._cache)} hits={self._hits} misses={self._misses}>"

    def statistics(self) -> dict[str, Any]:
        return {"answers": len(self._cache), "hits": self._hits, "misses": self._misses}

    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        """See `wan.naming.Resolver`. A loopback address of a place is its own answer."""
        literal = place_of_address(name)
        if literal is not None:
            return (Endpoint((name, self._names.internet_port), literal),)
        try:
            name = name_of(name)
        except dns.InvalidName as error:
            raise NameNotFound(str(error)) from error
        cached = self._recall(source, name)
        if cached is None:
            self._misses += 1
            await self._dialer.pay_round_trip(source, nearest_edge_location(source))
            cached = self._ask(name, source)
            self._remember(source, name, cached)
        else:
            self._hits += 1
        if not cached.endpoints:
            raise NameNotFound(cached.why_not)
        return cached.endpoints

    def _recall(self, source: Place, name: str) -> _Cached | None:
        self._forget_absences()
        cached = self._cache.get((source.name, name))
        if cached is None or cached.expires <= self._clock.monotonic():
            return None
        self._cache.move_to_end((source.name, name))
        return cached

    def _remember(self, source: Place, name: str, cached: _Cached) -> None:
        self._cache[source.name, name] = cached
        self._cache.move_to_end((source.name, name))
        if len(self._cache) > CACHED_ANSWERS:
            self._cache.popitem(last=False)

    def _forget_absences(self) -> None:
        if self._world_version != self._names.world.version:
            self._world_version = self._names.world.version
            for key in [key for key, cached in self._cache.items() if not cached.endpoints]:
                del self._cache[key]

    def _ask(self, name: str, source: Place) -> _Cached:
        answer, _ = self._names.answer(Question(name, dns.A), client=source)
        records = answer.answers or answer.authorities
        ttl_seconds = min((record.ttl_seconds for record in records), default=0)
        addresses = [value_text(record) for record in answer.answers if record.type == dns.A]
        endpoints = tuple(
            Endpoint((address, self._names.internet_port), place)
            for address in addresses
            if (place := place_of_address(address)) is not None
        )
        why_not = "" if endpoints else _why_not(name, answer.rcode, answer.answers, addresses)
        return _Cached(self._clock.monotonic() + ttl_seconds, endpoints, why_not)


def _why_not(name: str, rcode: int, answers: tuple[Record, ...], addresses: list[str]) -> str:
    if addresses:
        return f"{name} has the address {addresses[0]}, which is outside of this world"
    if rcode == dns.SERVFAIL:
        return f"{name} leads in a circle of CNAMEs or aliases"
    if answers:
        return f"{name} leads to {value_text(answers[-1]).rstrip('.')}, which does not exist in this world"
    if rcode == dns.NOERROR:
        return f"{name} exists, but has no address"
    return f"{name} does not exist in this world"
