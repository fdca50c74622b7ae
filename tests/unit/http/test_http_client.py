"""The client and its pool, over real sockets, against servers written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from globule.host.http_client import (
    BodyInterrupted,
    ConnectFailed,
    ConnectionEnded,
    HttpClient,
    PoolExhausted,
    PoolLimits,
    ResponseTimeout,
    Timeouts,
)
from globule.host.network import Address, LoopbackNetwork
from globule.wire.http import BodyTooLarge, BytesBody, Headers, Request
from globule.wire.http_head import MalformedMessage

PATIENCE_S = 10.0

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Origin:
    """A server that answers each connection by a script, and counts connections."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.requests: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address: Address = self.server.sockets[0].getsockname()[:2]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def close(self) -> None:
        self.server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def origin() -> AsyncIterator[Callable[[Script], Awaitable[Origin]]]:
    origins = []

    async def start(script: Script) -> Origin:
        started = Origin(script)
        await started.start()
        origins.append(started)
        return started

    yield start
    for started in origins:
        await started.close()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient[Address]]:
    made = pooled()
    yield made
    made.close()


def pooled(limits: PoolLimits | None = None) -> HttpClient[Address]:
    return HttpClient(LoopbackNetwork().connect, limits=limits)


def get(target: str = "/", method: str = "GET", body: bytes = b"") -> Request:
    return Request(method=method, target=target, headers=Headers([("host", "origin")]), body=BytesBody(body))


def answers(*responses: bytes) -> Script:
    """One response to each request without a body, then silence."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in responses:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
        await reader.read()

    return script


async def none_open(client: HttpClient[Address]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while client.statistics()["open"]:  # noqa: ASYNC110 - the pool has no event for it
            await asyncio.sleep(0.001)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_connection_is_reused_and_the_response_says_so(origin, client) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(OK, OK))
    first = await client.request(server.address, get())
    assert await first.body.read(10) == b"ok"
    second = await client.request(server.address, get())
    assert await second.body.read(10) == b"ok"
    assert (first.reused, second.reused, server.connections) == (False, True, 1)
    assert first.connect_ms > 0 and second.connect_ms == 0
    assert client.statistics()["idle"] == 1


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
async def test_after_any_framed_body_the_connection_is_reused(origin, client, response, body) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(response, OK))
    assert await (await client.request(server.address, get())).body.read(10) == body
    assert await (await client.request(server.address, get())).body.read(10) == b"ok"
    assert server.connections == 1


async def test_a_response_cut_into_single_bytes_is_whole(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    server = await origin(script)
    assert await (await client.request(server.address, get())).body.read(10) == b"hello"


async def test_a_body_may_end_with_the_connection(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    server = await origin(script)
    assert await (await client.request(server.address, get())).body.read(100) == b"all of it"
    assert client.statistics()["idle"] == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_a_truncated_body_is_interrupted_not_short(origin, client, framing) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n5\r\nab")

    server = await origin(script)
    response = await client.request(server.address, get())
    with pytest.raises(BodyInterrupted):
        await response.body.read(100)


async def test_a_stale_connection_is_replaced_for_an_idempotent_request(origin, client) -> None:  # type: ignore[no-untyped-def]
    """The server closes as the second request arrives: the race that every pool has."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    server = await origin(script)
    await (await client.request(server.address, get())).body.read(10)
    response = await client.request(server.address, get())
    assert await response.body.read(10) == b"ok"
    assert (server.connections, response.reused, client.statistics()["retries"]) == (2, False, 1)
    with pytest.raises(ConnectionEnded):
        await client.request(server.address, get(method="POST"))


async def test_a_new_connection_that_ends_is_not_tried_again(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    server = await origin(script)
    with pytest.raises(ConnectionEnded):
        await client.request(server.address, get())
    assert server.connections == 1


async def test_a_connection_closed_while_idle_is_not_used(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    server = await origin(script)
    await (await client.request(server.address, get())).body.read(10)
    await none_open(client)
    response = await client.request(server.address, get(method="POST"))
    assert response.status == 200
    assert client.statistics()["retries"] == 0


async def test_bytes_that_answer_nothing_never_answer_the_next_request(origin, client) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", OK))
    assert await (await client.request(server.address, get())).body.read(10) == b"ok"
    assert await (await client.request(server.address, get())).body.read(10) == b"ok"
    assert server.connections == 2


async def test_two_lengths_in_a_response_are_malformed(origin, client) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"))
    with pytest.raises(MalformedMessage):
        await client.request(server.address, get())
    assert client.statistics()["idle"] == 0


async def test_a_silent_server_times_out(origin, client) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers())
    with pytest.raises(ResponseTimeout):
        await client.request(server.address, get(), timeouts=Timeouts(response_seconds=0.05))
    await none_open(client)


async def test_a_body_that_stalls_times_out_but_a_slow_reader_does_not(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000001\r\n\r\n" + b"x" * 3_000_000)
        await reader.read()

    server = await origin(script)
    response = await client.request(server.address, get(), timeouts=Timeouts(response_seconds=0.1))
    await asyncio.sleep(0.3)
    size = 0
    with pytest.raises(BodyInterrupted):
        async for piece in response.body:
            size += len(piece)
    assert size == 3_000_000


async def test_no_listener_is_a_failed_connection(client) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConnectFailed) as caught:
        await client.request(("127.0.0.1", 1), get())
    assert not caught.value.timed_out
    assert client.statistics()["open"] == 0


async def test_a_connect_that_takes_too_long_times_out() -> None:
    async def never(factory: Callable[[], asyncio.Protocol], key: str) -> None:
        await asyncio.sleep(PATIENCE_S)

    client = HttpClient(never)
    with pytest.raises(ConnectFailed) as caught:
        await client.request("key", get(), timeouts=Timeouts(connect_seconds=0.01))
    assert caught.value.timed_out


async def test_connections_of_a_key_are_bounded_and_requests_wait_their_turn(origin) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.005)
            writer.write(OK)

    server = await origin(script)
    client = pooled(PoolLimits(connections_per_key=2))

    async def one() -> bytes:
        return await (await client.request(server.address, get())).body.read(10)

    assert await asyncio.gather(*(one() for _ in range(12))) == [b"ok"] * 12
    assert server.connections == 2
    client.close()


async def test_waiting_is_bounded_in_number_and_in_time(origin) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers())
    client = pooled(PoolLimits(connections_per_key=1, waiting_per_key=1))
    holder = asyncio.create_task(client.request(server.address, get()))
    await asyncio.sleep(0.01)
    waiter = asyncio.create_task(client.request(server.address, get(), timeouts=Timeouts(pool_seconds=0.05)))
    await asyncio.sleep(0.01)
    with pytest.raises(PoolExhausted):
        await client.request(server.address, get())
    with pytest.raises(PoolExhausted):
        await waiter
    client.close()
    with pytest.raises(ConnectionEnded):
        await holder


async def test_a_waiter_gets_the_place_of_a_connection_that_broke(origin) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nonce")

    server = await origin(script)
    client = pooled(PoolLimits(connections_per_key=1))

    async def one() -> bytes:
        return await (await client.request(server.address, get())).body.read(10)

    assert await asyncio.gather(*(one() for _ in range(5))) == [b"once"] * 5
    assert server.connections == 5
    client.close()


async def test_a_cancelled_request_frees_its_place(origin) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers())
    client = pooled(PoolLimits(connections_per_key=1))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.request(server.address, get()), 0.02)
    assert server.connections == 3
    client.close()


async def test_idle_connections_close_after_their_time(origin) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(OK))
    client = pooled(PoolLimits(idle_seconds=0.05))
    await (await client.request(server.address, get())).body.read(10)
    assert client.statistics()["idle"] == 1
    await none_open(client)
    assert client.statistics()["idle"] == 0


async def test_a_streamed_request_body_goes_out_in_chunks(origin, client) -> None:  # type: ignore[no-untyped-def]
    class Stream:
        length = None

        async def read(self, limit_bytes: int) -> bytes:
            raise BodyTooLarge

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

    received = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)

    server = await origin(script)
    request = Request(method="POST", target="/", headers=Headers([("host", "a")]), body=Stream())
    assert (await client.request(server.address, request)).status == 200
    assert received.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_a_response_before_the_end_of_the_request_is_taken(origin, client) -> None:  # type: ignore[no-untyped-def]
    class Endless:
        length = None

        async def read(self, limit_bytes: int) -> bytes:
            raise BodyTooLarge

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)

    server = await origin(answers(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"))
    request = Request(method="POST", target="/", headers=Headers([("host", "a")]), body=Endless())
    response = await asyncio.wait_for(client.request(server.address, request), PATIENCE_S)
    assert response.status == 413
    assert client.statistics()["idle"] == 0


async def test_a_request_that_is_given_up_as_its_answer_comes_leaves_the_connection_to_others(origin, client) -> None:  # type: ignore[no-untyped-def]
    """The answer is whole and the connection back in the pool, but its task has not run yet: cancelling it then must
    not break off whoever has the connection next."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)

    server = await origin(script)
    await (await client.request(server.address, get())).body.read(10)
    (connection,) = client._connections
    first = asyncio.create_task(client.request(server.address, get()))
    told, tell = asyncio.Event(), connection._tell

    def then_cancel(*arguments: object) -> None:
        tell(*arguments)
        first.cancel()
        told.set()

    connection._tell = then_cancel
    await asyncio.wait_for(told.wait(), PATIENCE_S)
    connection._tell = tell
    second = await client.request(server.address, get())
    assert (second.reused, await second.body.read(10), server.connections) == (True, b"ok", 1)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_exchange_without_a_task_tells_its_response_or_its_failure(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    server = await origin(script)
    assert client.take_now(server.address, Timeouts()) is None
    await (await client.request(server.address, get())).body.read(10)
    told: asyncio.Queue[object] = asyncio.Queue()
    for expected in (200, ConnectionEnded):
        connection = client.take_now(server.address, Timeouts())
        connection.exchange_now(
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            method="GET",
            timeout_seconds=PATIENCE_S,
            on_response=lambda response: told.put_nowait(response.status),
            on_failure=lambda failure: told.put_nowait(type(failure)),
        )
        assert await asyncio.wait_for(told.get(), PATIENCE_S) == expected
    await none_open(client)


async def test_closing_a_response_gives_its_connection_up(origin, client) -> None:  # type: ignore[no-untyped-def]
    server = await origin(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", OK))
    response = await client.request(server.address, get())
    response.close()
    response.close()
    again = await client.request(server.address, get())
    assert (again.status, again.reused, server.connections) == (200, False, 2)
    again.close()
    await none_open(client)


async def test_an_upgraded_connection_can_be_taken_over(origin, client) -> None:  # type: ignore[no-untyped-def]
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nearly")
        writer.write((await reader.readexactly(4)).upper())
        await reader.read()

    class Collect(asyncio.Protocol):
        def __init__(self) -> None:
            self.received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def data_received(self, data: bytes) -> None:
            self.received.set_result(data)

    server = await origin(script)
    response = await client.request(server.address, get())
    collect = Collect()
    transport, early = response.detach(collect)
    assert (response.status, early) == (101, b"early")
    transport.write(b"ping")
    assert await asyncio.wait_for(collect.received, PATIENCE_S) == b"PING"
    transport.close()
    assert client.statistics()["open"] == 0
