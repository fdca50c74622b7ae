"""Distance on a virtual clock: minutes of it in milliseconds, and exact."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import pytest

from globule.host.entropy import SeededEntropy
from globule.host.network import Address, Listener
from globule.host.timers import LoopTimers
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.world.faults import Faults, LinkFault
from globule.world.places import edge_location, region
from globule.world.snapshot import World

FRANKFURT, VIRGINIA = edge_location("FRA"), region("us-east-1")
ROUND_TRIP_SECONDS = 0.1


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing to do means that time has come for the next timer."""

    def __init__(self) -> None:
        self.instant = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.instant


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.instant += timeout or 0.0
        return super().select(0)


class Wire(asyncio.Transport):
    """The client's end of a connection without distance, to an echo."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        asyncio.get_running_loop().call_soon(self._protocol.data_received, bytes(data))

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self._is_closed = True
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close


class WireNetwork:
    async def connect(self, protocol_factory: Callable[[], Any], address: Address) -> tuple[asyncio.Transport, Any]:
        protocol = protocol_factory()
        wire = Wire(protocol)
        protocol.connection_made(wire)
        return wire, protocol

    async def listen(self, protocol_factory: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        raise AssertionError("only the client's end is simulated here")


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def data_received(self, data: bytes) -> None:
        self.came.put_nowait(data)


def run(test: Callable[[Dialer, Links], Any]) -> None:
    async def outer() -> None:
        loop = asyncio.get_running_loop()
        links = Links(World(), round_trip=lambda one, other, network: ROUND_TRIP_SECONDS * 1000)
        timers = LoopTimers(loop, clock=loop.time)
        dialer = Dialer(WireNetwork(), links, timers=timers, entropy=SeededEntropy(7))
        await test(dialer, links)
        dialer.close()
        timers.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(outer())


async def connect(dialer: Dialer, **options: Any) -> tuple[asyncio.Transport, Client]:
    return await dialer.connect(
        Client, source=FRANKFURT, destination=VIRGINIA, address=("127.0.0.1", 1), network="backbone", **options
    )


def test_a_thousand_round_trips_take_exactly_as_long_as_the_model_says() -> None:
    async def test(dialer: Dialer, links: Links) -> None:
        now = asyncio.get_running_loop().time
        transport, client = await connect(dialer, secure=True)
        assert now() == pytest.approx(2 * ROUND_TRIP_SECONDS)
        for _ in range(1000):
            transport.write(b"?")
            await client.came.get()
        assert now() == pytest.approx(1002 * ROUND_TRIP_SECONDS, rel=1e-6)

    run(test)


def test_ten_minutes_of_a_cut_pass_at_once() -> None:
    async def test(dialer: Dialer, links: Links) -> None:
        now = asyncio.get_running_loop().time
        transport, client = await connect(dialer)
        links.follow(World(faults=Faults(links=(LinkFault(between=("*", "us-east-1"), cut=True),))))
        transport.write(b"?")
        with pytest.raises(TimeoutError):
            await connect(dialer, timeout_seconds=5.0)
        assert now() == pytest.approx(ROUND_TRIP_SECONDS + 5.0)
        await asyncio.sleep(600)
        assert client.came.empty()
        links.follow(World())
        healed = now()
        assert await client.came.get() == b"?"
        assert now() == pytest.approx(healed + ROUND_TRIP_SECONDS, abs=1e-6)

    run(test)
