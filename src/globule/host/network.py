"""Sockets, behind an interface: what asyncio's loop offers, so that a simulated host can offer it too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

Address = tuple[str, int]
P = TypeVar("P", bound=asyncio.BaseProtocol)


class Listener(Protocol):
    @property
    def address(self) -> Address: ...

    def close(self) -> None: ...


class Network(Protocol):
    """Plain connections, with no distance in them. `wan` adds distance on top."""

    async def connect(self, protocol_factory: Callable[[], P], address: Address) -> tuple[asyncio.Transport, P]:
        """Raises OSError as the operating system does."""

    async def listen(self, protocol_factory: Callable[[], asyncio.Protocol], address: Address) -> Listener: ...


class _ServerListener:
    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        host, port = server.sockets[0].getsockname()[:2]
        self.address: Address = (host, port)

    def close(self) -> None:
        self._server.close()


class LoopbackNetwork:
    """Real sockets. Refuses to listen anywhere but on loopback."""

    async def connect(self, protocol_factory: Callable[[], P], address: Address) -> tuple[asyncio.Transport, P]:
        loop = asyncio.get_running_loop()
        return await loop.create_connection(protocol_factory, *address)

    async def listen(self, protocol_factory: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        if not address[0].startswith("127."):
            raise ValueError(f"{address[0]} is not a loopback address")
        loop = asyncio.get_running_loop()
        return _ServerListener(await loop.create_server(protocol_factory, *address))
