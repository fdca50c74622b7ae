"""The talk's three users, over real sockets and injected distance, with a relay of thirty lines for an edge location.

    python benchmarks/three_users_model.py

A user is 20 ms from the edge location and 100 ms from the origin; the edge location is 80 ms from the origin. Each
opens a connection and asks for one thing. What each should wait, in round trips:

    direct                          hand-shake 100, request 100                                    200
    first: miss, new connection     hand-shake 20, request 20, origin's hand-shake 80, request 80  200
    second: miss, open connection   hand-shake 20, request 20, request 80                          120
    third: hit                      hand-shake 20, request 20                                       40

The talk gives 200, 180, 120 and 40 ms. Its 180 is the first user's sum without the user's own hand-shake, which the
other three figures include; counted alike, the first user of an edge location waits as long as without one.
All links are of the backbone's kind here, because the internet's jitter is no part of the talk's figures.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping

import uvloop

from globule.host.network import Address, LoopbackNetwork
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.world.distance import Network
from globule.world.places import Place, city, edge_location, region
from globule.world.snapshot import World

ROUNDS = 20
BAR_MS = 5.0
USER, EDGE, ORIGIN = city("london"), edge_location("LHR"), region("us-east-1")
ROUND_TRIPS_MS: Mapping[frozenset[Place], float] = {
    frozenset((USER, EDGE)): 20.0,
    frozenset((USER, ORIGIN)): 100.0,
    frozenset((EDGE, ORIGIN)): 80.0,
}
USERS = (
    ("direct", 200.0, "200"),
    ("first: miss, new connection to the origin", 200.0, "180"),
    ("second: miss, open connection", 120.0, "120"),
    ("third: hit", 40.0, "40"),
)


def round_trip(one: Place, other: Place, network: Network) -> float:
    return ROUND_TRIPS_MS[frozenset((one, other))]


class Answers(asyncio.Protocol):
    """The next lines of a connection, to wait for."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.lines.put_nowait(line)


class Origin(asyncio.Protocol):
    """Answers each line with itself."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class EdgeLocation:
    """A cache, and a connection to the origin that stays open."""

    def __init__(self, dialer: Dialer, origin: Address) -> None:
        self.dialer, self.origin = dialer, origin
        self.cache: dict[bytes, bytes] = {}
        self.open: tuple[asyncio.Transport, Answers] | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def serve(self) -> asyncio.Protocol:
        edge = self

        class Viewer(Answers):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                task = asyncio.ensure_future(edge.answer(self, transport))  # type: ignore[arg-type]
                edge.tasks.add(task)
                task.add_done_callback(edge.tasks.discard)

        return Viewer()

    async def answer(self, viewer: Answers, transport: asyncio.Transport) -> None:
        line = await viewer.lines.get()
        if line not in self.cache:
            if self.open is None:
                self.open = await self.dialer.connect(
                    Answers, source=EDGE, destination=ORIGIN, address=self.origin, network="backbone"
                )
            self.open[0].write(line + b"\n")
            self.cache[line] = await self.open[1].lines.get()
        transport.write(self.cache[line] + b"\n")


async def ask_ms(dialer: Dialer, destination: Place, address: Address, line: bytes) -> float:
    began = time.perf_counter()
    transport, answers = await dialer.connect(
        Answers, source=USER, destination=destination, address=address, network="backbone"
    )
    transport.write(line + b"\n")
    await answers.lines.get()
    took_ms = (time.perf_counter() - began) * 1000
    transport.close()
    return took_ms


async def measure() -> list[list[float]]:
    network = LoopbackNetwork()
    origin = await network.listen(Origin, ("127.0.0.1", 0))
    dialer = Dialer(network, Links(World(), round_trip=round_trip))
    waited: list[list[float]] = [[] for _ in USERS]
    for _ in range(ROUNDS):
        edge = EdgeLocation(dialer, origin.address)
        listener = await network.listen(edge.serve, ("127.0.0.1", 0))
        waited[0].append(await ask_ms(dialer, ORIGIN, origin.address, b"a"))
        waited[1].append(await ask_ms(dialer, EDGE, listener.address, b"a"))
        waited[2].append(await ask_ms(dialer, EDGE, listener.address, b"b"))
        waited[3].append(await ask_ms(dialer, EDGE, listener.address, b"b"))
        listener.close()
    origin.close()
    dialer.close()
    return waited


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
