"""How exactly distance is injected: the error of a round trip at 1,000 requests a second.

    python benchmarks/injected_delay.py [--seconds 10]

A client process holds connections from places at several distances to an echo server in another process, and sends
32 bytes on each in turn, 1,000 times a second in all, whether or not the answer to the one before is there. The
error is what a round trip took beyond the model's. The bar: within 2 ms or 2 % of the round trip. Beside it stand
the same with the event loop's own timers, and on the standard library's loop.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Callable

import uvloop

from globule.host.network import Address, LoopbackNetwork
from globule.host.timers import LoopTimers, Timers, open_timers
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.world.distance import BYTES_PER_SECOND, Network
from globule.world.places import Place, edge_location, region
from globule.world.snapshot import World

REQUESTS_PER_SECOND = 1000
REQUEST_BYTES = 32
ROUND_TRIPS_MS = (2.0, 20.0, 80.0, 250.0)
CONNECTIONS_EACH = 5
BAR_MS = 2.0
BAR_SHARE = 0.02


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Client(asyncio.Protocol):
    """Sends numbered requests; answers come back in order."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.took_ms: list[float] = []
        self.received_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self) -> None:
        self.sent.append(time.monotonic())
        self.transport.write(bytes(REQUEST_BYTES))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.received_bytes += len(data)
        while len(self.took_ms) < self.received_bytes // REQUEST_BYTES:
            self.took_ms.append((now - self.sent[len(self.took_ms)]) * 1000)


def serve(told: multiprocessing.connection.Connection) -> None:
    async def run() -> None:
        listener = await LoopbackNetwork().listen(Echo, ("127.0.0.1", 0))
        told.send(listener.address)
        await asyncio.Event().wait()

    uvloop.run(run())


async def measure(address: Address, seconds: float, open_these: Callable[[], Timers]) -> dict[float, list[float]]:
    """Errors in milliseconds, by round trip."""
    clients: list[tuple[float, Client]] = []
    timers = open_these()
    dialers = []
    for round_trip_ms in ROUND_TRIPS_MS:

        def round_trip(one: Place, other: Place, network: Network, fixed: float = round_trip_ms) -> float:
            return fixed

        dialer = Dialer(LoopbackNetwork(), Links(World(), round_trip=round_trip), timers=timers)
        dialers.append(dialer)
        for _ in range(CONNECTIONS_EACH):
            _, client = await dialer.connect(
                Client,
                source=edge_location("FRA"),
                destination=region("us-east-1"),
                address=address,
                network="backbone",
            )
            clients.append((round_trip_ms, client))

    started, asked = time.monotonic(), 0
    while (now := time.monotonic()) < started + seconds:
        while asked < (now - started) * REQUESTS_PER_SECOND:
            clients[asked % len(clients)][1].ask()
            asked += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(max(ROUND_TRIPS_MS) / 1000 * 2)

    line_ms = 2 * REQUEST_BYTES / BYTES_PER_SECOND["backbone"] * 1000
    errors: dict[float, list[float]] = {}
    for round_trip_ms, client in clients:
        assert len(client.took_ms) == len(client.sent), "every request was answered"
        errors.setdefault(round_trip_ms, []).extend(took - round_trip_ms - line_ms for took in client.took_ms)
    for dialer in dialers:
        dialer.close()
    timers.close()
    return errors


def report(name: str, errors: dict[float, list[float]]) -> None:
    for round_trip_ms, found in errors.items():
        found.sort()
        p50, p90, p99 = (found[int(len(found) * share)] for share in (0.5, 0.9, 0.99))
        bar_ms = max(BAR_MS, BAR_SHARE * round_trip_ms)
        within = sum(abs(error) <= bar_ms for error in found) / len(found)
        print(
            f"{name:<22} {round_trip_ms:7.0f} {found[0]:8.2f} {p50:8.2f} {p90:8.2f} {p99:8.2f} {found[-1]:8.2f}"
            f" {bar_ms:7.1f} {within:8.1%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each of the three; default 10")
    seconds = parser.parse_args().seconds
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    address: Address = here.recv()

    print(f"{REQUESTS_PER_SECOND} requests a second; errors in ms beyond the model; negative is early")
    print(f"{'':<22} {'RTT':>7} {'least':>8} {'p50':>8} {'p90':>8} {'p99':>8} {'most':>8} {'bar':>7} {'within':>8}")
    ways: list[tuple[str, Callable[[], asyncio.AbstractEventLoop], Callable[[], Timers]]] = [
        ("timerfd, uvloop", uvloop.new_event_loop, lambda: open_timers(asyncio.get_running_loop())),
        ("loop timers, uvloop", uvloop.new_event_loop, lambda: LoopTimers(asyncio.get_running_loop())),
        ("timerfd, asyncio", asyncio.new_event_loop, lambda: open_timers(asyncio.get_running_loop())),
    ]
    for name, new_loop, open_these in ways:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            report(name, runner.run(measure(address, seconds, open_these)))
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
