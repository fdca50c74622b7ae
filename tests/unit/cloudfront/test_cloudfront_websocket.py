"""WebSocket through an edge location, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
HAND_SHAKE = (
    b"GET /ws?room=1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_a_hand_shake_joins_viewer_and_origin(world: Any, make: Any) -> None:
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst"
        )
        while data := await reader.read(100):
            writer.write(data.upper())

    await world.raw_origin("origin.example.com", script)
    await world.deploy(make.distribution(), make.cache_policy())
    reader, writer = await asyncio.open_connection(*world.edge.address("FRA"))
    writer.write(HAND_SHAKE + b"early")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().lower()
    assert head.startswith("http/1.1 101 switching protocols\r\n")
    assert "upgrade: websocket\r\n" in head and "connection: upgrade\r\n" in head
    assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in head and "x-amz-cf-id: " in head
    received = b""
    while len(received) < len(b"firstEARLY"):
        received += await asyncio.wait_for(reader.read(100), 5)
    assert received == b"firstEARLY"
    writer.write(b"more")
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"MORE"
    assert world.edge.statistics()["FRA"]["websockets"] == 1
    sent = seen[0].decode().lower()
    assert "upgrade: websocket\r\n" in sent and "connection: upgrade\r\n" in sent
    assert "sec-websocket-key: dghlihnhbxbszsbub25jzq==\r\n" in sent
    writer.close()
    await world.until(lambda: world.edge.statistics()["FRA"]["websockets"] == 0)


async def test_an_origin_that_does_not_switch_answers_as_always(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok(b"no websocket here", status=400)))
    await world.deploy(make.distribution(), make.cache_policy())
    headers = {"Connection": "upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x"}
    answer = await world.ask("/ws", headers=headers)
    assert (answer.status, answer.body, answer.cache) == (400, b"no websocket here", "Error")


async def test_an_origin_that_switches_without_being_asked_is_502(world: Any, make: Any) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        await reader.read()

    await world.raw_origin("origin.example.com", script)
    for policy in ("policy", CACHING_DISABLED):
        await world.deploy(make.distribution(make.behavior(policy)), make.cache_policy())
        assert (await world.ask("/a")).status == 502


async def test_functions_may_refuse_a_hand_shake(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    functions = (make.function("viewer-request", "guard"),)
    await world.deploy(make.distribution(make.behavior(functions=functions)), make.cache_policy())
    world.functions.handlers["guard"] = lambda event, _: {"status": "403", "body": "members only"}
    answer = await world.ask("/ws", headers={"Connection": "upgrade", "Upgrade": "websocket"})
    assert (answer.status, answer.body) == (403, b"members only")


async def test_closing_the_edge_ends_what_is_joined(world: Any, make: Any) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await reader.read()

    await world.raw_origin("origin.example.com", script)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED)))
    reader, writer = await asyncio.open_connection(*world.edge.address("FRA"))
    writer.write(HAND_SHAKE)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    await world.edge.close()
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
