"""TLS for servers, as a layer between any transport and any protocol.

`loop.start_tls` would do, but not for bytes that have already arrived (behind a CONNECT), and not over transports of
our own. The work is OpenSSL's, through `ssl.SSLObject` and memory; this moves bytes between it and the two sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

from globule.host.network import Address, Listener, Network, P

# Loopback hand-shakes take milliseconds; a client that takes this long is not one.
HANDSHAKE_SECONDS = 10.0
# One TLS record at most.
READ_BYTES = 16 * 1024


class TlsServer(asyncio.Protocol):
    """The server's side of one TLS connection; `protocol` sees the plain bytes once the hand-shake is done."""

    def __init__(self, context: ssl.SSLContext, protocol: asyncio.Protocol) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.protocol = protocol
        self._established = False
        self._paused = False
        self._ended = False
        self._deadline: asyncio.TimerHandle | None = None

    # What the transport below calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._deadline = asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._advance()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, failure: Exception | None) -> None:
        self._end_handshake()
        if self._established:
            self._ended = True
            self.protocol.connection_lost(failure)

    def pause_writing(self) -> None:
        if self._established:
            self.protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._established:
            self.protocol.resume_writing()

    # What the protocol above calls, through its transport.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
        self._flush()

    def set_reading(self, *, paused: bool) -> None:
        self._paused = paused
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
            # Not now: whoever resumes does not expect data before it returns.
            asyncio.get_running_loop().call_soon(self._advance)

    def close(self) -> None:
        if self.transport.is_closing():
            return
        with contextlib.suppress(ssl.SSLError):  # our farewell is written; the peer's own need not come
            self._tls.unwrap()
        self._flush()
        self.transport.close()

    # Bytes in.

    def _advance(self) -> None:
        if self.transport.is_closing():
            return
        try:
            if not self._established:
                self._tls.do_handshake()
                self._established = True
                self._end_handshake()
                self.protocol.connection_made(_TlsTransport(self))
            self._read()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self._flush()
            self._end()
        except ssl.SSLError:
            self._flush()  # the alert that says why
            self.transport.close()
        else:
            self._flush()

    def _read(self) -> None:
        while not self._paused and not self.transport.is_closing():
            data = self._tls.read(READ_BYTES)
            if not data:
                raise ssl.SSLZeroReturnError
            self.protocol.data_received(data)

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _end(self) -> None:
        """The peer will send nothing more."""
        if self._established and not self._ended:
            self._ended = True
            if self.protocol.eof_received():
                return
        self.close()

    def _end_handshake(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _TlsTransport(asyncio.Transport):
    """What the protocol above a TlsServer writes to."""

    def __init__(self, tls: TlsServer) -> None:
        super().__init__()
        self._tls = tls

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tls.transport.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self._tls.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self._tls.transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._tls.transport.is_closing()

    def close(self) -> None:
        self._tls.close()

    def abort(self) -> None:
        self._tls.transport.abort()

    def pause_reading(self) -> None:
        self._tls.set_reading(paused=True)

    def resume_reading(self) -> None:
        self._tls.set_reading(paused=False)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._tls.protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._tls.protocol


class TlsNetwork:
    """A network whose listeners speak TLS; connecting stays plain."""

    def __init__(self, network: Network, context: ssl.SSLContext) -> None:
        self._network = network
        self._context = context

    async def connect(self, protocol_factory: Callable[[], P], address: Address) -> tuple[asyncio.Transport, P]:
        return await self._network.connect(protocol_factory, address)

    async def listen(self, protocol_factory: Callable[[], asyncio.Protocol], address: Address) -> Listener:
        return await self._network.listen(lambda: TlsServer(self._context, protocol_factory()), address)
