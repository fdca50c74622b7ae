"""The name servers: UDP and TCP on one loopback address and port."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from globule.host.datagrams import Datagrams, answer_datagrams
from globule.host.network import Address, Listener, Network
from globule.route53.serving.names import Names
from globule.route53.serving.responder import Responder

# RFC 7766 section 6.2.3: "on the order of a few seconds" for a connection without a question.
IDLE_SECONDS = 10.0
# A resolver needs one or two; loopback clients that hold more than this are stuck.
CONNECTIONS_LIMIT = 256
# Where port 0 is asked for, UDP may find TCP's port taken by somebody else; a handful of tries always suffices.
PORT_TRIES = 16


class DnsServer:
    """Made by `DnsServer.listen`."""

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self.connections: set[_Connection] = set()
        self._datagrams: Datagrams | None = None
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        return f"<DnsServer {self.address} connections={len(self.connections)}>"

    @classmethod
    async def listen(cls, names: Names, network: Network, address: Address) -> DnsServer:
        """Raises OSError where the port is taken."""
        server = cls(Responder(names))
        host, port = address
        for attempt in range(PORT_TRIES):
            server._listener = await network.listen(lambda: _Connection(server), (host, port))
            try:
                server._datagrams = answer_datagrams(server._listener.address, server.responder.over_udp)
                return server
            except OSError:
                server._listener.close()
                if port != 0 or attempt == PORT_TRIES - 1:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    @property
    def address(self) -> Address:
        assert self._listener is not None
        return self._listener.address

    def statistics(self) -> dict[str, Any]:
        return {**self.responder.statistics(), "connections": len(self.connections)}

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._datagrams is not None:
            self._datagrams.close()
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    """Questions over TCP, each behind its length in two bytes, answered in order (RFC 7766)."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._buffer = b""
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._source = transport.get_extra_info("peername")[0]
        if len(self._server.connections) >= CONNECTIONS_LIMIT:
            self._transport.abort()
            return
        self._server.connections.add(self)
        self._wait()

    def connection_lost(self, failure: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = []
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2])
            if len(self._buffer) < end:
                break
            question, self._buffer = self._buffer[2:end], self._buffer[end:]
            answer = self._server.responder.over_tcp(question, self._source)
            if answer is None:
                self._transport.close()
                return
            answers += [len(answer).to_bytes(2), answer]
        if answers:
            self._transport.writelines(answers)
            self._wait()

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def abort(self) -> None:
        self._transport.abort()

    def _wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._transport.abort)
