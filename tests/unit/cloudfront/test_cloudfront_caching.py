"""The edge over real sockets: what is kept, for whom, and for how long."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import brotli
import pytest

from globule.cloudfront.model import CustomErrorResponse, Selection
from globule.wire.http import Headers, Request, Response


async def test_a_miss_then_hits_each_edge_location_for_itself(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok(b"hello", etag='"1"'))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    first = await world.ask("/a")
    assert (first.status, first.body, first.cache) == (200, b"hello", "Miss")
    assert first.headers.get("age") is None
    world.clock.instant += 10
    for _ in range(3):  # the third and later ones take the hot path
        hit = await world.ask("/a")
        assert (hit.status, hit.body, hit.cache, hit.headers.get("age")) == (200, b"hello", "Hit", "10")
    assert len(origin.requests) == 1
    assert (await world.ask("/a", at="NRT")).cache == "Miss"
    assert len(origin.requests) == 2


async def test_every_answer_names_its_edge_location_and_has_an_id_of_its_own(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    await world.deploy(make.distribution(), make.cache_policy())
    answers = [await world.ask("/a") for _ in range(5)]
    assert len({answer.headers.get("x-amz-cf-id") for answer in answers}) == 5
    for answer in answers:
        assert len(answer.headers.get("x-amz-cf-id")) == 56
        assert answer.headers.get("x-amz-cf-id").endswith("==")
        assert answer.headers.get("x-amz-cf-pop").startswith("FRA")
        assert answer.headers.get("via").endswith(".cloudfront.net (CloudFront)")
        assert answer.headers.get("date") is not None


async def test_hot_and_ordinary_hits_have_the_same_headers(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok(b"x", etag='"1"', content_type="text/plain")))
    await world.deploy(
        make.distribution(make.behavior(response_headers_policy_id="67f7725c-6f97-4210-82d7-5512b31e9d03")),
        make.cache_policy(),
    )
    await world.ask("/a")
    hot = await world.ask("/a")
    ordinary = await world.ask("/a", headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"})
    drop = ("x-amz-cf-id",)
    assert sorted(f for f in hot.headers if f[0] not in drop) == sorted(f for f in ordinary.headers if f[0] not in drop)
    assert hot.headers.get("x-content-type-options") == "nosniff"


async def test_simultaneous_requests_wait_for_one_fetch(world: Any, make: Any) -> None:
    go_on = asyncio.Event()
    asked = 0

    async def slow(request: Request) -> Response:
        nonlocal asked
        asked += 1
        await go_on.wait()
        return make.ok(b"once", cache_control="max-age=60")

    await world.origin("origin.example.com", slow)
    await world.deploy(make.distribution(), make.cache_policy())
    requests = [asyncio.create_task(world.ask("/a")) for _ in range(20)]
    await world.until(lambda: asked)
    await asyncio.sleep(0.02)
    go_on.set()
    answers = await asyncio.gather(*requests)
    assert asked == 1
    assert [answer.body for answer in answers] == [b"once"] * 20
    assert sorted(answer.cache for answer in answers) == ["Hit"] * 19 + ["Miss"]


@pytest.mark.parametrize("cache_control", ["private", "no-store", "no-cache", "max-age=0"])
async def test_waiting_requests_ask_for_themselves_where_the_answer_is_not_for_them(
    world: Any, make: Any, cache_control: str
) -> None:
    go_on = asyncio.Event()
    asked = 0

    async def personal(request: Request) -> Response:
        nonlocal asked
        asked += 1
        number = asked
        await go_on.wait()
        return make.ok(str(number).encode(), cache_control=cache_control)

    await world.origin("origin.example.com", personal)
    await world.deploy(make.distribution(), make.cache_policy())
    requests = [asyncio.create_task(world.ask("/a")) for _ in range(5)]
    await world.until(lambda: asked)
    await asyncio.sleep(0.02)
    assert asked == 1
    go_on.set()
    answers = await asyncio.gather(*requests)
    assert sorted(answer.body for answer in answers) == [b"1", b"2", b"3", b"4", b"5"]
    assert {answer.cache for answer in answers} == {"Miss"}


async def test_nothing_collapses_where_cookies_go_to_the_origin(world: Any, make: Any) -> None:
    go_on = asyncio.Event()
    asked = 0

    async def slow(request: Request) -> Response:
        nonlocal asked
        asked += 1
        await go_on.wait()
        return make.ok()

    await world.origin("origin.example.com", slow)
    await world.deploy(make.distribution(), make.cache_policy(cookies=Selection(behavior="all")))
    requests = [asyncio.create_task(world.ask("/a")) for _ in range(3)]
    await world.until(lambda: asked == 3)
    go_on.set()
    await asyncio.gather(*requests)


async def test_a_large_body_streams_to_all_who_wait_and_is_kept(world: Any, make: Any) -> None:
    halfway = asyncio.Event()
    size = 3_000_000

    async def large(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(30):
                if number == 15:
                    await halfway.wait()
                yield b"%02d" % number * 50_000

        return Response(status=200, headers=Headers([("content-length", str(size))]), body=pieces())

    await world.origin("origin.example.com", large)
    await world.deploy(make.distribution(), make.cache_policy())
    first, second = (asyncio.create_task(world.ask("/a")) for _ in range(2))
    await asyncio.sleep(0.05)
    third = asyncio.create_task(world.ask("/a"))
    await asyncio.sleep(0.02)
    halfway.set()
    answers = await asyncio.gather(first, second, third)
    assert {len(answer.body) for answer in answers} == {size}
    assert len({answer.body for answer in answers}) == 1
    assert sorted(answer.cache for answer in answers) == ["Hit", "Hit", "Miss"]
    assert (await world.ask("/a")).cache == "Hit"


async def test_a_large_body_that_its_only_reader_does_not_want_is_given_up_and_can_be_had_again(
    world: Any, make: Any
) -> None:
    async def large(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b"x" * 100_000

        fields = [("content-length", "3000000"), ("etag", '"1"')]
        return Response(status=200, headers=Headers(fields), body=pieces())

    await world.origin("origin.example.com", large)
    await world.deploy(make.distribution(), make.cache_policy())
    for _ in range(2):
        assert (await world.ask("/a", headers={"If-None-Match": '"1"'})).status == 304
    again = await world.ask("/a")
    assert (again.cache, len(again.body)) == ("Miss", 3_000_000)


async def test_a_viewer_that_leaves_ends_the_fetch_and_nothing_is_kept(world: Any, make: Any) -> None:
    left = asyncio.Event()

    async def endless(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
                    await asyncio.sleep(0.001)
            finally:
                left.set()

        return Response(status=200, body=pieces())

    await world.origin("origin.example.com", endless)
    await world.deploy(make.distribution(), make.cache_policy())
    reader, writer = await asyncio.open_connection(*world.edge.address("FRA"))
    writer.write(b"GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    await asyncio.wait_for(left.wait(), 5)
    await world.until(lambda: not world.edge._locations["FRA"]._errands)
    assert world.edge.statistics()["FRA"]["cache"]["entries"] == 0


@pytest.mark.parametrize("length_known", [True, False])
async def test_a_body_too_large_to_keep_is_relayed_whole(world: Any, make: Any, length_known: bool) -> None:
    size = 20_000_000

    async def huge(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(200):
                yield b"x" * 100_000

        fields = [("content-length", str(size))] if length_known else []
        return Response(status=200, headers=Headers(fields), body=pieces())

    await world.origin("origin.example.com", huge)
    await world.deploy(make.distribution(), make.cache_policy())
    for _ in range(2):
        answer = await world.ask("/a")
        assert (len(answer.body), answer.cache) == (size, "Miss")


async def test_a_truncated_body_is_not_kept(world: Any, make: Any) -> None:
    broken = True

    async def flaky(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x" * 500_000
            if broken:
                raise ValueError("midway")
            yield b"y" * 500_000

        return Response(status=200, headers=Headers([("content-length", "1000000")]), body=pieces())

    await world.origin("origin.example.com", flaky)
    await world.deploy(make.distribution(), make.cache_policy())
    with pytest.raises(ConnectionError):
        await world.ask("/a")
    broken = False
    answer = await world.ask("/a")
    assert (answer.cache, len(answer.body)) == ("Miss", 1_000_000)


async def test_an_expired_object_is_revalidated(world: Any, make: Any) -> None:
    def conditional(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"1"':
            return Response(status=304, headers=Headers([("etag", '"1"'), ("x-new", "yes")]))
        return make.ok(b"hello", etag='"1"', cache_control="max-age=10")

    origin = make.recorder(conditional)
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    await world.ask("/a")
    world.clock.instant += 11
    again = await world.ask("/a")
    assert (again.status, again.body, again.cache) == (200, b"hello", "RefreshHit")
    assert again.headers.get("x-new") == "yes"
    assert again.headers.get("cache-control") == "max-age=10"
    assert (await world.ask("/a")).cache == "Hit"
    assert len(origin.requests) == 2


async def test_stale_while_revalidate_answers_at_once_and_asks_in_the_background(world: Any, make: Any) -> None:
    number = 0

    def counting(request: Request) -> Response:
        nonlocal number
        number += 1
        return make.ok(str(number).encode(), cache_control="max-age=10, stale-while-revalidate=30")

    origin = make.recorder(counting)
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/a")).body == b"1"
    world.clock.instant += 20
    assert (await world.ask("/a")).body == b"1"
    await world.until(lambda: number == 2)
    await world.until(lambda: not world.edge._locations["FRA"]._errands)
    assert (await world.ask("/a")).body == b"2"
    world.clock.instant += 100
    assert (await world.ask("/a")).body == b"3"


async def test_a_stale_object_stands_in_for_a_failing_origin(world: Any, make: Any) -> None:
    failing = False

    def sometimes(request: Request) -> Response:
        return make.ok(b"sorry", status=503) if failing else make.ok(b"good", cache_control="max-age=10")

    origin = make.recorder(sometimes)
    server = await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    await world.ask("/a")
    world.clock.instant += 11
    failing = True
    stale = await world.ask("/a")
    assert (stale.status, stale.body, stale.cache) == (200, b"good", "RefreshHit")
    asked = len(origin.requests)
    world.clock.instant += 9  # the error caching minimum TTL is 10 s: not asked again before
    assert (await world.ask("/a")).body == b"good"
    assert len(origin.requests) == asked
    world.clock.instant += 2
    await server.aclose(0.1)
    assert (await world.ask("/a")).body == b"good"


async def test_stale_if_error_0_shows_the_error(world: Any, make: Any) -> None:
    failing = False

    def sometimes(request: Request) -> Response:
        return (
            make.ok(b"sorry", status=500) if failing else make.ok(b"good", cache_control="max-age=1, stale-if-error=0")
        )

    await world.origin("origin.example.com", make.recorder(sometimes))
    await world.deploy(make.distribution(), make.cache_policy())
    await world.ask("/a")
    failing = True
    world.clock.instant += 2
    answer = await world.ask("/a")
    assert (answer.status, answer.body, answer.cache) == (500, b"sorry", "Error")


async def test_a_404_is_kept_for_ten_seconds_and_a_401_is_not(world: Any, make: Any) -> None:
    def missing(request: Request) -> Response:
        return make.ok(b"no", status=401 if request.target == "/401" else 404, cache_control="no-store")

    origin = make.recorder(missing)
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    for _ in range(2):
        assert (await world.ask("/404")).cache == "Error"
    assert len(origin.requests) == 1
    world.clock.instant += 11
    await world.ask("/404")
    assert len(origin.requests) == 2
    for _ in range(2):
        await world.ask("/401")
    assert len(origin.requests) == 4


async def test_an_origin_that_is_down_is_502_kept_for_its_minimum_time(world: Any, make: Any) -> None:
    world.names.addresses["origin.example.com"] = ("127.0.0.1", 1)
    await world.deploy(
        make.distribution(error_responses=(CustomErrorResponse(error_code=502, minimum_ttl=5),)), make.cache_policy()
    )
    answer = await world.ask("/a")
    assert (answer.status, answer.cache) == (502, "Error")
    assert b"The request could not be satisfied" in answer.body
    assert answer.headers.get("server") == "CloudFront"
    await world.origin("origin.example.com", make.recorder(make.ok()))
    world.clock.instant += 4
    assert (await world.ask("/a")).status == 502
    world.clock.instant += 2
    assert (await world.ask("/a")).status == 200


async def test_an_origin_whose_name_does_not_resolve_is_502(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/a")).status == 502


async def test_a_custom_error_page_takes_the_errors_place(world: Any, make: Any) -> None:
    def site(request: Request) -> Response:
        if request.target == "/lost.html":
            return make.ok(b"lost", content_type="text/html", cache_control="max-age=60")
        return make.ok(b"no", status=403)

    origin = make.recorder(site)
    await world.origin("origin.example.com", origin)
    error = CustomErrorResponse(error_code=403, response_code=404, page_path="/lost.html")
    await world.deploy(make.distribution(error_responses=(error,)), make.cache_policy())
    for _ in range(2):
        answer = await world.ask("/nowhere")
        assert (answer.status, answer.reason, answer.body, answer.cache) == (404, "Not Found", b"lost", "Error")
    assert [request.target for request in origin.requests] == ["/nowhere", "/lost.html", "/nowhere"]


async def test_the_default_root_object_is_for_the_root_only(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(default_root_object="index.html"), make.cache_policy())
    await world.ask("/")
    await world.ask("/folder/")
    assert [request.target for request in origin.requests] == ["/index.html", "/folder/"]


async def test_conditions_are_answered_from_the_cache(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok(b"hello", etag='"1"', last_modified="Tue, 01 Sep 2026 00:00:00 GMT", x_kept="yes"))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    miss = await world.ask("/a", headers={"If-None-Match": '"1"'})
    assert (miss.status, miss.body, miss.cache) == (304, b"", "Miss")
    assert origin.last.get("if-none-match") is None
    for condition in ({"If-None-Match": 'W/"0", "1"'}, {"If-Modified-Since": "Tue, 01 Sep 2026 00:00:01 GMT"}):
        hit = await world.ask("/a", headers=condition)
        assert (hit.status, hit.cache, hit.headers.get("x-kept")) == (304, "Hit", "yes")
    assert (await world.ask("/a", headers={"If-None-Match": '"2"'})).status == 200


async def test_ranges_are_cut_from_what_is_kept(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok(b"0123456789", content_type="text/plain")))
    await world.deploy(make.distribution(), make.cache_policy())
    await world.ask("/a")
    part = await world.ask("/a", headers={"Range": "bytes=2-4"})
    assert (part.status, part.body, part.headers.get("content-range")) == (206, b"234", "bytes 2-4/10")
    last = await world.ask("/a", headers={"Range": "bytes=-3"})
    assert last.body == b"789"
    both = await world.ask("/a", headers={"Range": "bytes=0-1,5-6"})
    assert both.status == 206 and both.headers.get("content-type").startswith("multipart/byteranges; boundary=")
    assert b"Content-Range: bytes 5-6/10\r\n\r\n56\r\n" in both.body
    beyond = await world.ask("/a", headers={"Range": "bytes=10-"})
    assert (beyond.status, beyond.headers.get("content-range")) == (416, "bytes */10")
    overlapping = await world.ask("/a", headers={"Range": "bytes=5-6,0-1"})
    assert (overlapping.status, overlapping.body) == (200, b"0123456789")


async def test_a_range_that_is_not_kept_is_asked_of_the_origin_and_kept_as_a_part(world: Any, make: Any) -> None:
    def partial(request: Request) -> Response:
        if request.headers.get("range") == "bytes=2-4":
            return make.ok(b"234", status=206, content_range="bytes 2-4/10", etag='"1"')
        return make.ok(b"0123456789", etag='"1"')

    origin = make.recorder(partial)
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    for cache in ("Miss", "Hit"):
        part = await world.ask("/a", headers={"Range": "bytes=2-4"})
        assert (part.status, part.body, part.cache) == (206, b"234", cache)
    assert (await world.ask("/a")).body == b"0123456789"
    assert len(origin.requests) == 2


async def test_an_origin_that_ignores_ranges_fills_the_whole_object(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok(b"0123456789"))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    first = await world.ask("/a", headers={"Range": "bytes=2-4"})
    assert (first.status, first.body) == (206, b"234")
    assert (await world.ask("/a")).cache == "Hit"
    assert len(origin.requests) == 1


async def test_head_is_answered_from_what_get_kept_and_asks_with_head_otherwise(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok(b"hello"))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    for cache in ("Miss", "Hit"):
        head = await world.ask("/a", method="HEAD")
        assert (head.status, head.body, head.cache, head.headers.get("content-length")) == (200, b"", cache, "5")
    assert origin.requests[0].method == "HEAD"
    assert (await world.ask("/a")).cache == "Miss"
    head = await world.ask("/a", method="HEAD")
    assert (head.cache, head.headers.get("content-length")) == ("Hit", "5")


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, gzip", "gzip"), ("deflate", None)]
)
async def test_text_is_compressed_once_for_each_coding(
    world: Any, make: Any, accepted: str, coding: str | None
) -> None:
    body = b"many words " * 500
    origin = make.recorder(make.ok(body, content_type="text/html; charset=utf-8", etag='"1"'))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(make.behavior(compress=True)), make.cache_policy(gzip=True, brotli=True))
    for cache in ("Miss", "Hit", "Hit"):
        answer = await world.ask("/a", headers={"Accept-Encoding": accepted})
        assert (answer.cache, answer.headers.get("content-encoding")) == (cache, coding)
        plain = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}[coding](answer.body)
        assert plain == body
        assert answer.headers.get("etag") == ('W/"1"' if coding else '"1"')
    assert origin.last.get("accept-encoding") == {"gzip": "gzip", "br": "br,gzip", None: "identity"}[coding]


async def test_keys_hold_what_the_policy_names_and_nothing_else(world: Any, make: Any) -> None:
    origin = make.recorder(lambda request: make.ok(request.target.encode()))
    await world.origin("origin.example.com", origin)
    policy = make.cache_policy(
        query_strings=Selection(behavior="whitelist", names=("id",)),
        headers=Selection(behavior="whitelist", names=("Accept-Language", "CloudFront-Viewer-Country")),
    )
    await world.deploy(make.distribution(), policy)
    assert (await world.ask("/a?id=1&x=1", headers={"Accept-Language": "en"})).cache == "Miss"
    assert origin.requests[0].target == "/a?id=1"
    assert origin.last.get("cloudfront-viewer-country") == "DE"
    same = await world.ask("/a?x=2&id=1", headers={"Accept-Language": "en", "User-Agent": "other", "Cookie": "a=b"})
    assert same.cache == "Hit"
    for target, headers in (
        ("/a?id=2", {"Accept-Language": "en"}),
        ("/a?id=1", {"Accept-Language": "de"}),
        ("/A?id=1", {"Accept-Language": "en"}),
        ("/a?id=1", {"Accept-Language": "en", "X-Globule-Key": "the-worlds-key", "X-Globule-From": "tokyo"}),
    ):
        assert (await world.ask(target, headers=headers)).cache == "Miss"


async def test_what_passes_for_the_door_without_its_key_is_nobody(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    policy = make.cache_policy(headers=Selection(behavior="whitelist", names=("CloudFront-Viewer-Country",)))
    await world.deploy(make.distribution(make.behavior(origin_request_policy_id=ALL_VIEWER)), policy)
    forged = {"X-Globule-From": "tokyo", "X-Globule-Key": "guess", "CloudFront-Viewer-Country": "JP"}
    await world.ask("/a", headers=forged)
    assert origin.last.all("cloudfront-viewer-country") == ["DE"]
    assert not any(name.startswith("x-globule") for name, _ in origin.last)
    await world.ask("/b", headers={**forged, "X-Globule-Key": "the-worlds-key"})
    assert origin.last.all("cloudfront-viewer-country") == ["JP"]
    assert not any(name.startswith("x-globule") for name, _ in origin.last)


ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"


async def test_an_invalidation_takes_all_variants_of_a_path(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    await world.deploy(
        make.distribution(), make.cache_policy(headers=Selection(behavior="whitelist", names=("Accept-Language",)))
    )
    for language in ("en", "de"):
        for path in ("/a", "/b"):
            await world.ask(path, headers={"Accept-Language": language})
    assert world.edge.invalidate("E1", ["a"]) == 2
    assert (await world.ask("/a", headers={"Accept-Language": "en"})).cache == "Miss"
    assert (await world.ask("/b", headers={"Accept-Language": "en"})).cache == "Hit"
    assert world.edge.invalidate("E1", ["/*"]) == 3
    assert world.edge.invalidate("E2", ["/*"]) == 0


async def test_what_was_asked_for_before_an_invalidation_is_not_kept(world: Any, make: Any) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        asked.set()
        await go_on.wait()
        return make.ok()

    await world.origin("origin.example.com", slow)
    await world.deploy(make.distribution(), make.cache_policy())
    pending = asyncio.create_task(world.ask("/a"))
    await asked.wait()
    world.edge.invalidate("E1", ["/a"])
    go_on.set()
    assert (await pending).status == 200
    assert (await world.ask("/a")).cache == "Miss"


async def test_an_age_that_the_origin_states_counts_and_is_passed_on(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok(age="30", cache_control="max-age=60")))
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/a")).headers.all("age") == ["30"]
    world.clock.instant += 20
    for _ in range(2):
        hit = await world.ask("/a")
        assert (hit.cache, hit.headers.all("age")) == ("Hit", ["50"])
    world.clock.instant += 11
    assert (await world.ask("/a")).cache == "Miss"


async def test_a_204_is_kept_and_never_gets_a_length(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(Response(status=204)))
    await world.deploy(make.distribution(), make.cache_policy())
    for cache in ("Miss", "Hit", "Hit"):
        answer = await world.ask("/a")
        assert (answer.status, answer.cache, answer.headers.get("content-length")) == (204, cache, None)


async def test_set_cookie_is_dropped_unless_cookies_are_forwarded(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok(set_cookie="a=b")))
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/a")).headers.get("set-cookie") is None
    await world.deploy(make.distribution(), make.cache_policy(cookies=Selection(behavior="all")))
    assert (await world.ask("/b")).headers.get("set-cookie") == "a=b"
    assert (await world.ask("/b")).headers.get("set-cookie") == "a=b"


async def test_a_new_world_changes_behavior_and_keeps_what_is_cached(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(), make.cache_policy())
    await world.ask("/a")
    assert (await world.ask("/a")).headers.get("x-frame-options") is None
    await world.deploy(
        make.distribution(make.behavior(response_headers_policy_id="67f7725c-6f97-4210-82d7-5512b31e9d03")),
        make.cache_policy(),
    )
    for _ in range(3):
        again = await world.ask("/a")
        assert (again.cache, again.headers.get("x-frame-options")) == ("Hit", "SAMEORIGIN")
    await world.deploy()
    assert (await world.ask("/a")).status == 403


async def test_a_distribution_with_an_unknown_policy_is_a_problem_and_the_others_serve(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    bad = make.distribution(make.behavior("no-such-policy"), id="E2", domain_name="d2.cloudfront.net", aliases=())
    await world.deploy(make.distribution(), bad, make.cache_policy())
    assert (await world.ask("/a")).status == 200
    (problem,) = world.edge.problems()
    assert "E2" in problem and "no-such-policy" in problem
