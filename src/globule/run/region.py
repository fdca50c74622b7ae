"""Composition of a region process: which services it has, and how they reach each other.

Literal on purpose: to add a regional service is to add its lines here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from globule.apigateway.serving.service import ApiGatewayService
from globule.awslambda.control.service import LambdaService
from globule.awslambda.serving.pool import FunctionPool
from globule.dynamodb.serving.service import DynamoDBService
from globule.dynamodb.serving.tables import TableNotFound
from globule.endpoint.region_door import RegionDoor
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import Server, serve
from globule.host.network import LoopbackNetwork
from globule.host.service import Service
from globule.host.tracing import Tracer
from globule.run.messages import Compare, Compared, Conflicts, ConflictsFound, Refused, Reply, Request
from globule.run.order import read_order
from globule.run.origins import OtherRegions
from globule.run.settings import function_path
from globule.run.state import State
from globule.s3.serving.service import S3Service
from globule.storage.opening import open_store
from globule.storage.store import Store
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.wire.aws.errors import AwsError
from globule.world.places import address_of, region
from globule.world.ports import Ports
from globule.world.snapshot import World


class RegionPlane:
    """One region. `open` makes it, `follow` brings it into the state of a world."""

    def __init__(self, code: str, state: State, *, tables: Store, objects: Store) -> None:
        self.tracer = Tracer()
        self._world = World()
        clock, entropy, network = SystemClock(), SystemEntropy(), LoopbackNetwork()
        folder = state.region(code)
        self._stores = (tables, objects)
        self._address = (address_of(region(code)), Ports(read_order(state).port_base).internet)
        self._network = network
        self._links = Links(self._world)
        self._dialer = Dialer(network, self._links)
        self._others = OtherRegions(
            code,
            dialer=self._dialer,
            port=self._address[1],
            key=state.key(),
            running=lambda: self._world.regions,
        )
        endpoint = "http://{}:{}".format(*self._address)
        self._functions = FunctionPool(
            code,
            folder,
            network=network,
            clock=clock,
            entropy=entropy,
            tracer=self.tracer,
            variables={"AWS_ENDPOINT_URL": endpoint, "PATH": function_path()},
        )
        self._dynamodb = DynamoDBService(
            region=code,
            store=tables,
            clock=clock,
            entropy=entropy,
            tracer=self.tracer,
            peers=self._others,
        )
        gateway = ApiGatewayService(
            region=code, invoker=self._functions, clock=clock, entropy=entropy, tracer=self.tracer
        )
        functions_api = LambdaService(self._functions, clock=clock, entropy=entropy)
        buckets = S3Service(
            region=code,
            store=objects,
            folder=folder / "objects",
            clock=clock,
            entropy=entropy,
            tracer=self.tracer,
        )
        self._services: tuple[Service, ...] = (self._dynamodb, buckets, gateway, functions_api)
        self._door = RegionDoor(
            region=code,
            key=state.key(),
            sites=(gateway, functions_api, buckets),
            apis={"dynamodb": self._dynamodb, "s3": buckets, "awslambda": functions_api},
            elsewhere=self._others.hand_on,
            receive=self._dynamodb.receive,
        )
        self._server: Server | None = None

    @classmethod
    async def open(cls, code: str, state: State) -> RegionPlane:
        """Listens at once; what it serves comes with the first world. Raises OSError where the address is taken."""
        folder = state.region(code)
        plane = cls(
            code,
            state,
            tables=await open_store(folder / "tables"),
            objects=await open_store(folder / "buckets"),
        )
        plane._server = await serve(plane._network, plane._address, plane._door.answer)
        return plane

    async def follow(self, world: World) -> None:
        self._world = world
        self._links.follow(world)
        self._functions.follow(world)
        for service in self._services:
            await service.follow(world)

    def problems(self) -> Iterable[str]:
        yield from self._functions.problems()
        for service in self._services:
            yield from service.problems()

    def statistics(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "server": self._server.statistics() if self._server else {},
            "stores": [store.statistics() for store in self._stores],
            "dialer": self._dialer.statistics(),
            "functions": self._functions.statistics(),
            **{type(service).__name__: service.statistics() for service in self._services},
        }

    async def answer(self, request: Request) -> Reply:
        tables = self._dynamodb.tables
        try:
            match request:
                case Conflicts(table=table, limit=limit):
                    found = tables.conflicts(table, limit=limit)
                    return ConflictsFound(conflicts=tuple(msgspec.to_builtins(conflict) for conflict in found))
                case Compare(table=table, region=other):
                    return Compared(comparison=msgspec.to_builtins(await tables.compare(table, other)))
        except TableNotFound:
            return Refused(why=f"there is no table {table} here; there are {', '.join(tables.names()) or 'none'}")
        except (OSError, AwsError) as error:
            return Refused(why=str(error))
        return Refused(why=f"{type(request).__name__} is not for a region")

    async def close(self) -> None:
        if self._server is not None:
            await self._server.aclose()
        for service in reversed(self._services):
            await service.close()
        await self._functions.close()
        self._others.close()
        self._dialer.close()
        for store in self._stores:
            await store.close()
