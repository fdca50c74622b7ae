"""The server, over real sockets, on both event loops, spoken to byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from globule.host.http_server import FiledAnswer, Handler, Later, Limits, Server, Upgrade, serve
from globule.host.http_stream import BUFFER_BYTES, BodyInterrupted
from globule.host.network import LoopbackNetwork
from globule.host.sendable_file import SendableFile
from globule.wire.http import Headers, Request, Response

PATIENCE_S = 10.0


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), PATIENCE_S)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S)

    async def answer(self) -> tuple[int, Headers, bytes]:
        """One response with a Content-Length."""
        head = (await self.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = Headers([(line.partition(": ")[0], line.partition(": ")[2]) for line in head[1:] if line])
        length = int(headers.get("content-length") or 0)
        return int(head[0].split(" ")[1]), headers, await self.reader.readexactly(length)


Start = Callable[..., Awaitable[Server]]
Dial = Callable[[Server], Awaitable[Client]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    servers = []

    async def start_one(handler: Handler, **options: object) -> Server:
        server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), handler, **options)  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start_one
    for server in servers:
        await server.aclose(grace_seconds=0.1)


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    clients = []

    async def dial_one(server: Server) -> Client:
        client = Client(*await asyncio.open_connection(*server.address))
        clients.append(client)
        return client

    yield dial_one
    for client in clients:
        client.writer.close()


async def echo(request: Request) -> Response:
    return Response(status=200, body=f"{request.method} {request.target} ".encode() + await request.body.read(1000))


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_requests_follow_each_other_on_one_connection(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo))
    for _ in range(3):
        client.send(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        status, headers, body = await client.answer()
        assert (status, body) == (200, b"POST /p hi")
        assert headers.get("date") is not None
        assert headers.get("connection") is None


async def test_pipelined_requests_are_answered_in_order(start: Start, dial: Dial) -> None:
    async def slower_first(request: Request) -> Response:
        if request.target == "/0":
            await asyncio.sleep(0.02)
        return await echo(request)

    client = await dial(await start(slower_first))
    client.send(b"".join(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" % n for n in range(20)))
    for number in range(20):
        assert (await client.answer())[2] == f"POST /{number} x".encode()


async def test_a_head_may_arrive_byte_by_byte(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo))
    for index in range(len(GET)):
        client.send(GET[index : index + 1])
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.answer())[2] == b"GET / "


async def test_a_half_closed_client_gets_all_its_answers(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo))
    client.send(GET * 3)
    client.writer.write_eof()
    assert (await client.rest()).count(b"HTTP/1.1 200 OK") == 3


async def test_expect_continue_is_answered_when_the_handler_reads(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo))
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    assert (await client.answer())[2] == b"PUT / body"


async def test_a_refused_expectation_closes_the_connection(start: Start, dial: Dial) -> None:
    async def refuse(request: Request) -> Response:
        return Response(status=403)

    client = await dial(await start(refuse))
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 403") and b"connection: close" in answer


@pytest.mark.parametrize(
    ("line", "framing"), [(b"HTTP/1.1", b"transfer-encoding: chunked"), (b"HTTP/1.0", b"connection: close")]
)
async def test_a_stream_of_unknown_length(start: Start, dial: Dial, line: bytes, framing: bytes) -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            yield b""
            yield b"two"

        return Response(status=200, body=pieces())

    client = await dial(await start(stream))
    client.send(b"GET / " + line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, body = (await client.rest()).partition(b"\r\n\r\n")
    assert framing in head
    assert body == (b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" if b"chunked" in framing else b"onetwo")


async def test_head_gets_the_length_and_no_body(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo))
    client.send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    assert b"content-length: 8" in await client.until(b"\r\n\r\n")
    assert (await client.answer())[2] == b"GET / "


async def test_no_body_follows_204_and_304(start: Start, dial: Dial) -> None:
    async def bodiless(request: Request) -> Response:
        return Response(status=int(request.target[1:]), body=b"must not appear")

    client = await dial(await start(bodiless))
    for status in (204, 304):
        client.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % status)
        assert b"content-length" not in await client.until(b"\r\n\r\n")
    client.send(b"GET /200 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer())[2] == b"must not appear"


async def test_a_broken_stream_cuts_the_connection(start: Start, dial: Dial) -> None:
    async def broken(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"some"
            raise ValueError("midway")

        return Response(status=200, body=pieces())

    client = await dial(await start(broken))
    client.send(GET)
    try:
        answer = await client.rest()
    except ConnectionResetError:
        return
    assert not answer.endswith(b"0\r\n\r\n")


async def test_a_stream_that_is_not_as_long_as_it_said_cuts_the_connection(start: Start, dial: Dial) -> None:
    async def lies(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"too long"

        return Response(status=200, headers=Headers([("content-length", "3")]), body=pieces())

    client = await dial(await start(lies))
    client.send(GET + GET)
    try:
        answer = await client.rest()
    except ConnectionResetError:
        return
    assert b"too long" not in answer


SMUGGLES = {
    "length and chunked": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 28\r\n\r\n",
    "chunk size": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "chunk without return": b"Transfer-Encoding: chunked\r\n\r\n0\n\n",
    "bare line feed": b"X: y\n\r\n",
    "folded": b"X: y\r\n z\r\n\r\n",
    "space before colon": b"Content-Length : 28\r\n\r\n",
}


@pytest.mark.parametrize("attack", SMUGGLES.values(), ids=SMUGGLES)
async def test_a_smuggled_request_is_never_seen(start: Start, dial: Dial, attack: bytes) -> None:
    seen = []

    async def handler(request: Request) -> Response:
        await request.body.read(1000)
        seen.append(request.target)
        return Response(status=200)

    client = await dial(await start(handler))
    client.send(b"POST /outer HTTP/1.1\r\nHost: a\r\n" + attack + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"connection: close" in answer
    assert seen == []


async def test_a_head_that_is_too_large_is_431(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo, limits=Limits(head_bytes=200)))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 300)
    assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("framing", [b"Content-Length: 2000", b"Transfer-Encoding: chunked"])
async def test_a_body_beyond_the_handlers_limit_is_413_and_closes(start: Start, dial: Dial, framing: bytes) -> None:
    client = await dial(await start(echo))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + b"7d0\r\n" + b"x" * 1500)
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 413 ") and b"connection: close" in answer


async def test_a_handler_that_fails_is_500_and_the_next_request_is_served(start: Start, dial: Dial) -> None:
    async def fails_once(request: Request) -> Response:
        if request.target == "/fail":
            raise ValueError("as planned")
        return await echo(request)

    client = await dial(await start(fails_once))
    client.send(b"GET /fail HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    assert (await client.answer())[0] == 500
    assert (await client.answer())[0] == 200


async def test_a_handlers_invalid_field_is_500_and_never_reaches_the_wire(start: Start, dial: Dial) -> None:
    async def splits(request: Request) -> Response:
        return Response(status=200, headers=Headers([("x", "a\r\nset-cookie: stolen")]))

    client = await dial(await start(splits))
    client.send(GET)
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 500") and b"stolen" not in answer


async def test_a_reader_that_stops_slows_its_client_down(start: Start, dial: Dial) -> None:
    """What arrives for a handler that does not read stays within a bound; the rest stays with the client."""
    go_on = asyncio.Event()
    size = 20_000_000

    async def handler(request: Request) -> Response:
        await go_on.wait()
        total = 0
        async for piece in request.body:
            total += len(piece)
        return Response(status=200, body=str(total).encode())

    server = await start(handler)
    client = await dial(server)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    client.send(b"x" * size)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.writer.drain(), 0.3)
    (connection,) = server._application.connections
    assert connection._body is not None
    assert connection._body._buffered_bytes <= BUFFER_BYTES + 1024 * 1024
    go_on.set()
    assert (await client.answer())[2] == str(size).encode()


async def test_a_client_that_stops_reading_slows_the_stream_down(start: Start, dial: Dial) -> None:
    produced = 0

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal produced
            for _ in range(400):
                produced += 1
                yield b"x" * 100_000

        return Response(status=200, body=pieces())

    client = await dial(await start(stream))
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]
    client.send(GET)
    before = -1
    while produced != before or produced == 0:
        before = produced
        await asyncio.sleep(0.1)
    assert produced < 400


async def test_a_client_that_leaves_interrupts_the_body_and_nothing_else(start: Start, dial: Dial) -> None:
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def handler(request: Request) -> Response:
        try:
            await request.body.read(1000)
        except BodyInterrupted:
            outcome.set_result("interrupted")
        return Response(status=200)

    client = await dial(await start(handler))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    await asyncio.sleep(0.01)
    client.writer.close()
    assert await asyncio.wait_for(outcome, PATIENCE_S) == "interrupted"


async def test_a_silent_client_is_cut_off(start: Start, dial: Dial) -> None:
    client = await dial(await start(echo, limits=Limits(idle_seconds=0.1)))
    client.send(b"GET / HTTP/1.1\r\nHo")
    with contextlib.suppress(ConnectionResetError):
        assert await client.rest() == b""


async def test_an_upgrade_hands_the_connection_over_with_the_bytes_that_came_early(start: Start, dial: Dial) -> None:
    class Shout(asyncio.Protocol):
        def __init__(self, transport: asyncio.Transport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())

    async def handler(request: Request) -> Upgrade:
        def take_over(transport: asyncio.Transport, early: bytes) -> asyncio.Protocol:
            shout = Shout(transport)
            shout.data_received(early)
            return shout

        return Upgrade(Response(status=200, reason="Connection established"), take_over)

    server = await start(handler)
    client = await dial(server)
    client.send(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nearly")
    assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 Connection established\r\n")
    assert await client.until(b"Y") == b"EARLY"
    client.send(b" late")
    assert await client.until(b"E") == b" LATE"
    assert server.statistics()["connections"] == 0


async def test_the_recall_hook_may_answer_at_once(start: Start, dial: Dial) -> None:
    def recall(head: bytes) -> bytes | None:
        if head == b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n":
            return b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnow"
        return None

    server = await start(echo, recall=recall)
    client = await dial(server)
    now = b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
    client.send(now + GET + now)
    assert [(await client.answer())[2] for _ in range(3)] == [b"now", b"GET / ", b"now"]
    client.send(now)
    assert (await client.answer())[2] == b"now"
    assert server.statistics()["requests"] == 1  # that reached the handler


async def test_an_answer_may_come_later_without_a_task_or_be_left_to_the_handler(start: Start, dial: Dial) -> None:
    loop = asyncio.get_running_loop()

    def recall(head: bytes) -> Later | None:
        later = Later()
        if head.count(b"\r\n\r\n") != 1:
            return None
        if head.startswith(b"GET /later "):
            loop.call_later(0.01, later.answer, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlater")
        elif head.startswith(b"GET /decline "):
            loop.call_later(0.01, later.decline, "noted")
        else:
            return None
        return later

    async def handler(request: Request) -> Response:
        return Response(status=200, body=f"{request.target} {request.note}".encode())

    client = await dial(await start(handler, recall=recall))
    for target in ("later", "decline", "other", "later"):
        client.send(f"GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    bodies = [(await client.answer())[2] for _ in range(4)]
    assert bodies == [b"later", b"/decline noted", b"/other None", b"later"]


async def test_an_answer_that_comes_after_the_client_left_is_dropped(start: Start, dial: Dial) -> None:
    made: list[Later] = []

    def recall(head: bytes) -> Later:
        made.append(Later())
        return made[-1]

    server = await start(echo, recall=recall)
    for finish in (lambda later: later.answer(b"HTTP/1.1 200 OK\r\n\r\n"), lambda later: later.decline()):
        client = await dial(server)
        client.send(GET)
        async with asyncio.timeout(PATIENCE_S):
            while not made:  # noqa: ASYNC110 - the hook has no event
                await asyncio.sleep(0.001)
        (connection,) = server._application.connections
        # Closing with a linger of zero resets the connection; otherwise the client might still be reading.
        linger = struct.pack("ii", 1, 0)
        client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.writer.transport.abort()
        async with asyncio.timeout(PATIENCE_S):
            while not connection._lost:  # noqa: ASYNC110 - nor has the connection
                await asyncio.sleep(0.001)
        assert server.statistics()["connections"] == 1  # it waits for its answer
        finish(made.pop())
        assert server.statistics()["connections"] == 0


async def test_a_client_that_pipelines_and_does_not_read_is_held_within_bounds(start: Start, dial: Dial) -> None:
    def recall(head: bytes) -> bytes | None:
        return None if head != GET else b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100_000

    server = await start(echo, recall=recall)
    client = await dial(server)
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]
    client.send(GET * 1_000_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.writer.drain(), 0.3)
    (connection,) = server._application.connections
    assert len(connection._buffer) <= BUFFER_BYTES + 1024 * 1024
    client.reader._transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(20):
        assert len((await client.answer())[2]) == 100_000


async def test_recalled_and_ordinary_answers_keep_their_order_however_they_are_sent(start: Start, dial: Dial) -> None:
    """Small ones and files go straight into the socket, the others through the transport; the client sees one
    stream."""
    bodies = {size: bytes(random.Random(size).randbytes(size)) for size in (10, 70_000, 3_000_000)}
    files = {size: SendableFile(body) for size, body in bodies.items()}

    def recall(head: bytes) -> bytes | FiledAnswer | None:
        if head.count(b"\r\n\r\n") != 1 or not head.endswith(b"\r\n\r\n"):
            return None
        kind, _, size = head.split(b" ")[1][1:].partition(b"/")
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n" % size
        if kind == b"file":
            return FiledAnswer(answer, bodies[int(size)], files[int(size)])
        return answer + bodies[int(size)] if kind == b"now" else None

    async def handler(request: Request) -> Response:
        return Response(status=200, body=bodies[int(request.target.rpartition("/")[2])])

    chance = random.Random(7)
    client = await dial(await start(handler, recall=recall))
    for burst in (1, 1, 7, 1, 40):
        sizes = [chance.choice([10, 10, 70_000, 3_000_000]) for _ in range(burst)]
        kinds = [chance.choice(["file", "now", "handler"]) for _ in range(burst)]
        for kind, size in zip(kinds, sizes, strict=True):
            client.send(f"GET /{kind}/{size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            if chance.random() < 0.5:
                await client.writer.drain()
                await asyncio.sleep(0)
        for size in sizes:
            assert (await client.answer())[2] == bodies[size]


async def test_draining_finishes_what_runs_and_refuses_what_is_new(start: Start, dial: Dial) -> None:
    started = asyncio.Event()
    go_on = asyncio.Event()

    async def handler(request: Request) -> Response:
        started.set()
        await go_on.wait()
        return Response(status=200, body=b"done")

    server = await start(handler)
    busy, idle = await dial(server), await dial(server)
    busy.send(GET)
    await asyncio.wait_for(started.wait(), PATIENCE_S)
    closing = asyncio.create_task(server.aclose(grace_seconds=PATIENCE_S))
    assert await idle.rest() == b""
    go_on.set()
    status, headers, body = await busy.answer()
    assert (status, headers.get("connection"), body) == (200, "close", b"done")
    await closing
    assert server.statistics()["connections"] == 0
    with pytest.raises(OSError):
        await dial(server)


async def test_connections_beyond_the_limit_are_closed(start: Start, dial: Dial) -> None:
    server = await start(echo, limits=Limits(connections=1))
    first = await dial(server)
    first.send(GET)
    await first.answer()
    second = await dial(server)
    try:
        second.send(GET)
        assert await second.rest() == b""
    except ConnectionError:
        pass
    first.send(GET)
    assert (await first.answer())[0] == 200
