"""Relaying without a task: the same answers as the ordinary way gives, and nothing asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from globule.cloudfront.model import CustomErrorResponse, CustomOrigin
from globule.wire.http import Headers, Request, Response

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})


async def deploy(world: Any, make: Any, answer: Any, **more: Any) -> Any:
    origin = make.recorder(answer)
    await world.origin("origin.example.com", origin)
    behavior = make.behavior(CACHING_DISABLED, origin_request_policy_id=ALL_VIEWER, allowed_methods=ALL_METHODS)
    await world.deploy(make.distribution(behavior, **more))
    return origin


def express(world: Any) -> int:
    return int(world.edge.statistics()["FRA"]["express"])


async def test_it_gives_what_the_ordinary_way_gives_and_sends_what_that_sends(world: Any, make: Any) -> None:
    origin = await deploy(world, make, make.ok())
    origin.answer = make.ok(b"hello", etag='"1"', set_cookie="a=b", age="7", warning="199 - x")
    ordinary, _, quick = [await world.ask("/a?b=c", headers={"Cookie": "b=2; a=1"}) for _ in range(3)]
    assert express(world) >= 1
    assert (quick.status, quick.reason, quick.body, quick.cache) == (200, "OK", b"hello", "Miss")
    for got in (ordinary, quick):
        assert len(got.headers.get("x-amz-cf-id")) == 56
        got.headers.remove("x-amz-cf-id")
    assert sorted(ordinary.headers) == sorted(quick.headers)
    sent = [dict(request.headers) for request in origin.requests[-3:]]
    assert len({request.pop("x-amz-cf-id") for request in sent}) == 3
    assert sent[0] == sent[1] == sent[2]
    assert {request.target for request in origin.requests} == {"/a?b=c"}


async def test_errors_are_marked_and_error_pages_shown(world: Any, make: Any) -> None:
    def site(request: Request) -> Response:
        found: Response = make.ok(b"lost") if request.target == "/lost.html" else make.ok(b"no", status=404)
        return found

    page = CustomErrorResponse(error_code=404, response_code=404, page_path="/lost.html")
    origin = await deploy(world, make, site)
    for _ in range(3):
        assert (await world.ask("/a")).cache == "Error"
    assert express(world) == 2
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED), error_responses=(page,)), make.cache_policy())
    before = len(origin.requests)
    for _ in range(3):
        answer = await world.ask("/a")
        assert (answer.status, answer.body) == (404, b"lost")
    assert [request.target for request in origin.requests[before:]] == ["/a", "/lost.html"] * 3


async def test_a_long_body_goes_on_in_the_ordinary_way_and_is_asked_for_once(world: Any, make: Any) -> None:
    asked = 0

    async def large(request: Request) -> Response:
        nonlocal asked
        asked += 1

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 50_000

        return Response(status=200, headers=Headers([("content-length", "1000000")]), body=pieces())

    await world.origin("origin.example.com", large)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED)))
    for _ in range(3):
        answer = await world.ask("/a")
        assert (len(answer.body), answer.headers.get("content-length"), answer.cache) == (1_000_000, "1000000", "Miss")
    assert asked == 3


async def test_a_response_without_a_body(world: Any, make: Any) -> None:
    origin = await deploy(world, make, Response(status=204))
    for _ in range(3):
        answer = await world.ask("/a")
        assert (answer.status, answer.headers.get("content-length"), answer.headers.get("via") is None) == (
            204,
            None,
            False,
        )
    assert len(origin.requests) == 3


async def test_an_idle_connection_that_the_origin_closed_is_not_an_error(world: Any, make: Any) -> None:
    answered = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request on each connection, and closes when the second one comes."""
        nonlocal answered
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        answered += 1
        await reader.readuntil(b"\r\n\r\n")

    await world.raw_origin("origin.example.com", script)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED)))
    for _ in range(4):
        answer = await world.ask("/a")
        assert (answer.status, answer.body) == (200, b"ok")
    assert answered == 4


async def test_an_origin_that_falls_silent_is_504_and_not_asked_again(world: Any, make: Any) -> None:
    asked = 0

    async def silent_after_the_first(request: Request) -> Response:
        nonlocal asked
        asked += 1
        if asked > 1:
            await asyncio.sleep(5)
        found: Response = make.ok()
        return found

    await world.origin("origin.example.com", silent_after_the_first)
    slow = make.origin(config=CustomOrigin(protocol_policy="http-only", read_timeout=0.1))
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED), origins=(slow,)))
    assert (await world.ask("/a")).status == 200
    answer = await world.ask("/a")
    assert (answer.status, answer.cache, asked) == (504, "Error", 2)


async def test_a_malformed_answer_is_502(world: Any, make: Any) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")

    await world.raw_origin("origin.example.com", script)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED)))
    assert [(await world.ask("/a")).status for _ in range(2)] == [200, 502]


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_only_get_goes_this_way(world: Any, make: Any, method: str) -> None:
    await deploy(world, make, make.ok())
    for _ in range(3):
        assert (await world.ask("/a", method=method, body=b"x" if method == "POST" else b"")).status == 200
    assert express(world) == 0


async def test_a_burst_is_answered_whole_and_each_to_its_own(world: Any, make: Any) -> None:
    await deploy(world, make, lambda request: make.ok(request.target.encode()))
    paths = [f"/{number % 7}" for number in range(200)]
    answers = await asyncio.gather(*(world.ask(path) for path in paths))
    assert [answer.body.decode() for answer in answers] == paths
    assert express(world) > 0
