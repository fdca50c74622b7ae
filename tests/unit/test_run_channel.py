"""Control sockets: requests, replies, and the sign of life."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from globule.run.channel import Channel, ChannelClosed, ask_once, serve_channel
from globule.run.events import KEPT_EVENTS, Events
from globule.run.messages import Event, Inspect, Inspected, Refused, Reply, Request, Watch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.sock"


async def test_a_request_is_answered_by_its_reply(path: Path) -> None:
    async def handler(request: Request) -> Reply:
        assert isinstance(request, Inspect)
        return Inspected(statistics={"requests": 3})

    server = await serve_channel(path, handler)
    assert await ask_once(path, Inspect()) == Inspected(statistics={"requests": 3})
    await server.close()


async def test_a_line_that_is_no_request_is_refused_and_the_next_one_answered(path: Path) -> None:
    async def handler(request: Request) -> Reply:
        return Inspected(statistics={})

    server = await serve_channel(path, handler)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"type":"Format"}\n{"type":"Inspect"}\n')
    replies = [msgspec.json.decode(await reader.readline(), type=Refused | Inspected) for _ in range(2)]
    assert [type(reply) for reply in replies] == [Refused, Inspected]
    writer.close()
    await server.close()


async def test_nobody_listening_is_said_and_not_waited_for(path: Path) -> None:
    with pytest.raises(ChannelClosed):
        await ask_once(path, Inspect())


async def test_a_connection_ends_when_its_process_does(path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        "python3",
        "-c",
        f"import socket; s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); s.listen();"
        "c, _ = s.accept(); c.recv(1); input()",
        stdin=asyncio.subprocess.PIPE,
    )
    while True:
        try:
            channel = await Channel.open(path)
            break
        except ChannelClosed:
            await asyncio.sleep(0.01)
    gone = asyncio.create_task(channel.until_closed())
    server.kill()
    await asyncio.wait_for(gone, 10)
    await server.wait()
    await channel.close()


async def test_a_watcher_sees_what_happened_before_it_came_and_after_each_once(path: Path) -> None:
    events = Events()
    events.report("progress", "before")

    async def handler(request: Request) -> Reply | AsyncIterator[Reply]:
        assert isinstance(request, Watch)
        return events.watch()

    server = await serve_channel(path, handler)
    channel = await Channel.open(path)
    seen: list[str] = []
    async for event in channel.stream(Watch()):
        assert isinstance(event, Event)
        seen.append(event.text)
        if event.text == "before":
            events.report("ready", "after")
        else:
            break
    assert seen == ["before", "after"]
    await channel.close()
    await server.close()


async def test_events_are_bounded() -> None:
    events = Events()
    for number in range(KEPT_EVENTS + 10):
        events.report("progress", str(number))
    first = await anext(events.watch())
    assert first.text == "10"
