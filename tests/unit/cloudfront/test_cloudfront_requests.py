"""The edge over real sockets: who gets in, what origins are sent, which origin is asked, and what is never confused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from globule.cloudfront.model import (
    Cors,
    CustomOrigin,
    ForwardedValues,
    GeoRestriction,
    OriginAccessControl,
    OriginGroup,
    OriginRequestPolicy,
    ResponseHeader,
    ResponseHeadersPolicy,
    S3Origin,
    Selection,
)
from globule.wire.http import Request, Response
from globule.world.places import city
from globule.world.subnets import place_of_client

ALL_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


async def test_an_unknown_host_is_403(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(), make.cache_policy())
    answer = await world.ask("/", host="other.example.com")
    assert (answer.status, answer.cache) == (403, "Error")


async def test_a_distribution_answers_to_its_domain_name_and_its_aliases(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    await world.deploy(make.distribution(aliases=("www.example.com", "*.shop.example.com")), make.cache_policy())
    for host in ("d1.cloudfront.net", "WWW.example.com:4580", "a.shop.example.com", "a.b.shop.example.com"):
        assert (await world.ask("/", host=host)).status == 200
    assert (await world.ask("/", host="shop.example.com")).status == 403


async def test_a_disabled_distribution_is_not_served(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(enabled=False), make.cache_policy())
    assert (await world.ask("/")).status == 403


async def test_a_method_that_is_not_allowed_is_403_with_amazons_words(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(), make.cache_policy())
    answer = await world.ask("/", method="DELETE")
    assert answer.status == 403
    assert b"This distribution is not configured to allow the HTTP request method" in answer.body


async def test_a_get_with_a_body_is_403(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/", body=b"x")).status == 403


async def test_a_url_that_is_too_long_is_413(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(), make.cache_policy())
    assert (await world.ask("/" + "a" * 8200)).status == 413


async def test_a_head_that_is_too_large_is_413_and_closes(world: Any, make: Any) -> None:
    answer = await world.ask("/", headers={"X": "y" * 21_000})
    assert (answer.status, answer.headers.get("connection")) == (413, "close")
    assert answer.headers.get("server") == "CloudFront"


@pytest.mark.parametrize(
    ("kind", "countries", "status"),
    [("whitelist", {"DE"}, 200), ("whitelist", {"JP"}, 403), ("blacklist", {"DE"}, 403), ("blacklist", {"JP"}, 200)],
)
async def test_countries_can_be_kept_out(world: Any, make: Any, kind: Any, countries: set[str], status: int) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    restriction = GeoRestriction(kind=kind, countries=frozenset(countries))
    await world.deploy(make.distribution(geo_restriction=restriction), make.cache_policy())
    assert (await world.ask("/")).status == status


async def test_http_is_redirected_or_refused_as_the_behavior_says(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    plain = {"X-Globule-Key": "the-worlds-key", "X-Globule-Scheme": "http"}
    await world.deploy(
        make.distribution(make.behavior(viewer_protocol_policy="redirect-to-https", allowed_methods=ALL_METHODS)),
        make.cache_policy(),
    )
    moved = await world.ask("/a?b=c", headers=plain)
    assert (moved.status, moved.headers.get("location")) == (301, "https://www.example.com/a?b=c")
    assert moved.cache == "Redirect"
    assert (await world.ask("/a", method="POST", headers=plain)).status == 307
    assert (await world.ask("/a")).status == 200
    await world.deploy(make.distribution(make.behavior(viewer_protocol_policy="https-only")), make.cache_policy())
    assert (await world.ask("/a", headers=plain)).status == 403


async def test_the_first_behavior_that_matches_decides(world: Any, make: Any) -> None:
    api = make.recorder(make.ok(b"api"))
    site = make.recorder(make.ok(b"site"))
    await world.origin("api.example.com", api)
    await world.origin("origin.example.com", site)
    await world.deploy(
        make.distribution(
            origins=(make.origin(), make.origin("api", "api.example.com")),
            behaviors=(
                make.behavior(path_pattern="/api/*", target_origin_id="api"),
                make.behavior(path_pattern="*.j?g", target_origin_id="api"),
            ),
        ),
        make.cache_policy(),
    )
    for path, body in (
        ("/api/x", b"api"),
        ("/api", b"site"),
        ("/API/x", b"site"),
        ("/deep/photo.jpg", b"api"),
        ("/photo.jpeg", b"site"),
        ("/x/../api/x", b"api"),
        ("/%61pi/x", b"api"),
        ("/a?/api/x", b"site"),
    ):
        assert (await world.ask(path)).body == body, path
    assert [request.target for request in api.requests][-2:] == ["/x/../api/x", "/%61pi/x"]


@pytest.mark.parametrize(
    ("behavior", "viewers", "signed"),
    [("always", None, True), ("always", "Basic x", True), ("no-override", "Basic x", False), ("never", None, False)],
)
async def test_requests_are_signed_where_the_origins_access_control_says_so(
    world: Any, make: Any, behavior: str, viewers: str | None, signed: bool
) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    control = OriginAccessControl(id="EA", name="a", origin_type="lambda", signing_behavior=behavior)  # type: ignore[arg-type]
    headers = Selection(behavior="whitelist", names=("Authorization",))
    await world.deploy(
        make.distribution(origins=(make.origin(access_control_id="EA"),)), make.cache_policy(headers=headers), control
    )
    await world.ask("/", headers={"Authorization": viewers} if viewers else {})
    sent = origin.last.get("authorization")
    assert (sent or "").startswith("AWS4-HMAC-SHA256 Credential=CLOUDFRONT/") == signed
    assert signed or sent == viewers


async def test_an_access_control_that_does_not_exist_is_told(world: Any, make: Any) -> None:
    await world.deploy(make.distribution(origins=(make.origin(access_control_id="EA"),)), make.cache_policy())
    assert world.edge.problems() == (
        "E1 is not served: the origin origin names the access control EA, which does not exist",
    )


async def test_origins_get_little_by_default(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    custom = (("X-Secret", "s"), ("Accept-Language", "xx"))
    await world.deploy(
        make.distribution(make.behavior(allowed_methods=ALL_METHODS), origins=(make.origin(custom_headers=custom),)),
        make.cache_policy(),
    )
    await world.ask(
        "/a?b=c",
        headers={
            "Accept-Language": "de",
            "Authorization": "Basic x",
            "Cookie": "a=b",
            "Referer": "http://x/",
            "User-Agent": "curl",
            "X-Custom": "1",
            "X-Forwarded-For": "1.2.3.4",
            "X-Real-IP": "6.6.6.6",
            "If-None-Match": '"1"',
            "Accept-Encoding": "gzip",
        },
    )
    sent = dict(origin.last)
    assert sent.pop("x-amz-cf-id").endswith("==")
    assert sent.pop("via").startswith("1.1 ")
    assert sent.pop("x-forwarded-for").startswith("1.2.3.4, 127.")
    assert sent == {
        "host": "origin.example.com",
        "user-agent": "Amazon CloudFront",
        "x-secret": "s",
        "accept-language": "xx",
    }
    assert origin.requests[0].target == "/a"
    await world.ask("/a", method="POST", body=b"{}", headers={"Content-Type": "application/json"})
    assert origin.last.get("content-type") == "application/json"


async def test_all_viewer_except_host_sends_the_rest(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    await world.deploy(
        make.distribution(
            make.behavior(
                CACHING_DISABLED, origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST, allowed_methods=ALL_METHODS
            )
        )
    )
    headers = {"Authorization": "Bearer x", "Cookie": "b=2; a=1", "User-Agent": "curl", "If-None-Match": '"1"'}
    answer = await world.ask("/a?b=c", method="PUT", body=b"x" * 300_000, headers=headers)
    assert (answer.status, answer.cache) == (200, "Miss")
    assert origin.requests[0].target == "/a?b=c"
    assert origin.last.get("host") == "origin.example.com"
    assert origin.last.get("authorization") == "Bearer x"
    assert origin.last.get("cookie") == "a=1; b=2"
    assert origin.last.get("user-agent") == "curl"
    assert origin.last.get("if-none-match") == '"1"'
    assert len(origin.bodies[0]) == 300_000


async def test_nothing_is_kept_with_caching_disabled(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok(cache_control="max-age=3600"))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED)))
    assert [(await world.ask("/a")).cache for _ in range(3)] == ["Miss"] * 3
    assert len(origin.requests) == 3


async def test_older_settings_forward_and_key_as_they_say(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    values = ForwardedValues(
        query_string=True,
        query_string_cache_keys=("id",),
        cookies=Selection(behavior="whitelist", names=("session",)),
        headers=("Accept-Language",),
    )
    await world.deploy(make.distribution(make.behavior("", forwarded_values=values)))
    headers = {"Accept-Language": "de", "X-Custom": "1", "Referer": "http://x/", "Cookie": "other=1; session=2"}
    assert (await world.ask("/a?id=1&x=1", headers=headers)).cache == "Miss"
    assert origin.requests[0].target == "/a?id=1&x=1"  # all go, one is keyed
    assert origin.last.get("x-custom") == "1"
    assert origin.last.get("referer") is None
    assert origin.last.get("cookie") == "session=2"
    assert (await world.ask("/a?id=1&x=2", headers={**headers, "X-Custom": "2"})).cache == "Hit"
    assert (await world.ask("/a?id=2", headers=headers)).cache == "Miss"
    everything = ForwardedValues(query_string=False, headers=("*",))
    await world.deploy(make.distribution(make.behavior("", forwarded_values=everything)))
    assert [(await world.ask("/b")).cache for _ in range(2)] == ["Miss", "Miss"]
    assert origin.last.get("host") == "www.example.com"


async def test_an_s3_origin_is_asked_by_its_own_name(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    name = "bucket.s3.eu-west-1.amazonaws.com"
    await world.origin(name, origin)
    site = make.origin(domain_name=name, config=S3Origin(), path="/site")
    await world.deploy(make.distribution(origins=(site,)), make.cache_policy())
    await world.ask("/a")
    assert (origin.requests[0].target, origin.last.get("host")) == ("/site/a", name)


@pytest.mark.parametrize(("status", "body"), [(503, b"second"), (404, b"first")])
async def test_an_origin_group_fails_over_on_listed_statuses_only(
    world: Any, make: Any, status: int, body: bytes
) -> None:
    await world.origin("one.example.com", make.recorder(make.ok(b"first", status=status)))
    await world.origin("two.example.com", make.recorder(make.ok(b"second")))
    await deploy_group(world, make, {503})
    assert (await world.ask("/a")).body == body


async def test_an_origin_group_fails_over_when_the_primary_is_down_if_503_is_listed(world: Any, make: Any) -> None:
    await world.origin("two.example.com", make.recorder(make.ok(b"second")))
    world.names.addresses["one.example.com"] = ("127.0.0.1", 1)
    await deploy_group(world, make, {503})
    assert (await world.ask("/a")).body == b"second"
    await deploy_group(world, make, {500})
    assert (await world.ask("/b")).status == 502


async def test_an_origin_group_does_not_fail_over_for_writes(world: Any, make: Any) -> None:
    second = make.recorder(make.ok(b"second"))
    await world.origin("one.example.com", make.recorder(make.ok(b"first", status=503)))
    await world.origin("two.example.com", second)
    await deploy_group(world, make, {503})
    assert (await world.ask("/a", method="POST")).body == b"first"
    assert second.requests == []


async def deploy_group(world: Any, make: Any, codes: set[int]) -> None:
    await world.deploy(
        make.distribution(
            make.behavior(target_origin_id="group", allowed_methods=ALL_METHODS),
            origins=(make.origin("one", "one.example.com"), make.origin("two", "two.example.com")),
            origin_groups=(OriginGroup(id="group", members=("one", "two"), status_codes=frozenset(codes)),),
        ),
        make.cache_policy(),
    )


async def test_an_origin_that_does_not_answer_in_time_is_504(world: Any, make: Any) -> None:
    async def silent(request: Request) -> Response:
        await asyncio.sleep(5)
        raise AssertionError

    await world.origin("origin.example.com", silent)
    slow = make.origin(config=CustomOrigin(protocol_policy="http-only", read_timeout=0.05))
    await world.deploy(make.distribution(origins=(slow,)), make.cache_policy())
    assert (await world.ask("/a")).status == 504


async def test_origin_connections_are_kept_and_the_trace_says_so(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    await world.deploy(make.distribution(), make.cache_policy())
    traced = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}
    for path in ("/a", "/b", "/b"):
        await world.ask(path, headers=traced)
    spans = world.tracer.of("1-67891233-abcdef012345678912345678")
    notes = [span.note for span in spans if span.name == "origin response"]
    assert notes == ["200 from us-east-1, new connection", "200 from us-east-1, open connection"]
    assert [span.name for span in spans].count("origin connect") == 1
    assert [span.note for span in spans if span.name == "cache"] == ["Miss", "Miss", "Hit"]


async def test_a_response_headers_policy_removes_then_adds(world: Any, make: Any) -> None:
    await world.origin(
        "origin.example.com", make.recorder(make.ok(x_powered_by="php", server="Apache", x_frame_options="DENY"))
    )
    policy = ResponseHeadersPolicy(
        id="headers",
        name="headers",
        removed=("x-powered-by", "server"),
        added=(
            ResponseHeader(name="X-Frame-Options", value="SAMEORIGIN"),
            ResponseHeader(name="Cache-Control", value="no-store", override=True),
        ),
        cors=Cors(allow_origins=("https://*.example.org",), allow_headers=(), allow_methods=("GET",), override=True),
    )
    await world.deploy(
        make.distribution(make.behavior(response_headers_policy_id="headers")), make.cache_policy(), policy
    )
    for cache in ("Miss", "Hit", "Hit"):
        answer = await world.ask("/a", headers={"Origin": "https://app.example.org"})
        assert answer.cache == cache
        assert answer.headers.get("x-powered-by") is None
        assert answer.headers.all("server") == ["CloudFront"]
        assert answer.headers.get("x-frame-options") == "DENY"
        assert answer.headers.get("cache-control") == "no-store"
        assert answer.headers.get("access-control-allow-origin") == "https://app.example.org"
    other = await world.ask("/a", headers={"Origin": "https://evil.org"})
    assert (other.cache, other.headers.get("access-control-allow-origin")) == ("Hit", None)


async def test_server_timing_comes_by_chance_or_when_asked_for(world: Any, make: Any) -> None:
    await world.origin("origin.example.com", make.recorder(make.ok()))
    policy = ResponseHeadersPolicy(id="headers", name="headers", server_timing_rate=1e-12)
    await world.deploy(
        make.distribution(make.behavior(response_headers_policy_id="headers")), make.cache_policy(), policy
    )
    assert (await world.ask("/a")).headers.get("server-timing") is None
    timing = (await world.ask("/a", headers={"Pragma": "server-timing"})).headers.get("server-timing")
    assert timing.startswith("cdn-cache-hit,") and 'cdn-pop;desc="FRA' in timing


async def test_options_can_be_cached_under_a_key_of_its_own(world: Any, make: Any) -> None:
    origin = make.recorder(lambda request: make.ok(request.method.encode()))
    await world.origin("origin.example.com", origin)
    three = frozenset({"GET", "HEAD", "OPTIONS"})
    await world.deploy(
        make.distribution(make.behavior(allowed_methods=three, cached_methods=three)), make.cache_policy()
    )
    assert (await world.ask("/a")).body == b"GET"
    for cache in ("Miss", "Hit"):
        answer = await world.ask("/a", method="OPTIONS")
        assert (answer.body, answer.cache) == (b"OPTIONS", cache)


async def test_cloudfront_headers_go_where_a_policy_names_them(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    names = ("CloudFront-Viewer-City", "CloudFront-Is-Mobile-Viewer", "CloudFront-Viewer-Address", "X-App")
    policy = OriginRequestPolicy(id="orp", name="orp", headers=Selection(behavior="whitelist", names=names))
    await world.deploy(make.distribution(make.behavior(origin_request_policy_id="orp")), make.cache_policy(), policy)
    await world.ask(
        "/a",
        headers={
            "X-Globule-Key": "the-worlds-key",
            "X-Globule-From": "sao-paulo",
            "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
            "X-App": "1",
        },
    )
    assert origin.last.get("cloudfront-viewer-city").encode("latin-1").decode() == "São Paulo"
    assert origin.last.get("cloudfront-is-mobile-viewer") == "true"
    address, _, port = origin.last.get("cloudfront-viewer-address").rpartition(":")
    assert place_of_client(address) == city("sao-paulo") and port == "443"
    assert origin.last.get("x-forwarded-for") == address
    assert origin.last.get("cloudfront-viewer-country") is None
    assert origin.last.get("x-app") == "1"


async def test_a_viewer_cannot_poison_an_origin_connection(world: Any, make: Any) -> None:
    """What one viewer sends in a body is never taken for another's request."""
    origin = make.recorder(lambda request: make.ok(request.target.encode()))
    await world.origin("origin.example.com", origin)
    await world.deploy(make.distribution(make.behavior(CACHING_DISABLED, allowed_methods=ALL_METHODS)))
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: origin.example.com\r\n\r\n"
    for framing in (
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
        b"Content-Length: %d\r\nContent-Length: 0\r\n\r\n" % len(smuggled) + smuggled,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
        b"Connection: Content-Length\r\nContent-Length: %d\r\n\r\n" % len(smuggled) + smuggled,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
    ):
        reader, writer = await asyncio.open_connection(*world.edge.address("FRA"))
        writer.write(b"POST /outer HTTP/1.1\r\nHost: www.example.com\r\n" + framing)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert (await world.ask("/next")).body == b"/next"
    assert all(request.target != "/smuggled" for request in origin.requests)
