"""The internet door: how people and programs that are somewhere reach the names of this world.

Ordinary HTTP by Host field, an HTTP proxy (absolute form and CONNECT), and names under `.localhost` for browsers
without settings. It resolves the name as seen from the client's city, connects over the shaped internet, and streams
both ways. A name that is not of this world goes nowhere: this is no way to the real internet.

CONNECT is answered by the door itself, which speaks TLS with the world's own certificates (port 443) or plain HTTP
(port 80) inside the tunnel, so that the servers behind it can be told where the client is. A hand-shake with the door
takes no time; its round trip is paid between the city and the server instead.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from globule.host.clock import Clock, SystemClock
from globule.host.http_application import Application
from globule.host.http_client import ClientResponse, ConnectFailed, HttpClientError, ResponseTimeout
from globule.host.http_connection import Connection
from globule.host.http_server import Limits, Server, Upgrade, plain_refusal, serve
from globule.host.network import Address, Network
from globule.host.tls import TlsNetwork, TlsServer
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.door import pages
from globule.wan.door.addressing import Asked, UnknownCity, asked
from globule.wan.door.forwarding import Forwarder
from globule.wan.door.guard import foreign_page, is_aws_api
from globule.wan.door.heads import parse_door_head
from globule.wan.door.rewriting import LocalNames, request_fields, response_fields, upgrade_wanted
from globule.wan.door.splice import splice
from globule.wan.naming import NameNotFound, Resolver
from globule.wire import own_fields
from globule.wire.http import Headers, Request, Response
from globule.wire.http_head import MalformedMessage
from globule.world.places import Place

# Tunnels of CONNECT and WebSockets at once; each holds two sockets.
TUNNELS_LIMIT = 2048
# Connections inside of tunnels are looked at for idleness this often.
SWEEP_SECONDS = 1.0
HTTP_PORT, HTTPS_PORT = 80, 443


class Directory(Protocol):
    """What the door knows of names without asking as a client."""

    def contains(self, name: str) -> bool:
        """Whether the name is one of this world."""

    def listed(self) -> Sequence[str]:
        """Names for people to choose from."""

    @property
    def home(self) -> Place:
        """The city of a client that does not say where it is."""


class _Arrival(msgspec.Struct, frozen=True):
    """What a connection says of its requests before they say anything."""

    secure: bool = False
    """The client speaks TLS to us."""
    city: Place | None = None
    """Where the tunnel was opened from, if its client said so."""


class InternetDoor:
    """`listen` makes it. `key` is the world's secret, which servers know us by; `tls` has certificates for all names
    (`host.certificates`), and without it port 443 is refused."""

    def __init__(
        self,
        *,
        network: Network,
        dialer: Dialer,
        resolver: Resolver,
        directory: Directory,
        key: str,
        tracer: Tracer,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._network = network
        self._directory = directory
        self._key = key
        self._tls = tls
        self._clock = clock or SystemClock()
        self._forwarder = Forwarder(dialer=dialer, resolver=resolver, tracer=tracer)
        self._servers: list[Server] = []
        self._tunnels: dict[Application, asyncio.Transport] = {}
        self._spliced: set[asyncio.Transport] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._requests = self._refused = 0

    def __repr__(self) -> str:
        return f"<InternetDoor {[server.address for server in self._servers]} requests={self._requests}>"

    async def listen(self, address: Address, *, secure_address: Address | None = None) -> None:
        """Raises OSError where an address is taken."""
        plain = partial(self._answer, _Arrival())
        self._servers.append(await serve(self._network, address, plain, parse=parse_door_head, clock=self._clock))
        if self._tls is not None and secure_address is not None:
            secure = partial(self._answer, _Arrival(secure=True))
            network = TlsNetwork(self._network, self._tls)
            self._servers.append(await serve(network, secure_address, secure, parse=parse_door_head, clock=self._clock))
        self._tick()

    @property
    def address(self) -> Address:
        return self._servers[0].address

    @property
    def secure_address(self) -> Address:
        return self._servers[1].address

    def statistics(self) -> dict[str, Any]:
        return {
            "requests": self._requests,
            "refused": self._refused,
            "clients": self._forwarder.clients,
            "tunnels": len(self._tunnels) + len(self._spliced) // 2,
        }

    async def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        for server in self._servers:
            await server.aclose()
        for transport in (*self._tunnels.values(), *self._spliced):
            transport.abort()
        self._forwarder.close()

    # Requests.

    async def _answer(self, arrival: _Arrival, request: Request) -> Response | Upgrade:
        self._requests += 1
        host = request.target if request.method == "CONNECT" else request.headers.get("host") or ""
        try:
            wanted = asked(
                host,
                request.headers,
                said=arrival.city,
                home=self._directory.home,
                exists=self._directory.contains,
            )
            if request.method == "CONNECT":
                return await self._open_tunnel(request, wanted)
            if not wanted.name:
                return pages.front(request, self._directory.listed(), city=wanted.city.name, port=self.address[1])
            foreign = foreign_page(request, wanted.name, exists=self._directory.contains)
            if foreign is not None:
                return self._refuse(
                    request, 403, "Not for pages of other sites", f"{foreign} may not use AWS's APIs of this world."
                )
            return await self._forward(request, wanted, arrival)
        except UnknownCity as error:
            return self._refuse(request, 400, "Unknown city", f"{error} (`globule places` lists all cities.)")
        except NameNotFound as error:
            return self._refuse(request, 502, "Unknown name", f"{error}. Names of the real internet are not reachable.")
        except ConnectFailed as error:
            status, title = (504, "No answer in time") if error.timed_out else (502, "Connection refused")
            return self._refuse(request, status, title, f"{wanted.name}, from {wanted.city.title}: {error}.")
        except (TimeoutError, ResponseTimeout) as error:
            return self._refuse(request, 504, "No answer in time", f"{wanted.name}, from {wanted.city.title}: {error}.")
        except (HttpClientError, MalformedMessage) as error:
            return self._refuse(request, 502, "A broken answer", f"{wanted.name}, from {wanted.city.title}: {error}.")

    def _refuse(self, request: Request, status: int, title: str, sentence: str) -> Response:
        self._refused += 1
        return pages.problem(request, status, title, sentence)

    async def _forward(self, request: Request, wanted: Asked, arrival: _Arrival) -> Response | Upgrade:
        local = None
        if wanted.suffix:
            scheme = "https" if arrival.secure else "http"
            local = LocalNames(suffix=wanted.suffix, scheme=scheme, exists=self._directory.contains)
        secure = arrival.secure or local is not None or request.headers.get(own_fields.SCHEME) == "https"
        upgrade = upgrade_wanted(request.headers)

        def onward() -> Headers:
            # AWS's APIs look at Origin to keep foreign pages away; they need to see that ours are local.
            fields = request_fields(request.headers, host=wanted.name, local=None if is_aws_api(wanted.name) else local)
            fields.add(own_fields.KEY, self._key)
            fields.add(own_fields.FROM, wanted.city.name)
            fields.add(own_fields.SCHEME, "https" if secure else "http")
            if upgrade is not None:
                fields.add("upgrade", upgrade)
            return fields

        response, pieces = await self._forwarder.send(
            request, name=wanted.name, city=wanted.city, secure=secure, headers=onward
        )
        headers = response_fields(response.headers, local=local)
        if response.status == 101:
            return self._splice(response, headers)
        return Response(status=response.status, reason=response.reason, headers=headers, body=pieces)

    # Connections that are handed over.

    def _splice(self, response: ClientResponse, headers: Headers) -> Upgrade:
        """A WebSocket: from here on the door moves bytes."""
        headers.add("connection", "upgrade")
        headers.add("upgrade", response.headers.get("upgrade") or "")

        def take_over(client: asyncio.Transport, early: bytes) -> asyncio.Protocol:
            server, first = response.detach(asyncio.Protocol())
            self._spliced |= {client, server}
            client_end, server_end = splice(client, server, partial(self._forget_splice, client, server))
            server.set_protocol(server_end)
            if first:
                client.write(first)
            if early:
                server.write(early)
            return client_end

        return Upgrade(Response(status=101, headers=headers), take_over)

    def _forget_splice(self, client: asyncio.Transport, server: asyncio.Transport) -> None:
        self._spliced -= {client, server}

    async def _open_tunnel(self, request: Request, wanted: Asked) -> Response | Upgrade:
        """CONNECT. The server is reached with the first request inside."""
        _, _, port = request.target.rpartition(":")
        if port not in (str(HTTP_PORT), str(HTTPS_PORT)):
            return self._refuse(request, 403, "Not that port", f"Tunnels lead to ports 80 and 443, not to {port!r}.")
        if not self._directory.contains(wanted.name):
            raise NameNotFound(f"{wanted.name or request.target} does not exist in this world")
        secure = port == str(HTTPS_PORT)
        tls = self._tls
        if secure and tls is None:
            return self._refuse(request, 501, "No TLS", "This world has no certificate authority: use port 80.")
        if len(self._tunnels) + len(self._spliced) // 2 >= TUNNELS_LIMIT:
            return self._refuse(request, 503, "Too many tunnels", f"{TUNNELS_LIMIT} are open.")
        arrival = _Arrival(secure=secure, city=wanted.city)

        def take_over(transport: asyncio.Transport, early: bytes) -> asyncio.Protocol:
            inside = Application(
                handler=partial(self._answer, arrival),
                parse=parse_door_head,
                recall=None,
                refusal=plain_refusal,
                limits=Limits(),
                clock=self._clock,
            )
            protocol: asyncio.Protocol = Connection(inside)
            if secure and tls is not None:
                protocol = TlsServer(tls, protocol)
            self._tunnels[inside] = transport
            protocol.connection_made(transport)
            if early:
                protocol.data_received(early)
            return protocol

        return Upgrade(Response(status=200), take_over)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        for tunnel, transport in list(self._tunnels.items()):
            if transport.is_closing():
                del self._tunnels[tunnel]
            for connection in list(tunnel.connections):
                connection.expire(loop.time())
        self._sweep = loop.call_later(SWEEP_SECONDS, self._tick)
