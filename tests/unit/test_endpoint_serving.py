"""The AWS endpoint and a region's door over real sockets: what is handed on, and who may speak to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from globule.endpoint.region_door import PEER_PATH, RegionDoor
from globule.endpoint.relay import relay
from globule.host.call_line import UPGRADE, CallLine
from globule.host.http_client import HttpClient
from globule.host.http_server import Server, Upgrade, serve
from globule.host.network import Address, LoopbackNetwork
from globule.wire import own_fields
from globule.wire.http import BytesBody, Headers, Request, Response

KEY = "0123456789abcdef"
ANY_PORT = ("127.0.0.1", 0)
# More than sockets and buffers between two processes hold.
LARGE_BYTES = 16 * 1024 * 1024

Handler = Callable[[Request], Awaitable[Response | Upgrade]]


def client_of(address: Address) -> HttpClient[str]:
    return HttpClient(lambda factory, _: LoopbackNetwork().connect(factory, address))


@pytest.fixture
async def listen() -> AsyncIterator[Callable[[Handler], Awaitable[Server]]]:
    """Starts servers that end with the test."""
    servers: list[Server] = []

    async def start(handler: Handler) -> Server:
        servers.append(await serve(LoopbackNetwork(), ANY_PORT, handler))
        return servers[-1]

    yield start
    for server in servers:
        await server.aclose()


class _Echo:
    """A site and an API that say what they were asked."""

    def __init__(self, host: str = "") -> None:
        self._host = host
        self.asked: list[Request] = []

    def serves(self, host: str) -> bool:
        return host == self._host

    async def handle(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(status=200, body=b"served")


def region_door(site: _Echo, received: list[bytes]) -> RegionDoor:
    async def receive(message: bytes) -> bytes:
        received.append(message)
        return b"taken"

    async def elsewhere(request: Request, region: str) -> Response:
        raise AssertionError(region)

    api = _Echo()
    apis = {"dynamodb": api, "s3": api, "awslambda": api}
    return RegionDoor(region="eu-west-1", key=KEY, sites=(site,), apis=apis, elsewhere=elsewhere, receive=receive)


async def test_a_region_takes_messages_from_those_who_know_the_key(
    listen: Callable[[Handler], Awaitable[Server]],
) -> None:
    received: list[bytes] = []
    server = await listen(region_door(_Echo("api.example.com"), received).answer)
    for key in (KEY, "wrong", "é", ""):
        greeting = (
            f"GET {PEER_PATH} HTTP/1.1\r\nhost: eu-west-1\r\n{own_fields.PEER}: {key}\r\n"
            f"connection: upgrade\r\nupgrade: {UPGRADE}\r\n\r\n"
        )
        _, line = await LoopbackNetwork().connect(
            lambda greeting=greeting: CallLine(greeting.encode("latin-1"), limit_bytes=1000),  # type: ignore[misc]
            server.address,
        )
        if key == KEY:
            assert await asyncio.gather(line.call(b"one"), line.call(b"two")) == [b"taken", b"taken"]
        else:
            with pytest.raises(ConnectionError):
                await line.call(b"message")
        line.abort()
    assert received == [b"one", b"two"]


async def test_a_region_tells_its_peers_how_they_have_to_speak(
    listen: Callable[[Handler], Awaitable[Server]],
) -> None:
    server = await listen(region_door(_Echo("api.example.com"), []).answer)
    client = client_of(server.address)
    headers = Headers([("host", "eu-west-1"), (own_fields.PEER, KEY)])
    response = await client.request("", Request(method="POST", target=PEER_PATH, headers=headers))
    assert response.status == 426
    await response.body.read(1000)
    client.close()


async def test_what_the_internet_door_vouches_for_is_no_message_of_a_region(
    listen: Callable[[Handler], Awaitable[Server]],
) -> None:
    """The door adds the key to whatever its clients send, a web page's request to a site included."""
    received: list[bytes] = []
    site = _Echo("api.example.com")
    server = await listen(region_door(site, received).answer)
    client = client_of(server.address)
    for host, status in (("api.example.com", 200), ("s3.eu-west-1.amazonaws.com", 200), ("evil.example", 403)):
        headers = Headers([("host", host), (own_fields.KEY, KEY), (own_fields.FROM, "tokyo")])
        asked = Request(method="POST", target=PEER_PATH, headers=headers, body=BytesBody(b"message"))
        response = await client.request("", asked)
        assert response.status == status
        await response.body.read(1000)
    assert received == []
    assert own_fields.KEY not in site.asked[0].headers, "the key is for nobody's code"
    client.close()


async def test_the_answer_to_head_keeps_the_length_of_what_is_not_sent(
    listen: Callable[[Handler], Awaitable[Server]],
) -> None:
    async def origin(request: Request) -> Response:
        return Response(status=200, headers=Headers([("content-length", "12345")]))

    region = client_of((await listen(origin)).address)
    endpoint = await listen(lambda request: relay(region, "", request, to="eu-west-1"))
    client = client_of(endpoint.address)
    response = await client.request("", Request(method="HEAD", target="/", headers=Headers([("host", "localhost")])))
    assert response.headers.get("content-length") == "12345"
    client.close()
    region.close()


async def test_an_answer_that_nobody_begins_to_read_gives_its_connection_back(
    listen: Callable[[Handler], Awaitable[Server]],
) -> None:
    """A client that has left by then must not keep a connection to the region for ever."""

    async def origin(request: Request) -> Response:
        return Response(status=200, body=b"x" * LARGE_BYTES)

    region = client_of((await listen(origin)).address)
    asked = Request(method="GET", target="/", headers=Headers([("host", "localhost")]))
    response = await relay(region, "", asked, to="eu-west-1")
    assert not isinstance(response.body, bytes)
    await response.body.aclose()  # type: ignore[attr-defined]  # what the server does with bodies that it cannot send
    async with asyncio.timeout(10):
        while region.statistics()["open"]:  # noqa: ASYNC110 - the client has no event for it
            await asyncio.sleep(0.01)
    region.close()
