"""boto3, unmodified, against Lambda's API; and function URLs.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from globule.awslambda.control.service import LambdaService
from globule.awslambda.model import Alias, EventInvokeConfig, Url, Version
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.wire.cors import Cors
from globule.world.snapshot import Scales, World

ECHO = "def handler(event, context): return event"
HOST = "abc.lambda-url.eu-west-1.on.aws"


class Api:
    """The service behind a real server, and clients of it."""

    def __init__(self, service: LambdaService, port: int) -> None:
        self.service = service
        self._port = port
        self.client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"max_attempts": 1, "mode": "standard"}),
        )

    async def __call__(self, operation: str, **parameters: Any) -> Any:
        """One of boto3's methods, in a thread."""
        return await asyncio.to_thread(lambda: getattr(self.client, operation)(**parameters))

    async def fetch(
        self, method: str, path: str, *, host: str = HOST, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        def exchange() -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            data = response.read()
            connection.close()
            return response.status, fields, data

        return await asyncio.to_thread(exchange)


@pytest.fixture
async def api(functions: Any) -> AsyncIterator[Api]:
    service = LambdaService(functions.pool, clock=SystemClock(), entropy=SystemEntropy())
    server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), service.handle)
    yield Api(service, server.address[1])
    await server.aclose(grace_seconds=0.1)
    await service.close()


async def test_invoke_answers_with_the_functions_answer(functions: Any, api: Api) -> None:
    functions.add("echo", ECHO)
    answer = await api("invoke", FunctionName="echo", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"a": 1}


async def test_invoke_without_a_payload_gives_an_empty_object(functions: Any, api: Api) -> None:
    functions.add("echo", ECHO)
    answer = await api("invoke", FunctionName=functions.arn("echo"))
    assert answer["Payload"].read() == b"{}"


async def test_an_error_of_the_function_is_an_answer(functions: Any, api: Api) -> None:
    functions.add("fails", "def handler(event, context): raise ValueError('no')")
    answer = await api("invoke", FunctionName="fails", LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"
    assert b"[ERROR] ValueError: no" in base64.b64decode(answer["LogResult"])


async def test_versions_and_aliases_are_qualifiers(functions: Any, api: Api) -> None:
    functions.add("echo", ECHO)
    arn = functions.arn("echo")
    functions.put("version", Version(arn=f"{arn}:1", function_arn=arn, number="1"))
    functions.put("alias", Alias(arn=f"{arn}:live", function_arn=arn, name="live", version="1"))
    for parameters in ({"FunctionName": "echo", "Qualifier": "live"}, {"FunctionName": f"{arn}:1"}):
        assert (await api("invoke", **parameters))["ExecutedVersion"] == "1"
    assert [each["Version"] for each in (await api("list_versions_by_function", FunctionName="echo"))["Versions"]] == [
        "$LATEST", "1",
    ]  # fmt: skip
    assert (await api("list_aliases", FunctionName="echo"))["Aliases"][0]["Name"] == "live"


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"FunctionName": "missing"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "echo", "Qualifier": "9"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "echo", "Payload": b"{not json"}, "InvalidRequestContentException", 400),
        ({"FunctionName": "echo", "Payload": b"0" * (6 * 1024 * 1024 + 1)}, "RequestTooLargeException", 413),
        (
            {"FunctionName": "echo", "Payload": b"0" * (1024 * 1024 + 1), "InvocationType": "Event"},
            "RequestTooLargeException",
            413,
        ),
        ({"FunctionName": "closed"}, "TooManyRequestsException", 429),
        ({"FunctionName": "echo", "InvocationType": "Sometimes"}, "InvalidParameterValueException", 400),
    ],
)
async def test_refusals_are_the_exceptions_that_boto3_knows(
    functions: Any, api: Api, parameters: dict[str, Any], code: str, status: int
) -> None:
    functions.add("echo", ECHO)
    functions.add("closed", ECHO, reserved_concurrency=0)
    with pytest.raises(ClientError) as refused:
        await api("invoke", **parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"]
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_a_dry_run_runs_nothing(functions: Any, api: Api) -> None:
    functions.add("echo", ECHO)
    assert (await api("invoke", FunctionName="echo", InvocationType="DryRun"))["StatusCode"] == 204
    assert functions.pool.statistics()["workers"] == 0


async def test_an_event_is_tried_again_until_it_succeeds(
    functions: Any, api: Api, until: Callable[..., Any], tmp_path: Any
) -> None:
    functions.add(
        "events",
        """
        def handler(event, context):
            with open(event, "a") as file: file.write("x")
            if len(open(event).read()) < 3: raise ValueError("again")
        """,
    )
    await api.service.follow(World(scales=Scales(time=0.0001)))
    path = tmp_path / "attempts"
    answer = await api("invoke", FunctionName="events", InvocationType="Event", Payload=json.dumps(str(path)).encode())
    assert answer["StatusCode"] == 202
    await until(lambda: api.service.statistics()["pending_events"] == 0)
    assert path.read_text() == "xxx"


async def test_an_event_is_dropped_when_its_attempts_are_used_up(
    functions: Any, api: Api, until: Callable[..., Any], tmp_path: Any
) -> None:
    source = "def handler(event, context):\n    open(event, 'a').write('x')\n    raise ValueError"
    functions.add("events", source)
    config = EventInvokeConfig(function_arn=functions.arn("events"), qualifier="$LATEST", maximum_retry_attempts=1)
    functions.put("config", config)
    await api.service.follow(World(scales=Scales(time=0.0001)))
    payload = json.dumps(str(tmp_path / "attempts")).encode()
    await api("invoke", FunctionName="events", InvocationType="Event", Payload=payload)
    await until(lambda: api.service.statistics()["pending_events"] == 0)
    assert (tmp_path / "attempts").read_text() == "xx"


async def test_functions_are_described_and_listed_in_pages(functions: Any, api: Api) -> None:
    for name in ("a", "b", "c"):
        functions.add(name, ECHO, environment={"TABLE": name}, timeout_s=9)
    whole = await api("get_function", FunctionName="b")
    assert whole["Configuration"]["FunctionArn"] == functions.arn("b")
    assert whole["Configuration"]["Environment"] == {"Variables": {"TABLE": "b"}}
    assert (await api("get_function_configuration", FunctionName="b"))["Timeout"] == 9
    first = await api("list_functions", MaxItems=2)
    assert [each["FunctionName"] for each in first["Functions"]] == ["a", "b"]
    rest = await api("list_functions", Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in rest["Functions"]] == ["c"]
    assert "NextMarker" not in rest
    waiter = api.client.get_waiter("function_active_v2")
    await asyncio.to_thread(lambda: waiter.wait(FunctionName="b"))


async def test_an_operation_that_is_not_here_is_refused_by_name(api: Api) -> None:
    with pytest.raises(ClientError, match="Globule does not have the Lambda operation of DELETE"):
        await api("delete_function", FunctionName="x")


ANSWERS = """
import json
def handler(event, context):
    return {"statusCode": 200, "headers": {"access-control-allow-origin": "mine"}, "body": json.dumps(event)}
"""


def url(functions: Any, name: str, **settings: Any) -> Url:
    return Url(function_arn=functions.arn(name), host=HOST, **settings)


async def test_a_function_url_gives_the_event_of_format_2_0(functions: Any, api: Api) -> None:
    functions.add("site", ANSWERS)
    functions.put("url", url(functions, "site"))
    status, headers, body = await api.fetch(
        "POST", "/a%20b/c?x=1&x=2", body=b"hello", headers={"Content-Type": "text/plain", "Cookie": "a=1"}
    )
    event = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b/c", "x=1&x=2")
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["cookies"] == ["a=1"]
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    assert event["requestContext"]["accountId"] == "anonymous"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["domainName"] == HOST


async def test_a_function_url_answers_cors_itself(functions: Any, api: Api) -> None:
    functions.add("site", ANSWERS)
    functions.put("url", url(functions, "site", cors=Cors(allow_origins=("https://a",), allow_methods=("GET",))))
    preflight = {"Origin": "https://a", "Access-Control-Request-Method": "GET"}
    status, headers, _ = await api.fetch("OPTIONS", "/", headers=preflight)
    assert (status, headers["access-control-allow-methods"]) == (204, "GET")
    _, headers, _ = await api.fetch("GET", "/", headers={"Origin": "https://a"})
    assert headers["access-control-allow-origin"] == "https://a"


async def test_a_url_with_iam_wants_a_signature(functions: Any, api: Api) -> None:
    functions.add("site", ANSWERS)
    functions.put("url", url(functions, "site", auth_type="AWS_IAM"))
    status, _, body = await api.fetch("GET", "/")
    assert (status, json.loads(body)) == (403, {"Message": "Forbidden"})
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"}
    assert (await api.fetch("GET", "/", headers=signed))[0] == 200


async def test_a_url_whose_function_fails_answers_502(functions: Any, api: Api) -> None:
    functions.add("site", "def handler(event, context): raise ValueError")
    functions.put("url", url(functions, "site"))
    status, _, body = await api.fetch("GET", "/")
    assert (status, json.loads(body)) == (502, {"Message": "Internal Server Error"})
