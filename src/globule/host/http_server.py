"""An HTTP/1.1 server: a listener whose connections (`host.http_connection`) share one handler.

It is not a router, and knows nothing of distance or TLS.
"""

from __future__ import annotations

import asyncio
from typing import Any

from globule.host.clock import Clock, SystemClock
from globule.host.http_application import (
    Application,
    FiledAnswer,
    Handler,
    Later,
    Limits,
    Parse,
    Recall,
    Refusal,
    TakeOver,
    Upgrade,
)
from globule.host.http_connection import Connection
from globule.host.network import Address, Network
from globule.wire.http import Headers, Response
from globule.wire.http_head import parse_request_head

__all__ = ["FiledAnswer", "Handler", "Later", "Limits", "Server", "TakeOver", "Upgrade", "plain_refusal", "serve"]

# Idle connections are looked for this often.
SWEEP_SECONDS = 1.0


def plain_refusal(status: int, why: str) -> Response:
    return Response(status=status, headers=Headers([("content-type", "text/plain")]), body=f"{why}\n".encode())


async def serve(
    network: Network,
    address: Address,
    handler: Handler,
    *,
    parse: Parse = parse_request_head,
    recall: Recall | None = None,
    refusal: Refusal = plain_refusal,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> Server:
    """Listen and answer. The handler's errors become 500 (BodyTooLarge 413); it is called once a request, and never
    twice at the same time for one connection. Raises OSError where the address is taken."""
    application = Application(
        handler=handler,
        parse=parse,
        recall=recall,
        refusal=refusal,
        limits=limits or Limits(),
        clock=clock or SystemClock(),
    )
    server = Server(application)
    await server.start(network, address)
    return server


class Server:
    """A server that listens. Made by `serve`."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._sweep: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        connections, requests = len(self._application.connections), self._application.requests
        return f"<Server {self.address} connections={connections} requests={requests}>"

    async def start(self, network: Network, address: Address) -> None:
        self._listener = await network.listen(lambda: Connection(self._application), address)
        self._tick()

    @property
    def address(self) -> Address:
        return self._listener.address

    def statistics(self) -> dict[str, Any]:
        return {"connections": len(self._application.connections), "requests": self._application.requests}

    def close(self) -> None:
        """Stop listening and cut every connection; handlers that run are cancelled."""
        self._stop_listening()
        for connection in list(self._application.connections):
            connection.abort()

    async def aclose(self, grace_seconds: float = 5.0) -> None:
        """Stop listening, let requests in progress finish, then cut what is left."""
        self._stop_listening()
        for connection in list(self._application.connections):
            connection.drain()
        if self._application.connections:
            self._application.drained = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._application.drained], timeout=grace_seconds)
        tasks = [connection.task for connection in self._application.connections if connection.task is not None]
        self.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop_listening(self) -> None:
        self._application.draining = True
        self._listener.close()
        if self._sweep is not None:
            self._sweep.cancel()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._application.connections):
            connection.expire(now)
        self._sweep = loop.call_later(SWEEP_SECONDS, self._tick)
