"""Lambda@Edge over real sockets: when each function runs, what it sees, what it may change, and what it must not."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import pytest

from globule.cloudfront.model import CustomErrorResponse, CustomOrigin, Selection
from globule.cloudfront.rules import edge_results
from globule.wire.http import Request, Response


def request_of(event: Any) -> Any:
    return event["Records"][0]["cf"]["request"]


def response_of(event: Any) -> Any:
    return event["Records"][0]["cf"]["response"]


async def deploy(world: Any, make: Any, *events: str, answer: Any = None, policy: Any = None, **more: Any) -> Any:
    """A distribution whose function for each event has the event's name."""
    origin = make.recorder(answer or make.ok(b"from the origin", cache_control="max-age=60"))
    await world.origin("origin.example.com", origin)
    functions = tuple(make.function(event, event) for event in events)
    await world.deploy(make.distribution(make.behavior(functions=functions, **more)), policy or make.cache_policy())
    return origin


async def test_each_function_runs_at_its_own_event_and_not_on_hits(world: Any, make: Any) -> None:
    await deploy(world, make, "viewer-request", "origin-request", "origin-response", "viewer-response")
    world.functions.handlers = {
        "viewer-request": lambda event, _: request_of(event),
        "origin-request": lambda event, _: request_of(event),
        "origin-response": lambda event, _: response_of(event),
        "viewer-response": lambda event, _: response_of(event),
    }
    assert (await world.ask("/a?x=1")).body == b"from the origin"
    kinds = [event["config"]["eventType"] for event in world.functions.events]
    assert kinds == ["viewer-request", "origin-request", "origin-response", "viewer-response"]
    world.functions.events.clear()
    assert (await world.ask("/a?x=1")).cache == "Hit"
    assert [event["config"]["eventType"] for event in world.functions.events] == ["viewer-request", "viewer-response"]


async def test_what_functions_see(world: Any, make: Any) -> None:
    await deploy(world, make, "viewer-request", "origin-request", "origin-response", "viewer-response")
    world.functions.handlers = {
        "viewer-request": lambda event, _: request_of(event),
        "origin-request": lambda event, _: request_of(event),
        "origin-response": lambda event, _: response_of(event),
        "viewer-response": lambda event, _: response_of(event),
    }
    answer = await world.ask("/a?x=1", headers={"User-Agent": "curl/8", "Connection": "keep-alive"})
    viewer, origin, origin_response, _ = world.functions.events
    request_id = answer.headers.get("x-amz-cf-id")
    assert viewer["config"] == {
        "distributionDomainName": "d1.cloudfront.net",
        "distributionId": "E1",
        "eventType": "viewer-request",
        "requestId": request_id,
    }
    assert (viewer["request"]["uri"], viewer["request"]["querystring"]) == ("/a", "x=1")
    assert viewer["request"]["method"] == "GET"
    assert viewer["request"]["headers"]["host"] == [{"key": "Host", "value": "www.example.com"}]
    assert viewer["request"]["headers"]["user-agent"] == [{"key": "User-Agent", "value": "curl/8"}]
    assert "connection" not in viewer["request"]["headers"] and "origin" not in viewer["request"]
    headers = origin["request"]["headers"]
    assert headers["host"][0]["value"] == "origin.example.com"
    assert headers["user-agent"][0]["value"] == "Amazon CloudFront"
    assert headers["x-amz-cf-id"][0]["value"] == request_id
    assert headers["x-forwarded-for"][0]["value"] == viewer["request"]["clientIp"]
    assert origin["request"]["querystring"] == ""  # no policy sends it
    assert origin["request"]["origin"]["custom"] == {
        "customHeaders": {},
        "domainName": "origin.example.com",
        "keepaliveTimeout": 5,
        "path": "",
        "port": 80,
        "protocol": "http",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1", "SSLv3"],
    }
    assert origin_response["response"]["status"] == "200"
    assert origin_response["response"]["statusDescription"] == "OK"
    assert "body" not in origin_response["response"]


async def test_a_viewer_request_function_may_rewrite_the_path_which_is_then_the_key(world: Any, make: Any) -> None:
    origin = await deploy(world, make, "viewer-request")

    def pretty(event: Any, _: Any) -> Any:
        request = request_of(event)
        request["uri"] = "/index.html"
        request["headers"]["x-added"] = [{"key": "X-Added", "value": "1"}]
        return request

    world.functions.handlers["viewer-request"] = pretty
    assert (await world.ask("/rooms/a")).cache == "Miss"
    assert (await world.ask("/rooms/b")).cache == "Hit"
    assert [request.target for request in origin.requests] == ["/index.html"]


async def test_a_viewer_request_function_may_answer(world: Any, make: Any) -> None:
    origin = await deploy(world, make, "viewer-request", "viewer-response")
    world.functions.handlers["viewer-request"] = lambda event, _: {
        "status": 302,
        "statusDescription": "Found",
        "headers": {"Location": [{"value": "/de/"}], "set-cookie": [{"key": "Set-Cookie", "value": "a=b"}]},
        "body": "elsewhere",
    }
    answer = await world.ask("/a")
    assert (answer.status, answer.reason, answer.body) == (302, "Found", b"elsewhere")
    assert answer.headers.get("location") == "/de/"
    assert answer.headers.get("set-cookie") == "a=b"
    assert answer.headers.get("x-cache") == "LambdaGeneratedResponse from cloudfront"
    assert origin.requests == []
    assert len(world.functions.events) == 1  # viewer-response does not run for it


async def test_an_origin_request_function_may_answer_and_that_is_kept(world: Any, make: Any) -> None:
    policy = make.cache_policy(headers=Selection(behavior="whitelist", names=("CloudFront-Viewer-Country",)))
    origin = await deploy(world, make, "origin-request", "origin-response", policy=policy)

    def by_country(event: Any, _: Any) -> Any:
        country = request_of(event)["headers"]["cloudfront-viewer-country"][0]["value"]
        return {
            "status": "302",
            "headers": {
                "location": [{"key": "Location", "value": f"/{country}/"}],
                "cache-control": [{"key": "Cache-Control", "value": "max-age=0, s-maxage=86400"}],
            },
        }

    world.functions.handlers["origin-request"] = by_country
    first, second = await world.ask("/"), await world.ask("/")
    assert (first.status, first.headers.get("location"), first.cache) == (302, "/DE/", "LambdaGeneratedResponse")
    assert (second.status, second.headers.get("location"), second.cache) == (302, "/DE/", "Hit")
    assert (await world.ask("/", at="NRT")).headers.get("location") == "/JP/"
    assert origin.requests == []
    assert len(world.functions.events) == 2  # origin-response does not run for what origin-request made


async def test_an_origin_request_function_may_send_the_request_elsewhere(world: Any, make: Any) -> None:
    await deploy(world, make, "origin-request")
    other = make.recorder(make.ok(b"from the other"))
    await world.origin("other.example.com", other)

    def elsewhere(event: Any, _: Any) -> Any:
        request = request_of(event)
        request["origin"]["custom"]["domainName"] = "other.example.com"
        request["origin"]["custom"]["path"] = "/base"
        request["origin"]["custom"]["customHeaders"] = {"x-from": [{"key": "X-From", "value": "edge"}]}
        request["headers"]["host"] = [{"key": "Host", "value": "other.example.com"}]
        request["querystring"] = "a=b"
        return request

    world.functions.handlers["origin-request"] = elsewhere
    assert (await world.ask("/a")).body == b"from the other"
    assert other.requests[0].target == "/base/a?a=b"
    assert other.last.get("host") == "other.example.com"
    assert other.last.get("x-from") == "edge"


async def test_origin_response_may_change_status_headers_and_body_and_that_is_kept(world: Any, make: Any) -> None:
    await deploy(world, make, "origin-response", answer=make.ok(b"denied", status=403, etag='"1"'))

    def friendly(event: Any, _: Any) -> Any:
        response = response_of(event)
        response["status"] = "404"
        response["statusDescription"] = "Not Found"
        response["body"] = "nothing here"
        response["headers"].pop("content-length", None)
        response["headers"]["content-type"] = [{"key": "Content-Type", "value": "text/html"}]
        return response

    world.functions.handlers["origin-response"] = friendly
    for _ in range(2):
        answer = await world.ask("/a")
        assert (answer.status, answer.reason, answer.body) == (404, "Not Found", b"nothing here")
        assert answer.headers.get("content-type") == "text/html"
    assert len(world.functions.events) == 1


async def test_viewer_response_may_add_headers_on_hits_too_but_not_to_errors(world: Any, make: Any) -> None:
    answer = lambda request: make.ok(status=404 if request.target == "/no" else 200)  # noqa: E731
    await deploy(world, make, "viewer-response", answer=answer)

    def secure(event: Any, _: Any) -> Any:
        response = response_of(event)
        response["headers"]["x-frame-options"] = [{"key": "X-Frame-Options", "value": "DENY"}]
        return response

    world.functions.handlers["viewer-response"] = secure
    for cache in ("Miss", "Hit", "Hit"):
        got = await world.ask("/a")
        assert (got.cache, got.headers.get("x-frame-options")) == (cache, "DENY")
    assert (await world.ask("/no")).headers.get("x-frame-options") is None


async def test_the_body_is_shown_where_the_association_includes_it_and_still_goes_on(world: Any, make: Any) -> None:
    origin = make.recorder(make.ok())
    await world.origin("origin.example.com", origin)
    functions = (
        make.function("viewer-request", "see", include_body=True),
        make.function("origin-request", "replace", include_body=True),
    )
    methods = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
    await world.deploy(
        make.distribution(make.behavior(functions=functions, allowed_methods=methods)), make.cache_policy()
    )
    world.functions.handlers["see"] = lambda event, _: request_of(event)
    world.functions.handlers["replace"] = lambda event, _: request_of(event)
    for size in (10, 50_000, 2_000_000):
        body = b"0123456789" * (size // 10)
        await world.ask("/a", method="POST", body=body)
        seen = world.functions.events[-2]["request"]["body"]
        assert b64decode(seen["data"]) == body[: 40 * 1024]
        assert seen["inputTruncated"] is (size > 40 * 1024)
        assert origin.bodies[-1] == body

    def replace(event: Any, _: Any) -> Any:
        request = request_of(event)
        request["body"] = {"action": "replace", "encoding": "base64", "data": b64encode(b"instead").decode()}
        return request

    world.functions.handlers["replace"] = replace
    await world.ask("/a", method="POST", body=b"original")
    assert origin.bodies[-1] == b"instead"
    assert origin.last.get("content-length") == "7"


@pytest.mark.parametrize("event", ["viewer-request", "origin-request", "origin-response", "viewer-response"])
async def test_a_function_that_fails_is_503_and_nothing_is_kept(world: Any, make: Any, event: str) -> None:
    await deploy(world, make, event)
    world.functions.handlers[event] = lambda event, _: 1 / 0
    answer = await world.ask("/a")
    assert (answer.status, answer.headers.get("x-cache")) == (503, "LambdaExecutionError from cloudfront")
    assert b"The Lambda function associated with the CloudFront distribution is invalid" in answer.body
    world.functions.handlers[event] = lambda given, _: (response_of if "response" in event else request_of)(given)
    assert (await world.ask("/a")).status == 200


async def test_a_function_that_never_answers_is_cut_off(world: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_results, "VIEWER_TIMEOUT_SECONDS", 0.05)
    await deploy(world, make, "viewer-request")
    world.functions.handlers["viewer-request"] = lambda event, _: asyncio.sleep(10)
    assert (await world.ask("/a")).status == 503


async def test_a_result_that_is_not_allowed_is_502_and_says_why(world: Any, make: Any) -> None:
    await deploy(world, make, "viewer-request")

    def forbidden(event: Any, _: Any) -> Any:
        request = request_of(event)
        request["headers"]["x-real-ip"] = [{"key": "X-Real-IP", "value": "1.2.3.4"}]
        return request

    world.functions.handlers["viewer-request"] = forbidden
    answer = await world.ask("/a")
    assert (answer.status, answer.headers.get("x-cache")) == (502, "LambdaValidationError from cloudfront")
    assert b"The Lambda function result failed validation" in answer.body and b"x-real-ip" in answer.body


async def test_origin_functions_run_once_for_each_origin_of_a_group(world: Any, make: Any) -> None:
    from globule.cloudfront.model import OriginGroup

    first = make.recorder(make.ok(status=503))
    second = make.recorder(make.ok(b"second"))
    await world.origin("one.example.com", first)
    await world.origin("two.example.com", second)
    functions = (make.function("origin-request", "before"), make.function("origin-response", "after"))
    await world.deploy(
        make.distribution(
            make.behavior(target_origin_id="group", functions=functions),
            origins=(make.origin("one", "one.example.com"), make.origin("two", "two.example.com")),
            origin_groups=(OriginGroup(id="group", members=("one", "two"), status_codes=frozenset({503})),),
        ),
        make.cache_policy(),
    )
    world.functions.handlers = {
        "before": lambda event, _: request_of(event),
        "after": lambda event, _: response_of(event),
    }
    assert (await world.ask("/a")).body == b"second"
    names = [event["request"]["origin"]["custom"]["domainName"] for event in world.functions.events]
    assert names == ["one.example.com"] * 2 + ["two.example.com"] * 2


async def test_a_custom_error_page_is_fetched_without_functions_at_the_viewers_side(world: Any, make: Any) -> None:
    def site(request: Request) -> Response:
        found: Response = make.ok(b"lost") if request.target == "/lost.html" else make.ok(status=404)
        return found

    origin = make.recorder(site)
    await world.origin("origin.example.com", origin)
    functions = (make.function("viewer-request", "before"), make.function("viewer-response", "after"))
    await world.deploy(
        make.distribution(
            make.behavior(functions=functions),
            error_responses=(CustomErrorResponse(error_code=404, response_code=200, page_path="/lost.html"),),
        ),
        make.cache_policy(),
    )
    world.functions.handlers["before"] = lambda event, _: request_of(event)
    answer = await world.ask("/a")
    assert (answer.status, answer.body) == (200, b"lost")
    assert [event["config"]["eventType"] for event in world.functions.events] == ["viewer-request"]


def event_request(**more: Any) -> edge_results.FunctionRequest:
    from globule.cloudfront.model import Origin

    return edge_results.FunctionRequest(
        **{
            "client_ip": "127.40.0.1",
            "method": "GET",
            "uri": "/a",
            "query": "",
            "fields": [("host", "h"), ("via", "1.1 x"), ("content-length", "0")],
            "origin": Origin(id="o", domain_name="o.example.com", config=CustomOrigin(protocol_policy="http-only")),
            **more,
        }
    )


GOOD: dict[str, Any] = {
    "method": "GET",
    "uri": "/a",
    "querystring": "",
    "headers": {
        "host": [{"key": "Host", "value": "h"}],
        "via": [{"key": "Via", "value": "1.1 x"}],
        "content-length": [{"key": "Content-Length", "value": "0"}],
    },
}
CUSTOM = {"domainName": "o.example.com", "path": "", "port": 80, "protocol": "http", "readTimeout": 30,
          "keepaliveTimeout": 5, "sslProtocols": ["TLSv1.2"], "customHeaders": {}}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "a"},
        {"uri": "/a b"},
        {"uri": "/a#b"},
        {"uri": "/a?b"},
        {"uri": 1},
        {"uri": "/" + "a" * 9000},
        {"querystring": "a b"},
        {"querystring": None},
        {"method": "POST"},
        {"headers": []},
        {"headers": {**GOOD["headers"], "x": "y"}},
        {"headers": {**GOOD["headers"], "x": [{"value": 1}]}},
        {"headers": {**GOOD["headers"], "x": [{"key": "y", "value": "1"}]}},
        {"headers": {**GOOD["headers"], "x": [{"key": "x", "value": "a\r\nb: c"}]}},
        {"headers": {**GOOD["headers"], "x y": [{"value": "a"}]}},
        {"headers": {**GOOD["headers"], "connection": [{"value": "close"}]}},
        {"headers": {**GOOD["headers"], "x-amz-cf-id": [{"value": "mine"}]}},
        {"headers": {**GOOD["headers"], "x-edge-a": [{"value": "mine"}]}},
        {"headers": {**GOOD["headers"], "via": [{"value": "changed"}]}},
        {"headers": {name: value for name, value in GOOD["headers"].items() if name != "via"}},
        {"body": {"action": "replace", "data": 1}},
        {"body": {"action": "replace", "data": "a" * 1_100_000}},
        {"body": {"action": "replace", "data": "!", "encoding": "base64"}},
        {"body": {"action": "other", "data": ""}},
        {"origin": {}},
        {"origin": {"custom": CUSTOM, "s3": {}}},
        {"origin": {"custom": {**CUSTOM, "domainName": "10.0.0.1"}}},
        {"origin": {"custom": {**CUSTOM, "domainName": "a:80"}}},
        {"origin": {"custom": {**CUSTOM, "port": 81}}},
        {"origin": {"custom": {**CUSTOM, "protocol": "ftp"}}},
        {"origin": {"custom": {**CUSTOM, "path": "/a/"}}},
        {"origin": {"custom": {**CUSTOM, "readTimeout": 61}}},
        {"origin": {"custom": {**CUSTOM, "keepaliveTimeout": 0}}},
        {"origin": {"custom": {**CUSTOM, "customHeaders": {"host": [{"value": "x"}]}}}},
        {"origin": {"s3": {"domainName": "b.s3.amazonaws.com", "authMethod": "origin-access-identity", "region": "x"}}},
    ],
)
def test_a_request_that_is_not_allowed_is_refused(change: dict[str, Any]) -> None:
    payload = msgspec.json.encode({**GOOD, **change})
    with pytest.raises(edge_results.InvalidResult):
        edge_results.request_result(payload, "origin-request", event_request())


def test_an_unchanged_request_is_allowed() -> None:
    changed = edge_results.request_result(msgspec.json.encode(GOOD), "origin-request", event_request())
    assert isinstance(changed, edge_results.ChangedRequest)
    assert changed.fields == event_request().fields


@pytest.mark.parametrize(
    "change",
    [
        {"status": "199"},
        {"status": "600"},
        {"status": "abc"},
        {"status": True},
        {"statusDescription": 1},
        {"headers": {"x-cache": [{"value": "mine"}]}},
        {"headers": {"via": [{"value": "mine"}]}},
        {"body": 1},
        {"body": "a", "bodyEncoding": "other"},
        {"body": "a" * 41_000},
        {"status": "204", "body": "a"},
    ],
)
def test_a_response_that_is_not_allowed_is_refused(change: dict[str, Any]) -> None:
    payload = msgspec.json.encode({"status": "200", **change})
    with pytest.raises(edge_results.InvalidResult):
        edge_results.request_result(payload, "viewer-request", event_request(fields=[]))


@pytest.mark.parametrize("payload", [b"null", b"[]", b'"text"', b"1", b"", b"{"])
def test_a_result_that_is_not_an_object_is_refused(payload: bytes) -> None:
    with pytest.raises(edge_results.InvalidResult):
        edge_results.request_result(payload, "viewer-request", event_request())


def test_viewer_response_cannot_change_the_status_nor_set_a_body() -> None:
    given = edge_results.FunctionResponse(status=200, reason="OK", fields=[])
    for change in ({"status": "201"}, {"body": "x"}):
        payload = msgspec.json.encode({"status": "200", "headers": {}, **change})
        with pytest.raises(edge_results.InvalidResult):
            edge_results.response_result(payload, "viewer-response", given)


def test_a_response_functions_own_fields_replace_those_of_the_origin() -> None:
    given = edge_results.FunctionResponse(
        status=200, reason="OK", fields=[("a", "1"), ("b", "2"), ("x-cache", "other")]
    )
    payload = msgspec.json.encode({"status": 200, "headers": {"A": [{"value": "3"}]}})
    result = edge_results.response_result(payload, "origin-response", given)
    assert result.fields == [("a", "3"), ("x-cache", "other")]
    assert result.body is None
