"""The talk's three users: real sockets, injected distance, the edge that worlds run.

    python benchmarks/three_users.py

A user is 20 ms from the edge location and 100 ms from the origin; the edge location is 80 ms from the origin. Each
opens a connection and asks for one thing. What each should wait, in round trips:

    direct                          hand-shake 100, request 100                                    200
    first: miss, new connection     hand-shake 20, request 20, origin's hand-shake 80, request 80  200
    second: miss, open connection   hand-shake 20, request 20, request 80                          120
    third: hit                      hand-shake 20, request 20                                       40

The talk gives 200, 180, 120 and 40 ms. Its 180 does not come from the same sum as its other three figures: it is the
first user's wait without the user's own hand-shake; or with it, where the edge began to connect to the origin at the
user's SYN, before it could know which origin the request was for. Counted alike, the first user of an edge location
waits as long as without one. The links have no jitter here, because it is no part of the talk's figures.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping

import uvloop

from edge_peers import HOST, ORIGIN, edge_world
from globule.cloudfront.serving.edge import Edge
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_client import HttpClient
from globule.host.http_server import serve
from globule.host.network import Address, LoopbackNetwork
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.wan.naming import Endpoint
from globule.wire.http import Headers, Request, Response
from globule.world.distance import Network
from globule.world.places import Place, city, edge_location, region
from globule.world.snapshot import Scales

ROUNDS = 20
BAR_MS = 5.0
READ_LIMIT_BYTES = 64 * 1024
USER, EDGE, ORIGIN_PLACE = city("london"), edge_location("LHR"), region("us-east-1")
ROUND_TRIPS_MS: Mapping[frozenset[Place], float] = {
    frozenset((USER, EDGE)): 20.0,
    frozenset((USER, ORIGIN_PLACE)): 100.0,
    frozenset((EDGE, ORIGIN_PLACE)): 80.0,
}
USERS = (
    ("direct", 200.0, "200"),
    ("first: miss, new connection to the origin", 200.0, "180"),
    ("second: miss, open connection", 120.0, "120"),
    ("third: hit", 40.0, "40"),
)


def round_trip(one: Place, other: Place, network: Network) -> float:
    return ROUND_TRIPS_MS[frozenset((one, other))]


async def answer(request: Request) -> Response:
    return Response(status=200, headers=Headers([("cache-control", "max-age=3600")]), body=b"x" * 1024)


class Origins:
    """One name, at one address, in one region."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        return (Endpoint(self._address, ORIGIN_PLACE),)


async def ask_ms(dialer: Dialer, destination: Place, address: Address, target: str, host: str) -> float:
    """From the dial to the last byte, on a connection of its own."""

    async def connect(factory, _key):  # type: ignore[no-untyped-def]
        # The backbone's links have no jitter.
        return await dialer.connect(factory, source=USER, destination=destination, address=address, network="backbone")

    client: HttpClient[str] = HttpClient(connect)
    began = time.perf_counter()
    response = await client.request("", Request(method="GET", target=target, headers=Headers([("host", host)])))
    await response.body.read(READ_LIMIT_BYTES)
    took_ms = (time.perf_counter() - began) * 1000
    client.close()
    assert response.status == 200, response
    return took_ms


async def round_ms(network: LoopbackNetwork, dialer: Dialer, origin: Address) -> list[float]:
    """The four waits, with an edge that has seen nothing yet."""
    edge = Edge(
        network=network,
        dialer=dialer,
        resolver=Origins(origin),
        invoker=None,  # type: ignore[arg-type]  # the distribution has no functions
        clock=SystemClock(),
        entropy=SystemEntropy(),
        tracer=Tracer(),
        key="key",
        places=[EDGE],
    )
    await edge.listen(0)
    await edge.follow(edge_world(cached=True, scales=Scales(wan=1)))
    at_edge = edge.address(EDGE.name)
    waited = [
        await ask_ms(dialer, ORIGIN_PLACE, origin, "/a", ORIGIN),
        await ask_ms(dialer, EDGE, at_edge, "/a", HOST),
        await ask_ms(dialer, EDGE, at_edge, "/b", HOST),
        await ask_ms(dialer, EDGE, at_edge, "/b", HOST),
    ]
    await edge.close()
    return waited


async def measure() -> list[list[float]]:
    network = LoopbackNetwork()
    origin = await serve(network, ("127.0.0.1", 0), answer)
    dialer = Dialer(network, Links(edge_world(cached=True, scales=Scales(wan=1)), round_trip=round_trip))
    rounds = [await round_ms(network, dialer, origin.address) for _ in range(ROUNDS)]
    await origin.aclose()
    dialer.close()
    return [list(waited) for waited in zip(*rounds, strict=True)]


def main() -> int:
    """0 where every median is within the bar."""
    held = True
    print(f"{'user':<44} {'talk':>6} {'model':>8} {'measured':>9} {'error':>7}   (ms, medians of {ROUNDS})")
    for (name, model_ms, talk), waited in zip(USERS, uvloop.run(measure()), strict=True):
        median_ms = statistics.median(waited)
        held = held and abs(median_ms - model_ms) <= BAR_MS
        print(f"{name:<44} {talk:>6} {model_ms:8.1f} {median_ms:9.1f} {median_ms - model_ms:+7.1f}")
    print(f"within {BAR_MS:g} ms of the model: {'yes' if held else 'no'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
