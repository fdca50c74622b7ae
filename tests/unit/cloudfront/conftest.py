"""A small world for the edge: two edge locations, origins written by hand, functions that are Python callables."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from globule.cloudfront.model import (
    CacheBehavior,
    CachePolicy,
    CustomOrigin,
    Distribution,
    EdgeFunction,
    Origin,
)
from globule.cloudfront.serving.edge import Edge
from globule.host.entropy import SeededEntropy
from globule.host.functions import InvocationResult
from globule.host.http_client import ClientResponse, HttpClient
from globule.host.http_server import Handler, Server, serve
from globule.host.network import Address, LoopbackNetwork
from globule.host.tracing import Tracer
from globule.wan.naming import Endpoint, NameNotFound
from globule.wire.http import BytesBody, Headers, Request, Response
from globule.world.places import Place, edge_location, region
from globule.world.snapshot import Deployed, World

KEY = "the-worlds-key"
PATIENCE_S = 10.0
HOST = "www.example.com"


class TestClock:
    """Stands still until told."""

    __test__ = False

    def __init__(self) -> None:
        self.instant = 1_790_000_000.0

    def now(self) -> float:
        return self.instant

    def monotonic(self) -> float:
        return self.instant

    async def sleep(self, seconds: float) -> None:
        self.instant += seconds


class DirectDialer:
    """No distance."""

    async def connect(self, protocol_factory: Any, *, address: Address, **_: Any) -> Any:
        return await LoopbackNetwork().connect(protocol_factory, address)


class Names:
    def __init__(self) -> None:
        self.addresses: dict[str, Address] = {}

    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        if name not in self.addresses:
            raise NameNotFound(name)
        return (Endpoint(self.addresses[name], region("us-east-1")),)


class Functions:
    """`Invoker`, over handlers as people write them."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any, Any], Any]] = {}
        self.events: list[Any] = []

    async def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, trace: str | None = None
    ) -> InvocationResult:
        event = json.loads(payload)
        self.events.append(event["Records"][0]["cf"])
        handler = self.handlers[function.rpartition(":")[2]]
        try:
            result = handler(event, None)
            if isinstance(result, Awaitable):
                result = await result
        except ZeroDivisionError:
            return InvocationResult(payload=b'{"errorMessage":"division by zero"}', function_error="Unhandled")
        return InvocationResult(payload=json.dumps(result).encode())


class EdgeWorld:
    """What tests hold in their hands."""

    def __init__(self, edge: Edge, clock: TestClock, names: Names, functions: Functions, tracer: Tracer) -> None:
        self.edge = edge
        self.clock = clock
        self.names = names
        self.functions = functions
        self.tracer = tracer
        self.client: HttpClient[Address] = HttpClient(LoopbackNetwork().connect)
        self.servers: list[Server] = []
        self.raw_servers: list[asyncio.Server] = []
        self.scripts: list[asyncio.Task[Any]] = []

    async def origin(self, name: str, handler: Handler) -> Server:
        server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), handler, clock=self.clock)
        self.servers.append(server)
        self.names.addresses[name] = server.address
        return server

    async def raw_origin(self, name: str, script: Callable[..., Awaitable[None]]) -> None:
        """An origin that speaks byte by byte, one script a connection."""

        async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self.scripts.append(task)
            try:
                await script(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        self.raw_servers.append(server)
        self.names.addresses[name] = server.sockets[0].getsockname()[:2]

    async def deploy(self, *resources: Any) -> None:
        await self.edge.follow(
            World(
                version=1,
                resources=tuple(
                    Deployed(
                        stack="s",
                        region="us-east-1",
                        logical_id=f"R{number}",
                        type=type(resource).__name__,
                        physical_id=resource.id,
                        resource=resource,
                    )
                    for number, resource in enumerate(resources)
                ),
            )
        )

    async def ask(
        self,
        target: str = "/",
        *,
        method: str = "GET",
        at: str = "FRA",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        host: str = HOST,
    ) -> Got:
        fields = [("host", host), *((name.lower(), value) for name, value in (headers or {}).items())]
        request = Request(method=method, target=target, headers=Headers(fields), body=BytesBody(body))
        response = await self.client.request(self.edge.address(at), request)
        return Got(response, await response.body.read(100_000_000))

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        self.client.close()
        await self.edge.close()
        for server in self.servers:
            await server.aclose(0.1)
        for raw in self.raw_servers:
            raw.close()
        for task in self.scripts:
            task.cancel()
        await asyncio.gather(*self.scripts, return_exceptions=True)


class Got:
    """A response, read whole."""

    def __init__(self, response: ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = body
        self.cache = (response.headers.get("x-cache") or "").removesuffix(" from cloudfront")

    def __repr__(self) -> str:
        return f"<Got {self.status} {self.headers} {self.body[:300]!r}>"


@pytest.fixture
async def world() -> AsyncIterator[EdgeWorld]:
    clock, names, functions, tracer = TestClock(), Names(), Functions(), Tracer()
    edge = Edge(
        network=LoopbackNetwork(),
        dialer=DirectDialer(),  # type: ignore[arg-type]
        resolver=names,
        invoker=functions,
        clock=clock,
        entropy=SeededEntropy(1),
        tracer=tracer,
        key=KEY,
        places=[edge_location("FRA"), edge_location("NRT")],
    )
    await edge.listen(0)
    made = EdgeWorld(edge, clock, names, functions, tracer)
    yield made
    await made.close()


def origin(id: str = "origin", domain_name: str = "origin.example.com", **more: Any) -> Origin:
    config = more.pop("config", CustomOrigin(protocol_policy="http-only"))
    return Origin(id=id, domain_name=domain_name, config=config, **more)


def behavior(policy: str = "policy", **more: Any) -> CacheBehavior:
    return CacheBehavior(
        **{
            "target_origin_id": "origin",
            "viewer_protocol_policy": "allow-all",
            "cache_policy_id": policy,
            **more,
        }
    )


def cache_policy(**more: Any) -> CachePolicy:
    settings = {"minimum_ttl": 0, "default_ttl": 60, "maximum_ttl": 3600, "id": "policy", "name": "policy", **more}
    return CachePolicy(**settings)


def distribution(default: CacheBehavior | None = None, **more: Any) -> Distribution:
    return Distribution(
        **{
            "id": "E1",
            "arn": "arn:aws:cloudfront::000000000000:distribution/E1",
            "domain_name": "d1.cloudfront.net",
            "aliases": (HOST,),
            "origins": (origin(),),
            "default_behavior": default or behavior(),
            **more,
        }
    )


def function(event: str, name: str, **more: Any) -> EdgeFunction:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}:1"
    return EdgeFunction(event=event, arn=arn, **more)  # type: ignore[arg-type]


class Recorder:
    """An origin's handler that answers from a function and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request], Response] | Response) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        self.bodies.append(await request.body.read(100_000_000))
        answer = self.answer if isinstance(self.answer, Response) else self.answer(request)
        return msgspec.structs.replace(answer, headers=answer.headers.copy())

    @property
    def last(self) -> Headers:
        return self.requests[-1].headers


def ok(body: bytes = b"hello", status: int = 200, **headers: str) -> Response:
    return Response(
        status=status, headers=Headers([(name.replace("_", "-"), value) for name, value in headers.items()]), body=body
    )


@pytest.fixture
def make() -> SimpleNamespace:
    """Builders of resources and origins, each with the least that is needed."""
    return SimpleNamespace(
        behavior=behavior,
        cache_policy=cache_policy,
        distribution=distribution,
        function=function,
        ok=ok,
        origin=origin,
        recorder=Recorder,
    )
