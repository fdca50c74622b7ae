"""Composition of the edge process: every edge location, Lambda@Edge, Route 53, and the internet's door."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from globule.awslambda.serving.pool import FunctionPool
from globule.cloudfront.rules.invalidations import InvalidPath
from globule.cloudfront.serving.edge import Edge
from globule.host.certificates import CertificateAuthority
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.route53.serving.service import Route53
from globule.run.messages import Invalidate, Invalidated, Refused, Reply, Request
from globule.run.names import owned
from globule.run.order import read_order
from globule.run.settings import function_path
from globule.run.state import State
from globule.wan.dialer import Dialer
from globule.wan.door.door import InternetDoor
from globule.wan.links import Links
from globule.world.places import address_of, region
from globule.world.ports import DOORS, Ports
from globule.world.snapshot import World

# "The function must be in the US East (N. Virginia) Region":
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
EDGE_FUNCTIONS_REGION = "us-east-1"


class EdgePlane:
    """The edge. `open` makes it, `follow` brings it into the state of a world."""

    def __init__(self, state: State) -> None:
        self.tracer = Tracer()
        world = World()
        clock, entropy, network = SystemClock(), SystemEntropy(), LoopbackNetwork()
        self._ports = Ports(read_order(state).port_base)
        self._links = Links(world)
        self._dialer = Dialer(network, self._links)
        self._route53 = Route53(world, network=network, dialer=self._dialer, owned=owned, clock=clock, entropy=entropy)
        endpoint = f"http://{address_of(region(EDGE_FUNCTIONS_REGION))}:{self._ports.internet}"
        self._functions = FunctionPool(
            EDGE_FUNCTIONS_REGION,
            state.edge,
            network=network,
            clock=clock,
            entropy=entropy,
            tracer=self.tracer,
            variables={"AWS_ENDPOINT_URL": endpoint, "PATH": function_path()},
        )
        self._edge = Edge(
            network=network,
            dialer=self._dialer,
            resolver=self._route53.resolver,
            invoker=self._functions,
            clock=clock,
            entropy=entropy,
            tracer=self.tracer,
            key=state.key(),
        )
        self._door = InternetDoor(
            network=network,
            dialer=self._dialer,
            resolver=self._route53.resolver,
            directory=self._route53.names,
            key=state.key(),
            tracer=self.tracer,
            tls=CertificateAuthority.open(state.certificates, clock).server_context(),
            clock=clock,
        )

    @classmethod
    async def open(cls, state: State) -> EdgePlane:
        """Listens at once; what it serves comes with the first world. Raises OSError where an address is taken."""
        plane = cls(state)
        await plane._edge.listen(plane._ports.internet)
        await plane._route53.listen((DOORS, plane._ports.dns))
        await plane._door.listen((DOORS, plane._ports.internet), secure_address=(DOORS, plane._ports.internet_secure))
        return plane

    async def follow(self, world: World) -> None:
        self._links.follow(world)
        self._route53.follow(world)
        self._functions.follow(world)
        await self._edge.follow(world)

    def problems(self) -> Iterable[str]:
        return (*self._route53.problems(), *self._functions.problems(), *self._edge.problems())

    def statistics(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "edge": self._edge.statistics(),
            "route53": self._route53.statistics(),
            "functions": self._functions.statistics(),
            "door": self._door.statistics(),
            "dialer": self._dialer.statistics(),
        }

    async def answer(self, request: Request) -> Reply:
        match request:
            case Invalidate(distribution=distribution, paths=paths):
                try:
                    return Invalidated(count=self._edge.invalidate(distribution, paths))
                except InvalidPath as problem:
                    return Refused(why=str(problem))
        return Refused(why=f"{type(request).__name__} is not for the edge")

    async def close(self) -> None:
        await self._door.close()
        await self._edge.close()
        await self._route53.close()
        await self._functions.close()
        self._dialer.close()
