"""Every edge location of a world, in one process: what the composition root builds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from globule.cloudfront.model import (
    CachePolicy,
    Distribution,
    OriginAccessControl,
    OriginRequestPolicy,
    ResponseHeadersPolicy,
)
from globule.cloudfront.rules import invalidations
from globule.cloudfront.rules.admission import Names
from globule.cloudfront.rules.configuration import Configuration, Policies, UnknownPolicy, configure
from globule.cloudfront.serving.cache import Budget
from globule.cloudfront.serving.hot_files import HotFiles
from globule.cloudfront.serving.location import EdgeLocation
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.functions import Invoker
from globule.host.network import Address, Network
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.naming import Resolver
from globule.world.places import Place, address_of, edge_locations
from globule.world.snapshot import World


class Edge:
    """`key` is the secret beside which the internet door may say where a viewer is."""

    def __init__(
        self,
        *,
        network: Network,
        dialer: Dialer,
        resolver: Resolver,
        invoker: Invoker,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
        key: str,
        places: Sequence[Place] | None = None,
    ) -> None:
        """`places`: the edge locations; all of the catalogue where it is not given."""
        self._network = network
        budget, files = Budget(), HotFiles()
        self._locations = {
            place.name: EdgeLocation(
                place,
                budget=budget,
                files=files,
                dialer=dialer,
                resolver=resolver,
                invoker=invoker,
                clock=clock,
                entropy=entropy,
                tracer=tracer,
                key=key,
            )
            for place in (edge_locations() if places is None else places)
        }
        self._problems: list[str] = []

    def __repr__(self) -> str:
        return f"<Edge of {len(self._locations)} locations>"

    async def listen(self, port: int) -> None:
        """Raises OSError where an address is taken."""
        for location in self._locations.values():
            await location.listen(self._network, (address_of(location.place), port))

    def address(self, place: str) -> Address:
        """Where the edge location of that name listens."""
        return self._locations[place].address

    async def follow(self, world: World) -> None:
        """Serve the distributions of this world. What is cached stays, as it does at AWS."""
        policies = Policies(
            cache={policy.id: policy for policy in world.of(CachePolicy)},
            origin_request={policy.id: policy for policy in world.of(OriginRequestPolicy)},
            response_headers={policy.id: policy for policy in world.of(ResponseHeadersPolicy)},
            access_controls={control.id: control for control in world.of(OriginAccessControl)},
        )
        self._problems = []
        found: dict[str, Configuration] = {}
        for distribution in world.of(Distribution):
            try:
                configuration = configure(distribution, policies)
            except UnknownPolicy as problem:
                self._problems.append(f"{distribution.id} is not served: {problem}")
                continue
            for name in (distribution.domain_name, *distribution.aliases):
                if found.setdefault(name, configuration) is not configuration:
                    other = found[name].distribution.id
                    self._problems.append(f"{distribution.id} is not served as {name}, which is {other}'s already")
        names = Names(found)
        for location in self._locations.values():
            location.follow(names)

    def invalidate(self, distribution_id: str, paths: Sequence[str]) -> int:
        """Take objects out of every cache. Raises InvalidPath; returns how many entries went."""
        wanted = [invalidations.normalised(path) for path in paths]
        return sum(location.cache.invalidate(distribution_id, wanted) for location in self._locations.values())

    def problems(self) -> tuple[str, ...]:
        """Sentences about distributions of the present world that are not served."""
        return tuple(self._problems)

    def statistics(self) -> dict[str, Any]:
        """Figures of each edge location that has served anything."""
        figures = {name: location.statistics() for name, location in self._locations.items()}
        return {name: figure for name, figure in figures.items() if figure.get("requests")}

    async def close(self) -> None:
        for location in self._locations.values():
            await location.close()
