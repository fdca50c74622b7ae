"""The internet door over real sockets, used by curl, as a proxy, with TLS, and by raw clients."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from globule.host.certificates import CertificateAuthority
from globule.host.clock import SystemClock
from globule.host.http_server import Upgrade, serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.door.door import InternetDoor
from globule.wan.links import Links
from globule.wan.naming import Endpoint, NameNotFound
from globule.wire.http import Headers, Request, Response
from globule.world import places
from globule.world.places import Place
from globule.world.snapshot import Scales, World

VIRGINIA = places.region("us-east-1")
PATIENCE_SECONDS = 10.0

Handler = Callable[[Request], Awaitable[Response | Upgrade]]


class Names:
    """Resolver and directory of a fixed set of names."""

    def __init__(self) -> None:
        self.endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self.asked: list[tuple[str, str]] = []
        self.home = places.city("london")

    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        self.asked.append((name, source.name))
        if name not in self.endpoints:
            raise NameNotFound(f"{name} does not exist in this world")
        return self.endpoints[name]

    def contains(self, name: str) -> bool:
        return name in self.endpoints

    def listed(self) -> Sequence[str]:
        return sorted(self.endpoints)


class Door:
    """A door, a server that it leads to, and what that server saw."""

    def __init__(
        self,
        door: InternetDoor,
        names: Names,
        tracer: Tracer,
        links: Links,
        dialer: Dialer,
        authority: Path | None,
    ) -> None:
        self.door = door
        self.dialer = dialer
        self.names = names
        self.tracer = tracer
        self.links = links
        self.authority = authority
        self.seen: list[Request] = []

    @property
    def port(self) -> int:
        return self.door.address[1]

    async def curl(self, *arguments: str) -> str:
        """What it prints; head first with -i."""
        command = ("curl", "-sS", "--max-time", "8", *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        return output.decode()

    async def through(self, *arguments: str, city: str = "tokyo") -> str:
        """curl with the door as its proxy."""
        return await self.curl("-x", f"http://{city}@127.0.0.1:{self.port}", *arguments)


async def echo(request: Request) -> Response:
    body = await request.body.read(1 << 20)
    said = f"{request.method} {request.headers.get('host')}{request.target} {len(body)}"
    return Response(status=200, headers=Headers([("content-type", "text/plain")]), body=said.encode())


@contextlib.asynccontextmanager
async def opened(handler: Handler = echo, *, scale: float = 0.0, folder: Path | None = None) -> AsyncIterator[Door]:
    network, tracer, names, links = LoopbackNetwork(), Tracer(), Names(), Links(World(scales=Scales(wan=scale)))
    dialer = Dialer(network, links)
    authority = None if folder is None else CertificateAuthority.open(folder, SystemClock())
    door = InternetDoor(
        network=network,
        dialer=dialer,
        resolver=names,
        directory=names,
        key="secret",
        tracer=tracer,
        tls=None if authority is None else authority.server_context(),
    )
    it = Door(door, names, tracer, links, dialer, None if authority is None else authority.file)

    async def handle(request: Request) -> Response | Upgrade:
        it.seen.append(Request(method=request.method, target=request.target, headers=request.headers.copy()))
        return await handler(request)

    server = await serve(network, ("127.0.0.1", 0), handle)
    names.endpoints["chat.example.com"] = (Endpoint(server.address, VIRGINIA),)
    await door.listen(("127.0.0.1", 0), secure_address=("127.0.0.1", 0))
    try:
        yield it
    finally:
        await door.close()
        await server.aclose()
        dialer.close()


# Three ways to name a host.


async def test_a_request_goes_by_its_host_field_from_the_home_city() -> None:
    async with opened() as it:
        answer = await it.curl("-H", "Host: chat.example.com", f"http://127.0.0.1:{it.port}/room?x=1")
        assert answer == "GET chat.example.com/room?x=1 0"
        assert it.names.asked == [("chat.example.com", "london")]


async def test_curl_with_the_door_as_its_proxy_asks_from_the_city_that_is_its_user_name() -> None:
    async with opened() as it:
        assert await it.through("-d", "hello", "http://chat.example.com/say") == "POST chat.example.com/say 5"
        assert it.names.asked == [("chat.example.com", "tokyo")]


async def test_a_name_under_localhost_needs_no_settings() -> None:
    async with opened() as it:
        url = f"chat.example.com.tokyo.localhost:{it.port}/"
        assert await it.curl(f"http://{url}") == "GET chat.example.com/ 0"
        assert it.names.asked == [("chat.example.com", "tokyo")]


async def test_the_server_learns_where_the_client_is_and_clients_cannot_pretend() -> None:
    async with opened() as it:
        await it.through("-H", "X-Globule-Key: guess", "-H", "X-Globule-Scheme: https", "http://chat.example.com/")
        (request,) = it.seen
        assert request.headers.all("x-globule-key") == ["secret"]
        assert request.headers.all("x-globule-from") == ["tokyo"]
        assert request.headers.all("x-globule-scheme") == ["http"]
        assert "proxy-authorization" not in request.headers
        assert "proxy-connection" not in request.headers


async def test_a_proxy_request_for_an_https_address_is_https() -> None:
    async with opened() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"GET https://chat.example.com/ HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        assert it.seen[0].headers.all("x-globule-scheme") == ["https"]
        writer.close()
        await writer.wait_closed()


async def test_redirects_and_cookies_stay_under_localhost() -> None:
    async def redirect(request: Request) -> Response:
        fields = [("location", "https://chat.example.com/en/"), ("set-cookie", "a=b; Domain=example.com")]
        return Response(status=302, headers=Headers(fields))

    async with opened(redirect) as it:
        head = await it.curl("-i", f"http://chat.example.com.tokyo.localhost:{it.port}/")
        assert f"location: http://chat.example.com.tokyo.localhost:{it.port}/en/" in head
        assert "set-cookie: a=b; Domain=example.com.tokyo.localhost" in head
        assert it.seen[0].headers.get("x-globule-scheme") == "https", "else a redirect to https would never end"
        assert "location: https://chat.example.com/en/" in await it.through("-i", "http://chat.example.com/")


# Where requests end.


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("http://www.example.org/",), 502, "www.example.org does not exist in this world"),
        (("-H", "X-Globule-From: tokio", "http://chat.example.com/"), 400, "did you mean tokyo"),
        (("http://dead.example.com/",), 502, "Connection refused"),
        (
            ("-H", "Origin: https://evil.example.org", "http://dynamodb.us-east-1.amazonaws.com/"),
            403,
            "may not use AWS",
        ),
    ],
)
async def test_what_cannot_be_served_says_why(arguments: tuple[str, ...], status: int, text: str) -> None:
    async with opened() as it:
        it.names.endpoints["dead.example.com"] = (Endpoint(("127.0.0.1", 1), VIRGINIA),)
        found = await it.curl("-i", "-x", f"http://127.0.0.1:{it.port}", *arguments)
        assert f" {status} " in found.partition("\n")[0]
        assert text in found
        assert not it.seen


@pytest.mark.parametrize(
    ("url", "status"),
    [("http://chat.example.com:22/", 403), ("http://www.example.org/", 502), ("https://chat.example.com/", 501)],
)
async def test_a_tunnel_that_leads_nowhere_is_not_opened(url: str, status: int) -> None:
    async with opened() as it:
        assert f"CONNECT tunnel failed, response {status}" in await it.through("-p", url)


async def test_browsers_get_pages_in_which_nothing_of_the_request_is_markup() -> None:
    async with opened() as it:
        page = await it.curl("-i", "-H", "Accept: text/html", "-H", "Host: a&b", f"http://127.0.0.1:{it.port}/")
        assert "content-type: text/html" in page and "a&amp;b does not exist" in page


async def test_the_next_address_is_tried_where_the_first_refuses() -> None:
    async with opened() as it:
        live = it.names.endpoints["chat.example.com"]
        it.names.endpoints["chat.example.com"] = (Endpoint(("127.0.0.1", 1), VIRGINIA), *live)
        assert await it.through("http://chat.example.com/") == "GET chat.example.com/ 0"


async def test_a_cut_link_is_a_gateway_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as it:

        async def lost(*arguments: object, **more: object) -> None:
            raise TimeoutError("no answer from us-east-1 to tokyo in 10 s")

        monkeypatch.setattr(it.dialer, "connect", lost)
        found = await it.through("-i", "http://chat.example.com/")
        assert found.startswith("HTTP/1.1 504 ") and "no answer from us-east-1 to tokyo" in found


async def test_the_door_has_a_page_of_its_own() -> None:
    async with opened() as it:
        page = await it.curl("-H", "Accept: text/html", f"http://localhost:{it.port}/")
        assert f'href="http://chat.example.com.london.localhost:{it.port}/"' in page


# Distance, and the connections that pay for it.


async def test_a_client_connection_keeps_its_upstream_connection_and_pays_the_hand_shake_once() -> None:
    async with opened(scale=0.2) as it:
        url = f"http://chat.example.com.tokyo.localhost:{it.port}/"
        wanted = "%{time_total} "
        times = [
            float(each)
            for each in (await it.curl("-o", "/dev/null", "-w", wanted, url, "-o", "/dev/null", url)).split()
        ]
        round_trip = it.links.link(places.city("tokyo"), VIRGINIA, "internet").path.round_trip_seconds
        assert times[0] >= 3 * round_trip, "TCP, TLS, and the request"
        assert round_trip <= times[1] < 2 * round_trip
        await until(lambda: it.door.statistics()["clients"] == 0)


async def test_the_waterfall_has_a_span_for_each_step() -> None:
    async with opened() as it:
        url = f"http://chat.example.com.tokyo.localhost:{it.port}/"
        await it.curl("-H", "X-Amzn-Trace-Id: Root=1-a-b;Sampled=1", url)
        spans = it.tracer.of("1-a-b")
        assert [span.name for span in spans] == ["DNS", "connect", "TLS", "response"]
        assert {span.place for span in spans} == {"tokyo"}
        assert it.seen[0].headers.get("x-amzn-trace-id") == "Root=1-a-b;Sampled=1"


async def test_a_response_streams_while_it_is_made() -> None:
    go_on = asyncio.Event()

    async def slowly(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"
            await go_on.wait()
            yield b"de"

        return Response(status=200, body=pieces())

    async with opened(slowly) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(8) == b"3\r\nabc\r\n"
            go_on.set()
            assert await reader.readexactly(12) == b"2\r\nde\r\n0\r\n\r\n"
        writer.close()
        await writer.wait_closed()


async def test_a_request_streams_while_it_is_sent() -> None:
    arrived = asyncio.Event()

    async def count(request: Request) -> Response:
        size_bytes = 0
        async for piece in request.body:
            size_bytes += len(piece)
            arrived.set()
        return Response(status=200, body=str(size_bytes).encode())

    async with opened(count) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 5\r\n\r\nabc")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await arrived.wait()
            writer.write(b"de")
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(1) == b"5"
        writer.close()
        await writer.wait_closed()


# Tunnels.


async def test_a_tunnel_to_port_80_leads_to_the_server_and_keeps_the_city() -> None:
    async with opened() as it:
        assert await it.through("-p", "http://chat.example.com/") == "GET chat.example.com/ 0"
        assert it.seen[0].headers.get("x-globule-from") == "tokyo"


async def test_https_through_the_door_is_verified_against_the_worlds_authority(tmp_path: Path) -> None:
    async with opened(folder=tmp_path) as it:
        trusting = ("--cacert", str(it.authority))
        assert await it.through(*trusting, "https://chat.example.com/x") == "GET chat.example.com/x 0"
        assert it.seen[0].headers.get("x-globule-scheme") == "https"
        assert it.seen[0].headers.get("x-globule-from") == "tokyo"
        assert "certificate" in await it.through("https://chat.example.com/")


async def test_https_without_a_proxy_has_a_port_of_its_own(tmp_path: Path) -> None:
    async with opened(folder=tmp_path) as it:
        url = f"https://chat.example.com.tokyo.localhost:{it.door.secure_address[1]}/"
        body = await it.curl("--cacert", str(it.authority), "-d", "x" * 100_000, url)
        assert body == "POST chat.example.com/ 100000"


async def test_a_client_that_is_not_a_tls_client_is_let_go(tmp_path: Path) -> None:
    async with opened(folder=tmp_path) as it:
        reader, writer = await asyncio.open_connection(*it.door.secure_address)
        writer.write(b"GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_the_authority_is_kept_and_its_key_is_the_owners_alone(tmp_path: Path) -> None:
    first = CertificateAuthority.open(tmp_path / "tls", SystemClock()).file.read_bytes()
    assert CertificateAuthority.open(tmp_path / "tls", SystemClock()).file.read_bytes() == first
    assert (tmp_path / "tls" / "authority.key").stat().st_mode & 0o777 == 0o600
    assert {entry.name for entry in (tmp_path / "tls").iterdir()} == {"authority.key", "authority.pem"}


async def shout(request: Request) -> Upgrade:
    """A protocol that answers every byte string in capitals."""

    class Shouting(asyncio.Protocol):
        def __init__(self, transport: asyncio.Transport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())

    fields = [("connection", "upgrade"), ("upgrade", request.headers.get("upgrade") or "")]
    return Upgrade(Response(status=101, headers=Headers(fields)), lambda transport, early: Shouting(transport))


@pytest.mark.parametrize("tunnelled", [False, True])
async def test_a_websocket_is_moved_byte_by_byte_after_its_upgrade(tunnelled: bool, tmp_path: Path) -> None:
    async with opened(shout, folder=tmp_path) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        async with asyncio.timeout(PATIENCE_SECONDS):
            if tunnelled:
                writer.write(b"CONNECT chat.example.com:443 HTTP/1.1\r\nHost: chat.example.com:443\r\n\r\n")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                trusting = ssl.create_default_context(cafile=str(it.authority))
                await writer.start_tls(trusting, server_hostname="chat.example.com")
            writer.write(
                b"GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ") and b"upgrade: websocket" in head.lower()
            for word in (b"hello", b"again"):
                writer.write(word)
                assert await reader.readexactly(5) == word.upper()
        assert it.seen[0].headers.get("upgrade") == "websocket"
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        await until(lambda: not it.door._spliced)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody announces what the tests wait for
            await asyncio.sleep(0.01)
