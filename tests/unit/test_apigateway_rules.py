"""API Gateway's decisions: routing, places, events, answers, CORS, mocks, OpenAPI documents."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from globule.apigateway.model import (
    ApiMapping,
    HttpApi,
    HttpDomainName,
    HttpIntegration,
    HttpRoute,
    HttpStage,
    LambdaIntegration,
    MockAnswer,
    MockIntegration,
    RestApi,
    RestDeployment,
    RestMethod,
    RestResource,
    RestStage,
    RouteTarget,
)
from globule.apigateway.rules import openapi
from globule.apigateway.rules.events import Route, http_event_1_0, is_binary, rest_event
from globule.apigateway.rules.mock import select_answer
from globule.apigateway.rules.routing import Router, is_route_template
from globule.apigateway.rules.table import NoPlace, Place, Stage, Table, function_name
from globule.wire import cors
from globule.wire.cors import Cors
from globule.wire.http import Headers, Request
from globule.wire.http_event import EventRequest, EventRoute, MalformedAnswer, body_text, event_2_0, read_answer
from globule.world.resource_type import PropertyProblem
from globule.world.snapshot import Deployed, World

REGION = "eu-west-1"
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:orders"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def integration(version: str = "2.0", function: str = FUNCTION) -> LambdaIntegration:
    return LambdaIntegration(function=function, payload_version=version, timeout_ms=30_000)


def world(*models: Any) -> World:
    return World(
        resources=tuple(
            Deployed(stack="s", region=REGION, logical_id=f"R{n}", type="T", physical_id=f"R{n}", resource=model)
            for n, model in enumerate(models)
        )
    )


class TestHttpRoutes:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, with its example."""

    router = Router(
        (method, path, f"{method} {path}")
        for method, path in [
            ("GET", "/pets/dog/1"),
            ("GET", "/pets/dog/{id}"),
            ("GET", "/pets/{proxy+}"),
            ("ANY", "/{proxy+}"),
            ("ANY", "/pets/dog/{id}"),
            ("POST", "/pets/dog/1"),
        ]
    )

    @pytest.mark.parametrize(
        ("method", "path", "route", "parameters"),
        [
            ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
            ("PUT", "/pets/dog/1", "ANY /pets/dog/{id}", {"id": "1"}),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
            ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
            ("DELETE", "/pets/cat/1", "ANY /{proxy+}", {"proxy": "pets/cat/1"}),
        ],
    )
    def test_the_most_specific_route_wins(self, method: str, path: str, route: str, parameters: dict[str, str]) -> None:
        found = self.router.find(method, path)
        assert found is not None
        assert (found.target, found.parameters) == (route, parameters)

    @pytest.mark.parametrize("path", ["/", "", "/pets/"])
    def test_a_variable_does_not_match_nothing(self, path: str) -> None:
        assert Router([("ANY", "/pets/{proxy+}", "x")]).find("GET", path) is None

    def test_an_earlier_literal_wins_over_a_later_one(self) -> None:
        router = Router([("GET", "/{a}/b", "variable first"), ("GET", "/a/{b}", "literal first")])
        found = router.find("GET", "/a/b")
        assert found is not None
        assert found.target == "literal first"

    @pytest.mark.parametrize(
        ("template", "good"),
        [
            ("/", True), ("/a/{b}/c", True), ("/a/{b+}", True), ("/{b+}/c", False), ("a", False), ("/a{b}", False),
            ("/{}", False), ("/a/{b", False),
        ],
    )  # fmt: skip
    def test_templates_are_checked(self, template: str, good: bool) -> None:
        assert is_route_template(template) is good


class TestRestRoutes:
    router = Router([("GET", "/a", "a"), ("ANY", "/{proxy+}", "rest"), ("POST", "/{id}", "id"), ("GET", "/", "root")])

    @pytest.mark.parametrize(
        ("method", "path", "target"),
        [
            ("GET", "/a", "a"),
            ("GET", "/a/", "a"),
            ("GET", "/", "root"),
            ("POST", "/a", None),
            ("POST", "/b", "id"),
            ("GET", "/b", None),
            ("GET", "/b/c", "rest"),
        ],
    )
    def test_the_path_is_chosen_before_the_method(self, method: str, path: str, target: str | None) -> None:
        found = self.router.find_by_path(method, path)
        assert (found.target if found else None) == target


DEFAULT = RouteTarget(key="$default", integration=integration())


class TestPlaces:
    table = Table(
        world(
            HttpApi(api_id="http", name="h", account="0", routes=(DEFAULT,)),
            HttpStage(api_id="http", name="$default"),
            HttpStage(api_id="http", name="prod", variables={"v": "1"}),
            HttpApi(api_id="named", name="n", account="0"),
            HttpStage(api_id="named", name="dev"),
            HttpApi(api_id="hidden", name="x", account="0", execute_api_disabled=True),
            HttpStage(api_id="hidden", name="$default"),
            HttpApi(api_id="quick", name="q", account="0", routes=(DEFAULT,), quick_created=True),
            RestApi(api_id="rest", name="r", account="0", root_id="root"),
            RestStage(api_id="rest", name="Prod"),
            RestDeployment(deployment_id="d", api_id="rest", stage="Stage"),
            HttpDomainName(name="api.example.com", regional_name=f"d-1.execute-api.{REGION}.amazonaws.com"),
            ApiMapping(domain="api.example.com", api_id="hidden", stage="$default", key="orders/v1"),
            ApiMapping(domain="api.example.com", api_id="named", stage="dev", key="orders"),
            ApiMapping(domain="api.example.com", api_id="gone", stage="dev", key="broken"),
        ),
        REGION,
    )  # fmt: skip

    def locate(self, host: str, path: str) -> tuple[str, str, str] | tuple[int, str]:
        place = self.table.locate(host, path)
        if isinstance(place, NoPlace):
            return (place.status, place.message)
        assert isinstance(place, Place)
        return (place.api.api_id, place.stage.name, place.path)

    @pytest.mark.parametrize(
        ("api", "path", "place"),
        [
            ("http", "/prod/x", ("http", "prod", "/x")),
            ("http", "/prod", ("http", "prod", "/")),
            ("http", "/product", ("http", "$default", "/product")),
            ("http", "/", ("http", "$default", "/")),
            ("named", "/dev/a/b", ("named", "dev", "/a/b")),
            ("named", "/a", (404, "Not Found")),
            ("hidden", "/a", (404, "Not Found")),
            ("quick", "/a", ("quick", "$default", "/a")),
            ("rest", "/Prod/a", ("rest", "Prod", "/a")),
            ("rest", "/Stage/a", ("rest", "Stage", "/a")),
            ("rest", "/a", (403, "Forbidden")),
            ("unknown", "/", (403, "Forbidden")),
        ],
    )
    def test_an_apis_own_host_leads_to_stages(self, api: str, path: str, place: tuple[Any, ...]) -> None:
        assert self.locate(f"{api}.execute-api.{REGION}.amazonaws.com", path) == place

    @pytest.mark.parametrize("host", ["api.example.com", f"d-1.execute-api.{REGION}.amazonaws.com"])
    @pytest.mark.parametrize(
        ("path", "place"),
        [
            ("/orders/v1/a", ("hidden", "$default", "/a")),
            ("/orders/v1", ("hidden", "$default", "/")),
            ("/orders/v2", ("named", "dev", "/v2")),
            ("/ordersv1", (403, "Forbidden")),
            ("/broken/a", (403, "Forbidden")),
        ],
    )
    def test_a_domains_longest_base_path_wins(self, host: str, path: str, place: tuple[Any, ...]) -> None:
        assert self.locate(host, path) == place

    def test_hosts_that_are_served_are_known(self) -> None:
        assert self.table.serves(f"http.execute-api.{REGION}.amazonaws.com")
        assert self.table.serves("api.example.com")
        assert self.table.serves(f"d-1.execute-api.{REGION}.amazonaws.com")
        assert not self.table.serves("http.execute-api.us-east-1.amazonaws.com")
        assert not self.table.serves("example.com")

    def test_routes_of_their_own_join_those_of_the_document(self) -> None:
        table = Table(
            world(
                HttpApi(api_id="a", name="a", account="0"),
                HttpRoute(route_id="1", api_id="a", key="GET /x", integration_id="i"),
                HttpRoute(route_id="2", api_id="a", key="$default", integration_id="missing"),
                HttpIntegration(integration_id="i", api_id="a", integration=integration()),
            ),
            REGION,
        )
        assert table.apis["a"].http.find("GET", "/x") is not None
        assert table.apis["a"].default is None
        assert table.problems == ["route $default of API a has no integration"]

    def test_resources_become_paths(self) -> None:
        table = Table(
            world(
                RestApi(api_id="a", name="a", account="0", root_id="root"),
                RestResource(resource_id="1", api_id="a", parent_id="root", part="pets"),
                RestResource(resource_id="2", api_id="a", parent_id="1", part="{id}"),
                RestResource(resource_id="3", api_id="a", parent_id="3", part="cycle"),
                RestMethod(api_id="a", resource_id="2", method="GET", integration=integration("1.0")),
                RestMethod(api_id="a", resource_id="root", method="ANY", integration=integration("1.0")),
                RestMethod(api_id="a", resource_id="3", method="ANY", integration=integration("1.0")),
            ),
            REGION,
        )
        found = table.apis["a"].rest.find_by_path("GET", "/pets/7")
        assert found is not None
        assert (found.path, found.parameters, found.target.resource_id) == ("/pets/{id}", {"id": "7"}, "2")
        assert table.apis["a"].rest.find_by_path("PUT", "/") is not None
        assert table.apis["a"].rest.find_by_path("GET", "/cycle") is None

    def test_stage_variables_name_functions(self) -> None:
        stage = Stage(name="prod", variables={"alias": "live"})
        named = integration(function=f"{FUNCTION}:${{stageVariables.alias}}")
        assert function_name(named, stage) == f"{FUNCTION}:live"


def event_request(**changes: Any) -> EventRequest:
    facts: dict[str, Any] = {
        "method": "POST",
        "path": "/my/path",
        "query": "a=1&a=2&b=x%20y&c=",
        "headers": Headers(
            [
                ("host", "h"), ("x-two", "1"), ("x-two", "2"), ("cookie", "k=v; l=w"),
                ("content-type", "application/json"),
            ]
        ),
        "body": b'{"hello": 1}',
        "source_ip": "192.0.2.1",
        "domain_name": "id.execute-api.us-east-1.amazonaws.com",
        "request_id": "request-id",
        "at": 1583348638.390,
    }  # fmt: skip
    return EventRequest(**{**facts, **changes})


class TestEvents:
    def test_format_2_0_has_the_documented_members(self) -> None:
        route = EventRoute(
            account="123456789012",
            api_id="api-id",
            route_key="POST /my/{p}",
            stage="$default",
            path_parameters={"p": "path"},
            stage_variables={"v": "1"},
        )
        assert json.loads(event_2_0(event_request(), route)) == {
            "version": "2.0",
            "routeKey": "POST /my/{p}",
            "rawPath": "/my/path",
            "rawQueryString": "a=1&a=2&b=x%20y&c=",
            "cookies": ["k=v", "l=w"],
            "headers": {"host": "h", "x-two": "1,2", "content-type": "application/json"},
            "queryStringParameters": {"a": "1,2", "b": "x y", "c": ""},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "id",
                "http": {
                    "method": "POST",
                    "path": "/my/path",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "",
                },
                "requestId": "request-id",
                "routeKey": "POST /my/{p}",
                "stage": "$default",
                "time": "04/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1583348638390,
            },
            "pathParameters": {"p": "path"},
            "stageVariables": {"v": "1"},
            "body": '{"hello": 1}',
            "isBase64Encoded": False,
        }

    def test_format_2_0_leaves_out_what_is_not_there(self) -> None:
        bare = event_request(query="", headers=Headers(), body=b"")
        route = EventRoute(account="0", api_id="a", route_key="$default", stage="$default")
        event = json.loads(event_2_0(bare, route))
        assert event.keys() == {
            "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("content_type", "body", "encoded"),
        [
            ("application/json; charset=utf-8", b"{}", False),
            ("text/plain", b"x", False),
            ("application/xml", b"x", False),
            ("application/javascript", b"x", False),
            ("application/x-www-form-urlencoded", b"a=1", True),
            ("image/png", b"\x89", True),
            (None, b"x", True),
            ("text/plain", b"\xff", True),
        ],
    )
    def test_only_text_is_given_as_text(self, content_type: str | None, body: bytes, encoded: bool) -> None:
        text, is_encoded = body_text(body, content_type)
        assert is_encoded is encoded
        assert (base64.b64decode(text) if encoded else text.encode()) == body

    def route(self) -> Route:
        return Route(
            account="0",
            api_id="a",
            stage="prod",
            resource="/my/{p}",
            path_parameters={"p": "path"},
            stage_variables={},
            context_path="/prod/my/path",
            resource_id="abc",
        )

    def test_format_1_0_of_an_http_api_keeps_several_values(self) -> None:
        event = json.loads(http_event_1_0(event_request(), self.route(), route_key="POST /my/{p}"))
        assert event["version"] == "1.0"
        assert event["multiValueHeaders"]["x-two"] == ["1", "2"]
        assert event["headers"]["x-two"] == "2"
        assert event["queryStringParameters"] == {"a": "2", "b": "x y", "c": ""}
        assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["x y"], "c": [""]}
        assert event["requestContext"]["path"] == "/prod/my/path"
        assert event["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"
        assert event["stageVariables"] is None
        assert event["body"] == '{"hello": 1}'

    def test_a_rest_event_has_title_case_headers_and_nulls(self) -> None:
        event = json.loads(rest_event(event_request(query="", body=b""), self.route(), binary_types=()))
        assert "version" not in event
        assert event["headers"]["Content-Type"] == "application/json"
        assert event["multiValueHeaders"]["X-Two"] == ["1", "2"]
        assert event["queryStringParameters"] is None
        assert event["multiValueQueryStringParameters"] is None
        assert event["body"] is None
        assert event["resource"] == event["requestContext"]["resourcePath"] == "/my/{p}"

    def test_a_rest_body_is_base64_only_for_binary_media_types(self) -> None:
        plain = json.loads(rest_event(event_request(), self.route(), binary_types=("image/png",)))
        assert (plain["body"], plain["isBase64Encoded"]) == ('{"hello": 1}', False)
        binary = json.loads(rest_event(event_request(), self.route(), binary_types=("*/*",)))
        assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b'{"hello": 1}', True)

    @pytest.mark.parametrize(
        ("given", "types", "binary"),
        [
            ("image/png", ("image/png",), True),
            ("image/png, text/html", ("image/*",), True),
            ("text/html, image/png", ("image/*",), False),
            ("Image/PNG; q=1", ("image/png",), True),
            (None, ("image/png",), False),
            (None, ("*/*",), True),
            ("image/png", (), False),
        ],
    )
    def test_the_first_media_type_decides(self, given: str | None, types: tuple[str, ...], binary: bool) -> None:
        assert is_binary(given, types) is binary


class TestAnswers:
    def read(self, answer: Any, *, inferred: bool = True) -> Any:
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return read_answer(payload, inferred=inferred, default_type="text/plain")

    def test_a_whole_answer_is_a_response(self) -> None:
        response = self.read(
            {
                "statusCode": 201,
                "headers": {"X-One": "1", "Content-Type": "text/html", "Content-Length": "999", "x-number": 5},
                "cookies": ["a=1", "b=2"],
                "body": "é",
            }
        )
        assert response.status == 201
        assert list(response.headers) == [
            ("x-one", "1"), ("content-type", "text/html"), ("x-number", "5"), ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ]  # fmt: skip
        assert response.body == "é".encode()

    def test_several_values_win_over_one(self) -> None:
        response = self.read({"statusCode": 200, "headers": {"A": "x"}, "multiValueHeaders": {"a": ["y", "z"]}})
        assert response.headers.all("a") == ["y", "z"]

    def test_base64_is_decoded(self) -> None:
        body = base64.b64encode(b"\x89PNG").decode()
        assert self.read({"statusCode": 200, "body": body, "isBase64Encoded": True}).body == b"\x89PNG"

    @pytest.mark.parametrize(
        ("answer", "body"), [({"a": 1}, b'{"a": 1}'), ("Hello", b"Hello"), ([1], b"[1]"), (None, b"null")]
    )
    def test_an_answer_without_a_status_is_a_body_of_json(self, answer: Any, body: bytes) -> None:
        response = self.read(answer)
        assert (response.status, response.body) == (200, body)
        assert response.headers.get("content-type") == "application/json"

    def test_status_may_be_a_string_of_digits(self) -> None:
        assert self.read({"statusCode": "404"}).status == 404

    def test_without_a_content_type_the_default_is_taken(self) -> None:
        assert self.read({"statusCode": 200, "body": "x"}).headers.get("content-type") == "text/plain"

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (b"{", "is not JSON"),
            ({"statusCode": "ok"}, "statusCode is 'ok'"),
            ({"statusCode": 99}, "statusCode is 99"),
            ({"statusCode": True}, "statusCode is True"),
            ({"statusCode": 200, "body": {"a": 1}}, "body is not a string"),
            ({"statusCode": 200, "headers": ["a"]}, "headers is not an object"),
            ({"statusCode": 200, "headers": {"a": None}}, "the header a is not a string"),
            ({"statusCode": 200, "headers": {"a": "x\r\nevil: 1"}}, "the header a has a character"),
            ({"statusCode": 200, "headers": {"a b": "x"}}, "the header a b has a character"),
            ({"statusCode": 200, "multiValueHeaders": {"a": "x"}}, "multiValueHeaders.a is not a list"),
            ({"statusCode": 200, "cookies": "a=1"}, "cookies is not a list"),
            ({"statusCode": 200, "body": "abc", "isBase64Encoded": True}, "body is not base64"),
        ],
    )
    def test_what_is_no_response_is_malformed(self, answer: Any, why: str) -> None:
        with pytest.raises(MalformedAnswer, match=why):
            self.read(answer)

    def test_format_1_0_infers_nothing(self) -> None:
        with pytest.raises(MalformedAnswer, match="has no statusCode"):
            self.read({"a": 1}, inferred=False)


class TestCors:
    policy = Cors(
        allow_origins=("https://app.example.com", "http://*"),
        allow_methods=("GET", "POST"),
        allow_headers=("x-a",),
        expose_headers=("x-b",),
        max_age_s=60,
    )

    def preflight(self, origin: str, policy: Cors | None = None) -> dict[str, str]:
        headers = Headers([("origin", origin), ("access-control-request-method", "GET")])
        request = Request(method="OPTIONS", target="/", headers=headers)
        assert cors.is_preflight(request)
        response = cors.answer_preflight(policy or self.policy, request)
        assert response.status == 204
        return dict(response.headers)

    def test_an_allowed_origin_is_told_what_it_may(self) -> None:
        assert self.preflight("https://app.example.com") == {
            "access-control-allow-origin": "https://app.example.com",
            "access-control-allow-methods": "GET,POST",
            "access-control-allow-headers": "x-a",
            "access-control-max-age": "60",
        }

    def test_another_origin_is_told_nothing(self) -> None:
        assert self.preflight("https://evil.example.com") == {}

    def test_a_scheme_may_be_allowed_as_a_whole(self) -> None:
        assert self.preflight("http://anything")["access-control-allow-origin"] == "http://anything"

    def test_with_credentials_the_origin_is_named(self) -> None:
        every = Cors(allow_origins=("*",))
        assert self.preflight("https://x", every)["access-control-allow-origin"] == "*"
        with_credentials = Cors(allow_origins=("*",), allow_credentials=True)
        fields = self.preflight("https://x", with_credentials)
        assert fields["access-control-allow-origin"] == "https://x"
        assert fields["access-control-allow-credentials"] == "true"

    def test_the_functions_own_fields_are_replaced(self) -> None:
        headers = Headers([("access-control-allow-origin", "*"), ("x-b", "1")])
        cors.decorate(self.policy, "https://app.example.com", headers)
        assert dict(headers) == {
            "x-b": "1",
            "access-control-allow-origin": "https://app.example.com",
            "access-control-expose-headers": "x-b",
        }
        cors.decorate(self.policy, None, headers)
        assert dict(headers) == {"x-b": "1"}

    def test_a_plain_options_request_is_no_preflight(self) -> None:
        assert not cors.is_preflight(Request(method="OPTIONS", target="/"))


def operation(**extra: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": URI, **extra}}


MOCK = {
    "type": "mock",
    "requestTemplates": {"application/json": '{\n  "statusCode" : 200\n}\n'},
    "responses": {
        "default": {
            "statusCode": "200",
            "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
            "responseTemplates": {"application/json": "{}\n"},
        }
    },
}


class TestOpenApi:
    def test_sams_http_api_becomes_routes(self) -> None:
        body = {
            "paths": {
                "$default": {"x-amazon-apigateway-any-method": operation(payloadFormatVersion="2.0")},
                "/x/{id}": {"get": operation(payloadFormatVersion="2.0"), "parameters": []},
            },
            "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "allowMethods": ["GET"]},
        }
        assert openapi.http_routes(body) == (
            RouteTarget(key="$default", integration=integration()),
            RouteTarget(key="GET /x/{id}", integration=integration()),
        )
        assert openapi.cors_of(body) == Cors(allow_origins=("*",), allow_methods=("GET",))

    def test_sams_rest_api_becomes_targets(self) -> None:
        targets = openapi.rest_targets(
            {"paths": {"/hello": {"get": operation(), "options": {"x-amazon-apigateway-integration": MOCK}}}}
        )
        assert [(target.method, target.path) for target in targets] == [("GET", "/hello"), ("OPTIONS", "/hello")]
        assert targets[0].integration == LambdaIntegration(function=FUNCTION, payload_version="1.0", timeout_ms=29_000)
        mock = targets[1].integration
        assert isinstance(mock, MockIntegration)
        assert select_answer(mock) == MockAnswer(
            status=200,
            headers=(("access-control-allow-origin", "*"), ("content-type", "application/json")),
            body="{}\n",
        )

    def test_a_mocks_status_selects_its_answer(self) -> None:
        answers = {"default": MockAnswer(status=200), r"5\d{2}": MockAnswer(status=503)}
        assert select_answer(MockIntegration(status=500, answers=answers)) == MockAnswer(status=503)
        assert select_answer(MockIntegration(status=404, answers=answers)) == MockAnswer(status=200)
        assert select_answer(MockIntegration(status=404, answers={})) is None

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"security": [{"Cognito": []}]}, "authorization by Cognito is not supported"),
            ({"x-amazon-apigateway-integration": None}, "has no x-amazon-apigateway-integration"),
            ({"x-amazon-apigateway-integration": {"type": "http_proxy"}}, "integrations of type HTTP_PROXY"),
            ({"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "x"}}, "'x' does not name a function"),
            (operation(timeoutInMillis=31_000), "31000 ms is not between"),
            (
                {"x-amazon-apigateway-integration": {**MOCK, "requestTemplates": {"application/json": "$input"}}},
                "request template can only be",
            ),
            (
                {
                    "x-amazon-apigateway-integration": {
                        **MOCK,
                        "responses": {"default": {"statusCode": 200, "responseTemplates": {"a/b": "$input.body"}}},
                    }
                },
                "VTL",
            ),
        ],
    )
    def test_what_does_not_run_is_refused_with_its_place(self, changes: dict[str, Any], why: str) -> None:
        with pytest.raises(PropertyProblem, match=why) as raised:
            openapi.rest_targets({"paths": {"/a": {"get": {**operation(), **changes}}}})
        assert raised.value.path[:4] == ("Body", "paths", "/a", "get")

    def test_security_that_an_operation_turns_off_is_no_security(self) -> None:
        body = {"security": [{"Auth": []}], "paths": {"/a": {"get": {**operation(), "security": []}}}}
        assert len(openapi.rest_targets(body)) == 1
        with pytest.raises(PropertyProblem, match="authorization by Auth"):
            openapi.rest_targets({"security": [{"Auth": []}], "paths": {"/a": {"get": operation()}}})
