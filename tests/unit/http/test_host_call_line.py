"""Many calls over one connection: out of order, in large numbers, and when either end goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globule.host.call_line import OPEN_LIMIT, UPGRADE, AnsweringLine, CallLine
from globule.host.http_server import Server, Upgrade, serve
from globule.host.network import LoopbackNetwork
from globule.wire.frames import ANSWER, QUESTION, BadFrame, Frame, FrameReader, encode_frame
from globule.wire.http import Headers, Request, Response

GREETING = f"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: {UPGRADE}\r\n\r\n".encode()
LIMIT_BYTES = 4 * 1024 * 1024


class Both:
    """Two ends of one line, over a real socket."""

    def __init__(self) -> None:
        self.server: Server
        self.line: CallLine
        self.transports: list[asyncio.Transport] = []

    async def open(self, answer: Callable[[bytes], Awaitable[bytes]], *, limit_bytes: int = LIMIT_BYTES) -> None:
        async def handler(request: Request) -> Response | Upgrade:
            def take_over(transport: asyncio.Transport, arrived: bytes) -> asyncio.Protocol:
                self.transports.append(transport)
                line = AnsweringLine(transport, answer, limit_bytes=limit_bytes)
                line.data_received(arrived)
                return line

            return Upgrade(Response(status=101, headers=Headers([("upgrade", UPGRADE)])), take_over)

        self.server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), handler)
        _, self.line = await LoopbackNetwork().connect(
            lambda: CallLine(GREETING, limit_bytes=LIMIT_BYTES), self.server.address
        )

    async def close(self) -> None:
        self.line.abort()
        await self.server.aclose()


async def echo(question: bytes) -> bytes:
    return question


@given(
    st.lists(st.builds(Frame, st.integers(0, 2**64 - 1), st.sampled_from([QUESTION, ANSWER]), st.binary(max_size=50))),
    st.lists(st.integers(1, 60)),
)
def test_frames_are_read_back_however_the_stream_is_cut(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(map(encode_frame, frames))
    reader = FrameReader(1000)
    found: list[Frame] = []
    for cut in cuts:
        piece, stream = stream[:cut], stream[cut:]
        found += reader.feed(piece)
    found += reader.feed(stream)
    assert found == frames


@pytest.mark.parametrize(
    "data", [b"\xff" * 20, b"\x00\x00\x00\x01" + b"\x00" * 20, encode_frame(Frame(1, 0, b"x" * 2000))]
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        list(FrameReader(1000).feed(data))


async def test_answers_come_when_they_are_ready() -> None:
    gate = asyncio.Event()

    async def answer(question: bytes) -> bytes:
        if question == b"slow":
            await gate.wait()
        return question.upper()

    both = Both()
    await both.open(answer)
    slow = asyncio.create_task(both.line.call(b"slow"))
    assert await both.line.call(b"quick") == b"QUICK"
    assert not slow.done()
    gate.set()
    assert await slow == b"SLOW"
    await both.close()


async def test_more_calls_than_the_other_end_takes_at_once_and_large_ones() -> None:
    most = 0
    under_way = 0

    async def answer(question: bytes) -> bytes:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return question

    both = Both()
    await both.open(answer)
    questions = [b"%d" % number + b"x" * 2000 for number in range(4 * OPEN_LIMIT)]
    assert await asyncio.gather(*map(both.line.call, questions)) == questions
    # What had arrived when the limit was reached is still taken.
    assert most < 3 * OPEN_LIMIT
    large = b"y" * (LIMIT_BYTES - 100)
    assert await both.line.call(large) == large
    await both.close()


async def test_a_question_that_fails_fails_alone() -> None:
    async def answer(question: bytes) -> bytes:
        if question == b"busy":
            raise ConnectionRefusedError("no world yet")
        if question == b"broken":
            raise LookupError("ours")
        return question

    both = Both()
    await both.open(answer)
    with pytest.raises(ConnectionError, match="no world yet"):
        await both.line.call(b"busy")
    with pytest.raises(ConnectionError, match="internal error"):
        await both.line.call(b"broken")
    assert await both.line.call(b"good") == b"good"
    await both.close()


async def test_when_the_other_end_goes_away_every_call_hears_of_it() -> None:
    async def answer(question: bytes) -> bytes:
        await asyncio.sleep(0 if question == b"quick" else 60)
        return question

    both = Both()
    await both.open(answer)
    calls = [asyncio.create_task(both.line.call(b"%d" % number)) for number in range(5)]
    await both.line.call(b"quick")
    both.transports[0].abort()
    for result in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(result, ConnectionError)
    assert not both.line.up
    with pytest.raises(ConnectionError):
        await both.line.call(b"later")
    await both.server.aclose()


async def test_a_line_from_which_nothing_comes_is_given_up_with_the_call() -> None:
    async def answer(question: bytes) -> bytes:
        await asyncio.sleep(60 if question == b"never" else 0)
        return question

    both = Both()
    await both.open(answer)
    # Another answer came meanwhile: the line is good, the call was not.
    never = asyncio.create_task(asyncio.wait_for(both.line.call(b"never"), 0.2))
    await asyncio.sleep(0)
    assert await both.line.call(b"soon") == b"soon"
    with pytest.raises(TimeoutError):
        await never
    assert both.line.up
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(both.line.call(b"never"), 0.05)
    assert not both.line.up
    await both.server.aclose()


async def test_a_frame_beyond_the_limit_ends_the_line() -> None:
    both = Both()
    await both.open(echo, limit_bytes=1000)
    with pytest.raises(ConnectionError):
        await both.line.call(b"x" * 2000)
    await both.server.aclose()
