"""HTTP APIs and REST APIs with real functions behind a real server.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html and apigateway-rest-api.html
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from globule.apigateway.model import (
    HttpApi,
    HttpStage,
    LambdaIntegration,
    MockAnswer,
    MockIntegration,
    RestApi,
    RestStage,
    RestTarget,
    RouteTarget,
)
from globule.apigateway.serving.service import ApiGatewayService
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.wire.cors import Cors

HTTP_HOST = "http.execute-api.eu-west-1.amazonaws.com"
REST_HOST = "rest.execute-api.eu-west-1.amazonaws.com"

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""
DOES = """
import base64, json, time
def handler(event, context):
    what = json.loads(event["body"])
    if what == "raise": raise ValueError
    if what == "plain": return {"hello": "world"}
    if what == "text": return "hello"
    if what == "malformed": return {"statusCode": 200, "body": {"not": "a string"}}
    if what == "inject": return {"statusCode": 200, "headers": {"x": "a\\r\\nb: c"}}
    if what == "slow": time.sleep(5)
    if what == "binary":
        return {"statusCode": 200, "body": base64.b64encode(b"\\x89PNG").decode(), "isBase64Encoded": True}
    if what == "cookies": return {"statusCode": 204, "cookies": ["a=1", "b=2"]}
    return {"statusCode": 200}
"""


class Gateway:
    def __init__(self, service: ApiGatewayService, port: int) -> None:
        self.service = service
        self._port = port

    async def fetch(
        self, method: str, host: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        def exchange() -> tuple[int, http.client.HTTPMessage, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            kind = {} if data is None else {"Content-Type": "application/json"}
            connection.request(method, path, body=data, headers={"Host": host, **kind, **(headers or {})})
            response = connection.getresponse()
            answer = response.status, response.headers, response.read()
            connection.close()
            return answer

        return await asyncio.to_thread(exchange)


def target(functions: Any, key: str, name: str, version: str = "2.0", timeout_ms: int = 30_000) -> RouteTarget:
    integration = LambdaIntegration(function=functions.arn(name), payload_version=version, timeout_ms=timeout_ms)
    return RouteTarget(key=key, integration=integration)


def method(functions: Any, path: str, verb: str, name: str, timeout_ms: int = 29_000) -> RestTarget:
    integration = LambdaIntegration(function=functions.arn(name), payload_version="1.0", timeout_ms=timeout_ms)
    return RestTarget(path=path, method=verb, integration=integration)


@pytest.fixture
async def gateway(functions: Any) -> AsyncIterator[Gateway]:
    functions.add("echo", ECHO)
    functions.add("does", DOES, timeout_s=10)
    functions.put(
        "http",
        HttpApi(
            api_id="http",
            name="h",
            account="000000000000",
            cors=Cors(allow_origins=("https://app",), allow_methods=("GET",)),
            routes=(
                target(functions, "GET /pets/{id}", "echo"),
                target(functions, "ANY /old/{proxy+}", "echo", "1.0"),
                target(functions, "POST /do", "does"),
                target(functions, "POST /do/old", "does", "1.0"),
                target(functions, "POST /do/soon", "does", timeout_ms=100),
                target(functions, "GET /gone", "gone"),
            ),
        ),
    )
    functions.put("http-stage", HttpStage(api_id="http", name="$default", variables={"color": "blue"}))
    functions.put("http-prod", HttpStage(api_id="http", name="prod"))
    mock = MockIntegration(
        status=200, answers={"default": MockAnswer(status=200, headers=(("x-mock", "1"),), body="{}")}
    )
    functions.put(
        "rest",
        RestApi(
            api_id="rest",
            name="r",
            account="000000000000",
            root_id="root",
            binary_types=("image/png",),
            targets=(
                method(functions, "/hello/{name}", "GET", "echo"),
                method(functions, "/upload", "POST", "echo"),
                method(functions, "/do", "POST", "does"),
                method(functions, "/do/soon", "POST", "does", 100),
                RestTarget(path="/hello/{name}", method="OPTIONS", integration=mock),
                method(functions, "/gone", "GET", "gone"),
            ),
        ),
    )
    functions.put("rest-stage", RestStage(api_id="rest", name="Prod", variables={"a": "1"}, deployment_id="d"))
    service = ApiGatewayService(
        "eu-west-1", functions.pool, clock=SystemClock(), entropy=SystemEntropy(), tracer=functions.tracer
    )
    await service.follow(functions.world)
    server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), service.handle)
    yield Gateway(service, server.address[1])
    await server.aclose(grace_seconds=0.1)


async def test_an_http_api_invokes_with_format_2_0(gateway: Gateway) -> None:
    status, headers, body = await gateway.fetch(
        "GET", HTTP_HOST, "/pets/a%20b?q=1&q=2", headers={"Cookie": "k=v", "X-Forwarded-For": "198.51.100.1, 192.0.2.7"}
    )
    event = json.loads(body)
    assert status == 200
    assert headers["apigw-requestid"]
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "GET /pets/{id}"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/pets/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["stageVariables"] == {"color": "blue"}
    assert event["cookies"] == ["k=v"]
    assert event["headers"]["x-forwarded-for"] == "198.51.100.1, 192.0.2.7"
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert event["requestContext"]["http"]["sourceIp"] == "192.0.2.7"
    assert event["requestContext"]["domainName"] == HTTP_HOST


async def test_a_named_stage_is_part_of_the_path_that_the_function_sees(gateway: Gateway) -> None:
    event = json.loads((await gateway.fetch("GET", HTTP_HOST, "/prod/pets/7"))[2])
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/prod/pets/7", "prod")
    assert event["pathParameters"] == {"id": "7"}


async def test_an_http_api_invokes_with_format_1_0_where_it_is_asked_to(gateway: Gateway) -> None:
    _, _, body = await gateway.fetch("PUT", HTTP_HOST, "/old/a/b?q=1&q=2", body={"x": 1})
    event = json.loads(body)
    assert event["version"] == "1.0"
    assert (event["httpMethod"], event["path"], event["resource"]) == ("PUT", "/old/a/b", "/old/{proxy+}")
    assert event["pathParameters"] == {"proxy": "a/b"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert event["body"] == '{"x": 1}'


@pytest.mark.parametrize(
    ("what", "path", "status", "body"),
    [
        ("plain", "/do", 200, b'{"hello": "world"}'),
        ("text", "/do", 200, b"hello"),
        ("binary", "/do", 200, b"\x89PNG"),
        ("raise", "/do", 500, b'{"message":"Internal Server Error"}'),
        ("malformed", "/do", 500, b'{"message":"Internal Server Error"}'),
        ("inject", "/do", 500, b'{"message":"Internal Server Error"}'),
        ("plain", "/do/old", 500, b'{"message":"Internal Server Error"}'),
        ("slow", "/do/soon", 503, b'{"message":"Service Unavailable"}'),
    ],
)
async def test_answers_of_http_apis(gateway: Gateway, what: str, path: str, status: int, body: bytes) -> None:
    answer = await gateway.fetch("POST", HTTP_HOST, path, body=what)
    assert (answer[0], answer[2]) == (status, body)


async def test_each_cookie_is_a_field_of_its_own(gateway: Gateway) -> None:
    status, headers, _ = await gateway.fetch("POST", HTTP_HOST, "/do", body="cookies")
    assert (status, headers.get_all("set-cookie")) == (204, ["a=1", "b=2"])


@pytest.mark.parametrize(
    ("verb", "path", "status", "message"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("PUT", "/pets/1", 404, "Not Found"),
        ("GET", "/gone", 500, "Internal Server Error"),
    ],
)
async def test_what_an_http_api_does_not_have(
    gateway: Gateway, verb: str, path: str, status: int, message: str
) -> None:
    answer = await gateway.fetch(verb, HTTP_HOST, path)
    assert (answer[0], json.loads(answer[2])) == (status, {"message": message})


async def test_an_http_api_answers_preflight_requests_itself(gateway: Gateway) -> None:
    preflight = {"Origin": "https://app", "Access-Control-Request-Method": "GET"}
    status, headers, _ = await gateway.fetch("OPTIONS", HTTP_HOST, "/pets/1", headers=preflight)
    assert (status, headers["access-control-allow-origin"]) == (204, "https://app")
    _, headers, _ = await gateway.fetch("GET", HTTP_HOST, "/pets/1", headers={"Origin": "https://app"})
    assert headers["access-control-allow-origin"] == "https://app"
    _, headers, _ = await gateway.fetch("GET", HTTP_HOST, "/pets/1", headers={"Origin": "https://other"})
    assert headers["access-control-allow-origin"] is None


@pytest.mark.parametrize(
    ("host", "path", "message"),
    [(HTTP_HOST, "/do", "Request Entity Too Large"), (REST_HOST, "/Prod/do", "Request Too Long")],
)
async def test_more_than_ten_megabytes_are_refused(gateway: Gateway, host: str, path: str, message: str) -> None:
    # The head says it; the body need not come.
    status, _, body = await gateway.fetch("POST", host, path, headers={"Content-Length": str(10 * 1024 * 1024 + 1)})
    assert (status, json.loads(body)) == (413, {"message": message})


async def test_a_rest_api_invokes_with_its_own_event(gateway: Gateway) -> None:
    status, headers, body = await gateway.fetch("GET", REST_HOST, "/Prod/hello/a%20b?q=1&q=2", headers={"x-a": "1"})
    event = json.loads(body)
    assert status == 200
    assert headers["x-amzn-requestid"] == event["requestContext"]["requestId"]
    assert (event["resource"], event["path"]) == ("/hello/{name}", "/hello/a%20b")
    assert event["requestContext"]["path"] == "/Prod/hello/a%20b"
    assert event["pathParameters"] == {"name": "a b"}
    assert event["queryStringParameters"] == {"q": "2"}
    assert event["headers"]["X-A"] == "1"
    assert event["stageVariables"] == {"a": "1"}
    assert event["requestContext"]["deploymentId"] == "d"


async def test_binary_bodies_of_rest_apis_need_a_binary_media_type(gateway: Gateway) -> None:
    png = {"Content-Type": "image/png"}
    event = json.loads((await gateway.fetch("POST", REST_HOST, "/Prod/upload", body=b"\x89", headers=png))[2])
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x89", True)
    plain = await gateway.fetch("POST", REST_HOST, "/Prod/do", body="binary")
    assert plain[2] == base64.b64encode(b"\x89PNG")
    binary = await gateway.fetch("POST", REST_HOST, "/Prod/do", body="binary", headers={"Accept": "image/png"})
    assert binary[2] == b"\x89PNG"


@pytest.mark.parametrize(
    ("verb", "path", "what", "status", "message"),
    [
        ("POST", "/Prod/do", "raise", 502, "Internal server error"),
        ("POST", "/Prod/do", "plain", 502, "Internal server error"),
        ("POST", "/Prod/do", "malformed", 502, "Internal server error"),
        ("POST", "/Prod/do/soon", "slow", 504, "Endpoint request timed out"),
        ("GET", "/Prod/gone", None, 500, "Internal server error"),
        ("GET", "/Prod/nowhere", None, 403, "Missing Authentication Token"),
        ("DELETE", "/Prod/do", None, 403, "Missing Authentication Token"),
        ("GET", "/dev/do", None, 403, "Forbidden"),
    ],
)
async def test_refusals_of_rest_apis(
    gateway: Gateway, verb: str, path: str, what: str | None, status: int, message: str
) -> None:
    answer = await gateway.fetch(verb, REST_HOST, path, body=what)
    assert (answer[0], json.loads(answer[2])) == (status, {"message": message})


async def test_a_mock_answers_without_a_function(gateway: Gateway) -> None:
    status, headers, body = await gateway.fetch("OPTIONS", REST_HOST, "/Prod/hello/x")
    assert (status, headers["x-mock"], body) == (200, "1", b"{}")


async def test_a_traced_request_leaves_spans_of_gateway_and_function(gateway: Gateway, functions: Any) -> None:
    trace = "Root=1-67891233-abcdef012345678912345678;Sampled=1"
    _, _, body = await gateway.fetch("GET", HTTP_HOST, "/pets/1", headers={"X-Amzn-Trace-Id": trace})
    assert json.loads(body)["headers"]["x-amzn-trace-id"] == trace
    spans = functions.tracer.of("1-67891233-abcdef012345678912345678")
    assert [span.name for span in spans] == ["gateway", "function"]
    assert spans[0].start <= spans[1].start <= spans[1].end <= spans[0].end
    assert spans[0].note == "GET /pets/1 200"
