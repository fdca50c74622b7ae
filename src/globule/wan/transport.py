"""A connection over a distance: an asyncio transport whose bytes arrive one way later, in each direction.

Below it is a plain connection to the server, which knows nothing of distance: what the client writes reaches the
server's socket when it would have arrived, and what the server writes reaches the client's protocol likewise. The
ends of the streams, closing and resets travel as the bytes do.

What it is not: a way to TLS. Bytes are what the caller writes; `loop.start_tls` does not take it on uvloop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, assert_never, cast

from globule.host.timers import Timers
from globule.wan.links import Link
from globule.wan.slow_start import Path
from globule.wan.stream import Closed, Ended, Item, Stream

# asyncio's default for a transport.
WRITE_HIGH_BYTES = 64 * 1024

# What may wait to leave the server's side before its socket is no longer read: enough to fill a burst while the
# loop is busy.
READ_HIGH_BYTES = 256 * 1024

# A connection that was closed while its link is cut gives up after this long, as Linux does with orphans after some
# minutes; a minute outlasts every timeout above.
LINGER_SECONDS = 60.0


class ShapedTransport(asyncio.Transport):
    """The client's end. Its protocol is attached with `begin` when the hand-shake is done."""

    def __init__(self, link: Link, timers: Timers, uniform: Callable[[], float], live: set[ShapedTransport]) -> None:
        """`live` holds it from when the server has it until both ends know that it is over."""
        super().__init__()
        self._link = link
        self._timers = timers
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._plain: asyncio.Transport | None = None
        self._protocol: asyncio.Protocol | None = None
        self._is_closing = False
        self._is_over = False
        self._is_plain_lost = False
        self._has_ended = False
        self._is_paused = False
        self._to_server = Stream(
            link,
            timers,
            uniform,
            deliver=self._deliver_to_server,
            on_full=self._pause_writing,
            on_drained=self._resume_writing,
            high_bytes=WRITE_HIGH_BYTES,
            low_bytes=WRITE_HIGH_BYTES // 4,
        )
        self._to_client = Stream(
            link,
            timers,
            uniform,
            deliver=self._deliver_to_client,
            on_full=self._pause_plain,
            on_drained=self._resume_plain,
            high_bytes=READ_HIGH_BYTES,
            low_bytes=READ_HIGH_BYTES // 4,
        )
        self._to_client.hold()

    def __repr__(self) -> str:
        state = "over" if self._is_over else "closing" if self._is_closing else "open"
        return f"<ShapedTransport {self._link.source.name} to {self._link.destination.name}, {state}>"

    # The hand-shake, for the dialer.

    def plain_protocol(self) -> asyncio.Protocol:
        """The protocol of the plain connection below."""
        return _Plain(self)

    def begin(self, protocol: asyncio.Protocol) -> None:
        """The hand-shake is done: hand over what has come."""
        self._protocol = protocol
        protocol.connection_made(self)
        if not self._is_paused:
            self._to_client.release()

    def forget(self) -> None:
        """Connecting was cancelled: the loop has closed what it had made, and uvloop does so without a word."""
        self._is_closing = self._is_plain_lost = True
        self._tell_over(None)

    def sever(self) -> None:
        """End it now, at both ends, without distance."""
        if self._plain is not None and not self._plain.is_closing():
            self._plain.abort()
        self.abort()

    # asyncio.Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._has_ended:
            raise RuntimeError("Cannot call write() after write_eof()")
        if data and not self._is_closing:
            self._to_server.send(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not (self._has_ended or self._is_closing):
            self._has_ended = True
            self._to_server.finish(Ended())

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        """Send what waits, then close; the protocol is told when the last byte has left."""
        if self._is_closing:
            return
        self._is_closing = True
        self._to_client.discard()
        self._to_server.set_limits(high_bytes=0, low_bytes=0)
        self._to_server.finish(Closed())
        if self._to_server.waiting_bytes() == 0:
            self._tell_over(None)
        self._linger_if_cut()

    def abort(self) -> None:
        """Forget what has not left, and reset the connection one way later."""
        self._is_closing = True
        self._to_client.discard()
        self._to_server.discard_undeparted()
        self._to_server.finish(Closed(ConnectionAbortedError()))
        self._tell_over(None)
        self._linger_if_cut()

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return not (self._is_closing or self._is_paused)

    def pause_reading(self) -> None:
        self._is_paused = True
        self._to_client.hold()

    def resume_reading(self) -> None:
        self._is_paused = False
        self._to_client.release()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = WRITE_HIGH_BYTES if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be >= low ({low}) must be >= 0")
        self._to_server.set_limits(high_bytes=high, low_bytes=low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._to_server.limits

    def get_write_buffer_size(self) -> int:
        return self._to_server.waiting_bytes()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._plain.get_extra_info(name, default) if self._plain is not None else default

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol), protocol
        self._protocol = protocol

    # Bytes that arrive at the server

    def _deliver_to_server(self, item: Item) -> None:
        plain = self._plain
        if plain is None or plain.is_closing():
            return
        match item:
            case bytes() | memoryview():
                plain.write(item)
            case Ended():
                plain.write_eof()
            case Closed(None):
                plain.close()
            case Closed():
                plain.abort()
            case _:
                assert_never(item)

    # Bytes that arrive at the client

    def _deliver_to_client(self, item: Item) -> None:
        if self._is_closing or self._protocol is None:
            return
        try:
            match item:
                case bytes() | memoryview():
                    self._protocol.data_received(bytes(item))
                case Ended():
                    if not self._protocol.eof_received():
                        self.close()
                case Closed(error):
                    self._is_closing = True
                    self._to_server.discard()
                    self._tell_over(error)
                case _:
                    assert_never(item)
        except BaseException:
            self.abort()  # as asyncio's own transports do; the loop's exception handler reports it
            raise

    def _tell_over(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._settle()
            if self._protocol is not None:
                self._loop.call_soon(self._protocol.connection_lost, error)

    # Limits

    def _pause_writing(self) -> None:
        if self._protocol is not None and not self._is_closing:
            self._protocol.pause_writing()

    def _resume_writing(self) -> None:
        if self._is_closing:
            self._tell_over(None)
        elif self._protocol is not None:
            self._protocol.resume_writing()

    def _pause_plain(self) -> None:
        if self._plain is not None and not self._plain.is_closing():
            self._plain.pause_reading()

    def _resume_plain(self) -> None:
        if self._plain is not None and not self._plain.is_closing():
            self._plain.resume_reading()

    # The link

    def path_changed(self, before: Path, now: Path) -> None:
        self._to_server.path_changed(before, now)
        self._to_client.path_changed(before, now)
        self._linger_if_cut()

    def _linger_if_cut(self) -> None:
        """A closed connection whose link is cut is over for the client; the server's end waits for a while."""
        if self._is_closing and not self._is_plain_lost and self._link.is_cut():
            self._tell_over(None)
            self._timers.call_at(self._timers.now() + LINGER_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self._is_plain_lost and self._link.is_cut():
            self.sever()

    # The plain connection, told by its protocol

    def plain_made(self, plain: asyncio.Transport) -> None:
        self._plain = plain
        self._live.add(self)
        self._link.watch(self)

    def plain_received(self, data: bytes) -> None:
        if not self._is_closing:
            self._to_client.send(data)

    def plain_ended(self) -> None:
        if not self._is_closing:
            self._to_client.finish(Ended())

    def plain_blocked(self) -> None:
        self._to_server.hold()

    def plain_unblocked(self) -> None:
        self._to_server.release()

    def plain_lost(self, error: Exception | None) -> None:
        self._is_plain_lost = True
        if self._is_closing:
            self._tell_over(None)
        else:
            self._to_client.finish(Closed(error))
        self._settle()

    def _settle(self) -> None:
        """When both ends know that the connection is over, the link has nothing more to tell."""
        if self._is_over and self._is_plain_lost:
            self._live.discard(self)
            self._link.unwatch(self)


class _Plain(asyncio.Protocol):
    """The protocol of the plain connection below."""

    def __init__(self, shaped: ShapedTransport) -> None:
        self._shaped = shaped

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._shaped.plain_made(cast(asyncio.Transport, transport))  # uvloop's are none by inheritance

    def data_received(self, data: bytes) -> None:
        self._shaped.plain_received(data)

    def eof_received(self) -> bool:
        self._shaped.plain_ended()
        return True  # the client decides, one way later, whether its direction goes on

    def pause_writing(self) -> None:
        self._shaped.plain_blocked()

    def resume_writing(self) -> None:
        self._shaped.plain_unblocked()

    def connection_lost(self, error: Exception | None) -> None:
        self._shaped.plain_lost(error)
