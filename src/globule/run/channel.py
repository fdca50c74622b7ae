"""The control channel: requests and replies as JSON lines on a Unix socket of this user's own.

A process serves one socket. The connection is also the sign of life: when a process dies, however it dies, the
operating system closes it, and whoever holds the other end knows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from globule.run.messages import Refused, Reply, Request

# A status report of a large application, with room to spare; the socket's folder belongs to this user alone.
LINE_LIMIT_BYTES = 16 * 1024 * 1024

Handler = Callable[[Request], Awaitable[Reply | AsyncIterator[Reply]]]

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class ChannelClosed(Exception):
    """The other process is not there, or went away before it answered."""


class ChannelServer:
    """Answers on one socket. Made by `serve_channel`."""

    def __init__(self, server: asyncio.Server, writers: set[asyncio.StreamWriter]) -> None:
        self._server = server
        self._writers = writers

    async def close(self) -> None:
        """Stop listening, and hang up on everybody."""
        self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        await asyncio.sleep(0)  # conversations end in their own tasks, now


async def serve_channel(path: Path, handler: Handler) -> ChannelServer:
    """Answer requests at `path`. A socket file that a dead process left behind is replaced."""
    writers: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while line := await reader.readline():
                async for reply in _answers(handler, line):
                    writer.write(msgspec.json.encode(reply) + b"\n")
                    await writer.drain()
        except (ConnectionError, ValueError):
            pass  # The caller hung up, or sent a line beyond the limit: only its own connection ends.
        except asyncio.CancelledError:
            pass  # The process ends; nothing waits for this task, and asyncio would log its cancellation.
        finally:
            writers.discard(writer)
            writer.close()

    path.unlink(missing_ok=True)
    return ChannelServer(await asyncio.start_unix_server(converse, path, limit=LINE_LIMIT_BYTES), writers)


async def _answers(handler: Handler, line: bytes) -> AsyncIterator[Reply]:
    try:
        request = _requests.decode(line)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        yield Refused(why=f"not a request of this version of Globule: {error}")
        return
    answer = await handler(request)
    if isinstance(answer, AsyncIterator):
        async for reply in answer:
            yield reply
    else:
        yield answer


class Channel:
    """One connection to a process's control socket. Requests are answered one after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> Channel:
        """Raises ChannelClosed where nobody listens."""
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LINE_LIMIT_BYTES)
        except OSError as error:
            raise ChannelClosed(f"{path.stem} does not answer") from error
        return cls(reader, writer)

    async def ask(self, request: Request) -> Reply:
        """Raises ChannelClosed."""
        async with self._turn:
            await self._send(request)
            return await self._receive()

    async def stream(self, request: Request) -> AsyncIterator[Reply]:
        """The replies to `Watch`, until the other end closes."""
        async with self._turn:
            await self._send(request)
            while True:
                try:
                    yield await self._receive()
                except ChannelClosed:
                    return

    async def _send(self, request: Request) -> None:
        try:
            self._writer.write(msgspec.json.encode(request) + b"\n")
            await self._writer.drain()
        except ConnectionError as error:
            raise ChannelClosed("the process went away") from error

    async def _receive(self) -> Reply:
        try:
            line = await self._reader.readline()
        except ConnectionError as error:
            raise ChannelClosed("the process went away") from error
        if not line:
            raise ChannelClosed("the process went away before it answered")
        return _replies.decode(line)

    async def until_closed(self) -> None:
        """Wait until the other process ends. Only for a connection that asks nothing."""
        with contextlib.suppress(ConnectionError):
            await self._reader.read()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def ask_once(path: Path, request: Request) -> Reply:
    """Open, ask, close. Raises ChannelClosed."""
    channel = await Channel.open(path)
    try:
        return await channel.ask(request)
    finally:
        await channel.close()
