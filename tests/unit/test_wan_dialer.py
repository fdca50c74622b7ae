"""Shaped connections over real sockets, on both event loops.

Bounds are one-sided: nothing may come earlier than the model says; how much later is the machine's business, and
benchmarks/injected_delay.py measures it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from globule.host.entropy import SeededEntropy
from globule.host.network import Address, LoopbackNetwork
from globule.wan import dialer as dialing
from globule.wan import transport as transporting
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.wan.slow_start import MINIMUM_TIMEOUT_SECONDS
from globule.wan.transport import WRITE_HIGH_BYTES, ShapedTransport
from globule.world.distance import Network
from globule.world.faults import Faults, LinkFault
from globule.world.places import Place, city, edge_location, region
from globule.world.snapshot import Scales, World

LONDON, FRANKFURT, VIRGINIA = city("london"), edge_location("FRA"), region("us-east-1")
ROUND_TRIP_SECONDS = 0.06
CUT = Faults(links=(LinkFault(between=("FRA", "us-east-1"), cut=True),))

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_it(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(test, 20))

    return run_it


def world(*, scale: float = 1.0, faults: Faults | None = None) -> World:
    return World(scales=Scales(wan=scale), faults=faults or Faults())


class Server(asyncio.Protocol):
    """Answers each byte string with itself; keeps what happened."""

    def __init__(self, server: list[Server]) -> None:
        self.received = bytearray()
        self.came_at: list[float] = []
        self.has_ended = self.is_lost = self.keeps_open = False
        server.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.came_at.append(time.monotonic())

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.came_at.append(time.monotonic())
        if self.received.startswith(b"echo"):
            self.transport.write(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        return self.keeps_open

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = bytearray()
        self.came_at: list[float] = []
        self.events: list[str] = []
        self.keeps_open = False
        self.changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._note("made")

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.came_at.append(time.monotonic())
        self.changed.set()

    def eof_received(self) -> bool:
        self._note("end")
        return self.keeps_open

    def pause_writing(self) -> None:
        self._note("pause")

    def resume_writing(self) -> None:
        self._note("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self._note("lost")

    def _note(self, event: str) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 10)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- most conditions are about sockets, which set no event
            await asyncio.sleep(0.005)


class Scene:
    """A server in Virginia, and a dialer that stands in Frankfurt; 60 ms apart."""

    def __init__(self, dialer: Dialer, links: Links, address: Address, servers: list[Server]) -> None:
        self.dialer, self.links, self.address, self.servers = dialer, links, address, servers

    async def connect(self, **options: Any) -> tuple[asyncio.Transport, Client]:
        return await self.dialer.connect(
            Client,
            source=FRANKFURT,
            destination=VIRGINIA,
            address=options.pop("address", self.address),
            network="backbone",
            **options,
        )

    @property
    def server(self) -> Server:
        (only,) = self.servers
        return only


@asynccontextmanager
async def scene(first: World | None = None, round_trip_seconds: float = ROUND_TRIP_SECONDS) -> AsyncIterator[Scene]:
    def round_trip(one: Place, other: Place, network: Network) -> float:
        return round_trip_seconds * 1000

    servers: list[Server] = []
    network = LoopbackNetwork()
    listener = await network.listen(lambda: Server(servers), ("127.0.0.1", 0))
    links = Links(first or world(), round_trip=round_trip)
    dialer = Dialer(network, links, entropy=SeededEntropy(1))
    try:
        yield Scene(dialer, links, listener.address, servers)
    finally:
        listener.close()
        for server in servers:
            server.transport.abort()
        dialer.close()
        await eventually(lambda: dialer.statistics()["open"] == 0 and all(server.is_lost for server in servers))


@pytest.mark.parametrize(("secure", "round_trips"), [(False, 1), (True, 2)])
def test_a_hand_shake_costs_a_round_trip_and_tls_another(run: Run, secure: bool, round_trips: int) -> None:
    async def test() -> None:
        async with scene() as there:
            began = time.monotonic()
            transport, _ = await there.connect(secure=secure)
            assert time.monotonic() - began >= round_trips * ROUND_TRIP_SECONDS
            assert there.server.came_at[0] - began >= ROUND_TRIP_SECONDS / 2
            transport.abort()

    run(test())


def test_an_answer_takes_a_round_trip_and_the_server_sees_the_question_half_way(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            began = time.monotonic()
            transport.write(b"echo")
            await client.until(lambda: client.received == b"echo")
            assert client.came_at[0] - began >= ROUND_TRIP_SECONDS
            assert there.server.came_at[1] - began >= ROUND_TRIP_SECONDS / 2
            transport.abort()

    run(test())


def test_what_the_server_says_first_is_not_lost_in_the_hand_shake(run: Run) -> None:
    async def test() -> None:
        class Greeter(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                transport.write(b"hello")

        async with scene() as there:
            listener = await LoopbackNetwork().listen(Greeter, ("127.0.0.1", 0))
            transport, client = await there.connect(secure=True, address=listener.address)
            await client.until(lambda: client.received == b"hello")
            assert client.events[0] == "made"
            transport.abort()
            listener.close()

    run(test())


def test_a_large_body_takes_the_round_trips_of_slow_start_and_a_warm_connection_does_not(run: Run) -> None:
    """400 KB are 14.6 + 29 + 58 + 117 + 181 KB: the last byte leaves in the fifth flight, four round trips on."""

    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            body = b"echo" + bytes(400_000)
            for least_round_trips in (1 + 4, 1):
                client.received.clear()
                there.server.received.clear()
                began = time.monotonic()
                transport.write(body)
                await client.until(lambda: len(client.received) == len(body))
                assert client.received == body
                assert time.monotonic() - began >= least_round_trips * ROUND_TRIP_SECONDS
            transport.abort()

    run(test())


def test_a_refusal_takes_a_round_trip(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            nobody = await LoopbackNetwork().listen(asyncio.Protocol, ("127.0.0.1", 0))
            nobody.close()
            began = time.monotonic()
            with pytest.raises(ConnectionRefusedError):
                await there.connect(address=nobody.address)
            assert time.monotonic() - began >= ROUND_TRIP_SECONDS
            assert there.dialer.statistics()["refused"] == 1

    run(test())


@pytest.mark.parametrize(
    "fault", [LinkFault(between=("FRA", "us-east-1"), cut=True), LinkFault(between=("FRA", "*"), loss=1.0)]
)
def test_a_connect_that_nothing_answers_times_out(run: Run, fault: LinkFault) -> None:
    async def test() -> None:
        async with scene(world(faults=Faults(links=(fault,)))) as there:
            with pytest.raises(TimeoutError, match=r"no answer from us-east-1 to FRA in 0\.1 s"):
                await there.connect(timeout_seconds=0.1)
            assert there.servers == []
            assert there.dialer.statistics()["timed_out"] == 1

    run(test())


def test_a_connect_goes_through_when_the_link_heals_in_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "SYN_TIMEOUT_SECONDS", 0.05)

    async def test() -> None:
        async with scene(world(faults=CUT)) as there:
            connecting = asyncio.ensure_future(there.connect())
            await asyncio.sleep(0.02)
            there.links.follow(world())
            transport, _ = await connecting
            transport.abort()

    run(test())


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_a_cut_stalls_live_connections_both_ways_and_healing_loses_nothing(run: Run, scale: float) -> None:
    async def test() -> None:
        async with scene(world(scale=scale)) as there:
            transport, client = await there.connect()
            await eventually(lambda: len(there.servers) == 1)
            there.links.follow(world(scale=scale, faults=CUT))
            transport.write(b"to the server")
            there.server.transport.write(b"to the client")
            await asyncio.sleep(2 * ROUND_TRIP_SECONDS)
            assert client.received == b""
            assert there.server.received == b""
            there.links.follow(world(scale=scale))
            await client.until(lambda: client.received == b"to the client")
            await eventually(lambda: there.server.received == b"to the server")
            transport.abort()

    run(test())


def test_a_server_that_dies_behind_a_cut_link_is_missed_only_when_it_heals(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            _, client = await there.connect()
            there.links.follow(world(faults=CUT))
            there.server.transport.abort()
            await eventually(lambda: there.server.is_lost)
            await asyncio.sleep(2 * ROUND_TRIP_SECONDS)
            assert client.events == ["made"]
            there.links.follow(world())
            await client.until(lambda: client.events[-1] == "lost")

    run(test())


def test_closing_behind_a_cut_is_over_at_once_for_the_client_and_after_a_while_for_the_server(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transporting, "LINGER_SECONDS", 0.3)

    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            there.links.follow(world(faults=CUT))
            transport.write(b"never arrives")
            transport.close()
            await client.until(lambda: client.events[-1] == "lost")
            assert not there.server.is_lost
            await eventually(lambda: there.server.is_lost)
            assert there.server.received == b""
            assert there.dialer.statistics()["open"] == 0

    run(test())


def test_a_client_that_has_closed_does_not_wait_for_a_link_that_is_cut_then(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            transport.write(bytes(300_000))
            transport.close()
            await asyncio.sleep(0)
            assert client.events == ["made", "pause"]
            there.links.follow(world(faults=CUT))
            await client.until(lambda: client.events == ["made", "pause", "lost"])

    run(test())


def test_a_protocol_may_pause_as_it_is_made(run: Run) -> None:
    async def test() -> None:
        class Reluctant(Client):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                transport.pause_reading()

        async with scene(world(scale=0.0)) as there:
            transport, client = await there.dialer.connect(
                Reluctant, source=FRANKFURT, destination=VIRGINIA, address=there.address
            )
            await eventually(lambda: len(there.servers) == 1)
            there.server.transport.write(b"hello")
            transport.write(b"echo")
            await eventually(lambda: there.server.received == b"echo")
            await asyncio.sleep(0.02)
            assert client.received == b""
            transport.resume_reading()
            await client.until(lambda: client.received == b"helloecho")

    run(test())


def test_a_writer_into_a_cut_link_is_paused(run: Run) -> None:
    async def test() -> None:
        async with scene(world(scale=0.0)) as there:
            transport, client = await there.connect()
            there.links.follow(world(scale=0.0, faults=CUT))
            transport.write(bytes(WRITE_HIGH_BYTES + 1))
            assert client.events == ["made", "pause"]
            there.links.follow(world(scale=0.0))
            assert client.events == ["made", "pause", "resume"]
            await eventually(lambda: len(there.server.received) == WRITE_HIGH_BYTES + 1)

    run(test())


def test_a_client_that_cannot_begin_leaves_no_connection(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            with pytest.raises(ZeroDivisionError):
                await there.dialer.connect(
                    lambda: 1 // 0,  # type: ignore[arg-type,return-value]
                    source=FRANKFURT,
                    destination=VIRGINIA,
                    address=there.address,
                )
            await eventually(lambda: there.server.is_lost)

    run(test())


def test_extra_delay_is_paid_by_live_connections(run: Run) -> None:
    async def test() -> None:
        async with scene(world(scale=0.0)) as there:
            transport, client = await there.connect()
            slow = LinkFault(between=("us-east-1", "*"), extra_delay_ms=40)
            there.links.follow(world(scale=0.0, faults=Faults(links=(slow,))))
            began = time.monotonic()
            transport.write(b"echo")
            await client.until(lambda: client.received == b"echo")
            assert time.monotonic() - began >= 0.08
            transport.abort()

    run(test())


def test_loss_is_seen_as_delay(run: Run) -> None:
    """With this seed, segments of a body of 100 KB are lost; it takes a retransmission timeout at least."""

    async def test() -> None:
        lossy = Faults(links=(LinkFault(between=("us-east-1", "FRA"), loss=0.05),))
        async with scene(round_trip_seconds=0.002) as there:
            transport, _ = await there.connect()
            there.links.follow(world(faults=lossy))
            body = bytes(range(256)) * 400
            began = time.monotonic()
            transport.write(body)
            await eventually(lambda: len(there.server.received) == len(body))
            assert there.server.received == body
            assert time.monotonic() - began >= MINIMUM_TIMEOUT_SECONDS
            transport.abort()

    run(test())


def test_the_end_of_the_clients_stream_reaches_the_server_which_can_still_answer(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            await eventually(lambda: len(there.servers) == 1)
            there.server.keeps_open = True
            transport.write(b"question")
            assert transport.can_write_eof()
            transport.write_eof()
            with pytest.raises(RuntimeError, match="write_eof"):
                transport.write(b"more")
            await eventually(lambda: there.server.has_ended)
            assert there.server.received == b"question"
            there.server.transport.write(b"answer")
            await client.until(lambda: client.received == b"answer")
            there.server.transport.close()
            await client.until(lambda: client.events[-1] == "lost")

    run(test())


@pytest.mark.parametrize("keeps_open", [True, False])
def test_when_the_servers_stream_ends_the_protocol_decides_what_happens(run: Run, keeps_open: bool) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            client.keeps_open = keeps_open
            there.server.transport.write(b"bye")
            there.server.transport.write_eof()
            await client.until(lambda: "end" in client.events)
            assert client.received == b"bye"
            assert transport.is_closing() != keeps_open
            if keeps_open:
                transport.write(b"still here")
                await eventually(lambda: there.server.received == b"still here")
                transport.close()
            await client.until(lambda: client.events[-1] == "lost")
            await eventually(lambda: there.server.is_lost)

    run(test())


def test_closing_sends_what_was_written_first(run: Run) -> None:
    async def test() -> None:
        async with scene(round_trip_seconds=0.01) as there:
            transport, client = await there.connect()
            body = bytes(300_000)
            transport.writelines([body[:1000], body[1000:]])
            transport.close()
            assert transport.is_closing()
            transport.write(b"ignored")
            await client.until(lambda: client.events[-1] == "lost")
            await eventually(lambda: there.server.is_lost)
            assert there.server.received == body

    run(test())


def test_aborting_forgets_what_has_not_left(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            transport.write(bytes(300_000))
            transport.abort()
            await client.until(lambda: client.events[-1] == "lost")
            await eventually(lambda: there.server.is_lost)
            assert len(there.server.received) < 300_000
            transport.close()
            transport.abort()
            assert client.events.count("lost") == 1

    run(test())


def test_a_writer_is_paused_while_much_waits_and_resumed_after(run: Run) -> None:
    async def test() -> None:
        async with scene(round_trip_seconds=0.01) as there:
            transport, client = await there.connect()
            assert transport.get_write_buffer_limits() == (WRITE_HIGH_BYTES // 4, WRITE_HIGH_BYTES)
            transport.write(bytes(WRITE_HIGH_BYTES + 20_000))
            assert client.events == ["made", "pause"]
            assert transport.get_write_buffer_size() > WRITE_HIGH_BYTES
            await client.until(lambda: client.events == ["made", "pause", "resume"])
            assert transport.get_write_buffer_size() <= WRITE_HIGH_BYTES // 4
            transport.abort()

    run(test())


def test_write_limits_can_be_set_as_asyncio_has_them(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            transport.set_write_buffer_limits(high=100)
            assert transport.get_write_buffer_limits() == (25, 100)
            transport.set_write_buffer_limits(low=10)
            assert transport.get_write_buffer_limits() == (10, 40)
            with pytest.raises(ValueError, match="high"):
                transport.set_write_buffer_limits(high=1, low=2)
            transport.set_write_buffer_limits(high=0)
            transport.write(bytes(15_000))
            assert client.events[-1] == "pause"
            transport.abort()

    run(test())


def test_a_reader_that_pauses_holds_the_server_back(run: Run) -> None:
    """What the server can push at a paused reader is bounded by the windows and buffers on the way."""

    async def test() -> None:
        async with scene(round_trip_seconds=0.002) as there:
            transport, client = await there.connect()
            await eventually(lambda: len(there.servers) == 1)
            transport.pause_reading()
            assert not transport.is_reading()
            chunk, pushed = bytes(1_000_000), 0
            for _ in range(40):
                there.server.transport.write(chunk)
                pushed += len(chunk)
            await asyncio.sleep(0.1)
            assert there.server.transport.get_write_buffer_size() > 10_000_000
            assert client.received == b""
            transport.resume_reading()
            assert transport.is_reading()
            await client.until(lambda: len(client.received) == pushed)
            transport.abort()

    run(test())


def test_a_server_that_does_not_read_holds_the_writer_back(run: Run) -> None:
    async def test() -> None:
        async with scene(world(scale=0.0)) as there:
            transport, client = await there.connect()
            await eventually(lambda: len(there.servers) == 1)
            there.server.transport.pause_reading()
            pushed = 0
            while "pause" not in client.events:
                transport.write(bytes(100_000))
                pushed += 100_000
                assert pushed < 100_000_000
                await asyncio.sleep(0)
            there.server.transport.resume_reading()
            await client.until(lambda: client.events[-1] == "resume")
            await eventually(lambda: len(there.server.received) == pushed)
            transport.abort()

    run(test())


def test_a_protocol_that_fails_loses_its_connection_and_is_reported(run: Run) -> None:
    async def test() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        async with scene() as there:
            transport, client = await there.connect()

            def fail(data: bytes) -> None:
                raise ZeroDivisionError

            client.data_received = fail  # type: ignore[method-assign]
            transport.write(b"echo")
            await client.until(lambda: client.events[-1] == "lost")
            assert isinstance(reported[0]["exception"], ZeroDivisionError)
            transport, other = await there.connect()
            transport.write(b"echo")
            await other.until(lambda: other.received == b"echo")
            transport.abort()

    run(test())


def test_without_distance_bytes_pass_at_once(run: Run) -> None:
    async def test() -> None:
        async with scene(world(scale=0.0), round_trip_seconds=1000.0) as there:
            transport, client = await there.connect(secure=True)
            body = b"echo" + bytes(1_000_000)
            transport.write(body)
            await client.until(lambda: len(client.received) == len(body))
            transport.close()
            await eventually(lambda: there.server.is_lost)

    run(test())


def test_a_cancelled_connect_leaves_no_connection(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            connecting = asyncio.ensure_future(there.connect(secure=True))
            await eventually(lambda: len(there.servers) == 1)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await eventually(lambda: there.server.is_lost)

    run(test())


def test_the_transport_tells_the_sockets_names(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            transport, client = await there.connect()
            assert transport.get_extra_info("peername") == there.address
            assert transport.get_extra_info("nothing", 7) == 7
            assert transport.get_protocol() is client
            assert isinstance(transport, ShapedTransport)
            assert repr(transport) == "<ShapedTransport FRA to us-east-1, open>"
            transport.abort()

    run(test())


def test_a_datagram_and_its_answer_take_a_round_trip(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            began = time.monotonic()
            await there.dialer.pay_round_trip(FRANKFURT, VIRGINIA, network="backbone")
            assert time.monotonic() - began >= ROUND_TRIP_SECONDS
            assert there.dialer.statistics()["exchanged"] == 1

    run(test())


@pytest.mark.parametrize(
    "fault", [LinkFault(between=("*", "us-east-1"), cut=True), LinkFault(between=("FRA", "us-east-1"), loss=1.0)]
)
def test_a_lost_datagram_is_a_timeout(run: Run, fault: LinkFault) -> None:
    async def test() -> None:
        async with scene(world(faults=Faults(links=(fault,)))) as there:
            began = time.monotonic()
            with pytest.raises(TimeoutError, match=r"no answer from us-east-1 to FRA in 0\.1 s"):
                await there.dialer.pay_round_trip(FRANKFURT, VIRGINIA, network="backbone", timeout_seconds=0.1)
            assert time.monotonic() - began >= 0.1

    run(test())


def test_an_answer_that_comes_after_the_timeout_is_a_timeout(run: Run) -> None:
    async def test() -> None:
        async with scene() as there:
            with pytest.raises(TimeoutError):
                await there.dialer.pay_round_trip(FRANKFURT, VIRGINIA, timeout_seconds=ROUND_TRIP_SECONDS / 2)

    run(test())


def test_many_connections_share_one_timer_and_keep_their_bytes_apart(run: Run) -> None:
    async def test() -> None:
        async with scene(round_trip_seconds=0.02) as there:
            connected = await asyncio.gather(*(there.connect() for _ in range(50)))
            for number, (transport, _) in enumerate(connected):
                transport.write(b"echo %d" % number)
            for number, (transport, client) in enumerate(connected):
                await client.until(lambda client=client, number=number: client.received == b"echo %d" % number)
                transport.close()
            assert there.dialer.statistics()["connected"] == 50

    run(test())
