"""API Gateway's CloudFormation types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from globule.apigateway.model import HttpApi, MockIntegration
from globule.apigateway.resources import RESOURCE_TYPES
from globule.world.resource_type import Built, Declaration, PropertyProblem
from globule.world.snapshot import Deployed, World, WorldDecoder, encode_world

TYPES = {each.name.removeprefix("AWS::"): each for each in RESOURCE_TYPES}
TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:orders"
URI = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def build(kind: str, **properties: Any) -> Built:
    return TYPES[kind].build(
        Declaration(
            stack="shop",
            region="eu-west-1",
            account="000000000000",
            logical_id="Api",
            properties=properties,
            folder=Path("/"),
            token=TOKEN,
        )
    )


def test_an_http_api_has_an_endpoint() -> None:
    built = build("ApiGatewayV2::Api", Name="orders", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": ["*"]})
    assert built.physical_id == "abcdefghij"
    assert built.attributes["ApiEndpoint"] == "https://abcdefghij.execute-api.eu-west-1.amazonaws.com"
    assert isinstance(built.resource, HttpApi)
    assert built.resource.cors is not None


def test_quick_create_makes_a_default_route_and_a_default_stage() -> None:
    built = build("ApiGatewayV2::Api", Name="orders", ProtocolType="HTTP", Target=FUNCTION)
    assert [route.key for route in built.resource.routes] == ["$default"]
    assert built.resource.quick_created
    assert not build("ApiGatewayV2::Api", Name="orders", ProtocolType="HTTP").resource.quick_created


def test_a_regional_domain_name_has_an_alias_target_and_its_zone() -> None:
    for kind, configuration in {
        "ApiGatewayV2::DomainName": {"DomainNameConfigurations": [{"EndpointType": "REGIONAL"}]},
        "ApiGateway::DomainName": {"EndpointConfiguration": {"Types": ["REGIONAL"]}},
    }.items():
        built = build(kind, DomainName="Api.Example.com", **configuration)
        assert built.physical_id == "api.example.com"
        assert built.attributes["RegionalDomainName"] == "d-abcdefghij.execute-api.eu-west-1.amazonaws.com"
        assert built.attributes["RegionalHostedZoneId"] == "ZLY8HYME6SFDD"


def test_a_mock_method_is_built_from_its_responses() -> None:
    built = build(
        "ApiGateway::Method",
        RestApiId="a",
        ResourceId="r",
        HttpMethod="options",
        Integration={
            "Type": "MOCK",
            "RequestTemplates": {"application/json": '{"statusCode": 200}'},
            "IntegrationResponses": [
                {"StatusCode": "204", "ResponseParameters": {"method.response.header.X-A": "'1'"}}
            ],
        },
    )
    assert built.resource.method == "OPTIONS"
    assert isinstance(built.resource.integration, MockIntegration)
    assert built.resource.integration.answers["default"].status == 204


@pytest.mark.parametrize(
    ("kind", "properties", "problem"),
    [
        ("ApiGatewayV2::Api", {"ProtocolType": "WEBSOCKET"}, "WEBSOCKET APIs do not run here yet"),
        ("ApiGatewayV2::Route", {"ApiId": "a", "RouteKey": "FETCH /a"}, "'FETCH /a' is not a method and a path"),
        ("ApiGatewayV2::Route", {"ApiId": "a", "RouteKey": "GET /{a+}/b"}, "is not a method and a path"),
        (
            "ApiGatewayV2::Route",
            {"ApiId": "a", "RouteKey": "GET /a", "AuthorizationType": "JWT"},
            "JWT is not supported here",
        ),
        ("ApiGatewayV2::Integration", {"ApiId": "a", "IntegrationType": "HTTP_PROXY"}, "type HTTP_PROXY are not"),
        ("ApiGateway::RestApi", {"Policy": {}}, "resource policies are not supported"),
        (
            "ApiGateway::Method",
            {"RestApiId": "a", "ResourceId": "r", "HttpMethod": "GET", "ApiKeyRequired": True},
            "API keys are not supported",
        ),
        (
            "ApiGateway::Method",
            {"RestApiId": "a", "ResourceId": "r", "HttpMethod": "GET", "Integration": {"Type": "AWS", "Uri": URI}},
            "integrations of type AWS are not supported here; AWS_PROXY with a function, and MOCK, are",
        ),
        ("ApiGateway::DomainName", {"DomainName": "a.b"}, "EDGE domain names are not supported here"),
    ],
)
def test_what_does_not_run_is_refused_by_name(kind: str, properties: dict[str, Any], problem: str) -> None:
    with pytest.raises(PropertyProblem, match=problem):
        build(kind, **properties)


def test_every_model_survives_the_world() -> None:
    proxy = {"IntegrationType": "AWS_PROXY", "IntegrationUri": URI, "PayloadFormatVersion": "2.0"}
    declared: dict[str, dict[str, Any]] = {
        "ApiGatewayV2::Api": {"Name": "a", "ProtocolType": "HTTP", "Target": FUNCTION},
        "ApiGatewayV2::Route": {"ApiId": "a", "RouteKey": "GET /a", "Target": "integrations/i"},
        "ApiGatewayV2::Integration": {"ApiId": "a", **proxy},
        "ApiGatewayV2::Stage": {"ApiId": "a", "StageName": "$default", "StageVariables": {"a": "1"}},
        "ApiGatewayV2::DomainName": {"DomainName": "a.b"},
        "ApiGatewayV2::ApiMapping": {"DomainName": "a.b", "ApiId": "a", "Stage": "$default"},
        "ApiGateway::RestApi": {"Name": "a"},
        "ApiGateway::Resource": {"RestApiId": "a", "ParentId": "p", "PathPart": "x"},
        "ApiGateway::Method": {
            "RestApiId": "a",
            "ResourceId": "r",
            "HttpMethod": "GET",
            "Integration": {"Type": "AWS_PROXY", "Uri": URI},
        },
        "ApiGateway::Deployment": {"RestApiId": "a", "StageName": "Stage"},
        "ApiGateway::Stage": {"RestApiId": "a", "StageName": "Prod", "DeploymentId": "d"},
        "ApiGateway::DomainName": {"DomainName": "a.b", "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        "ApiGateway::BasePathMapping": {"DomainName": "a.b", "RestApiId": "a", "Stage": "Prod"},
    }
    resources = tuple(
        Deployed(
            stack="s",
            region="eu-west-1",
            logical_id=kind,
            type=f"AWS::{kind}",
            physical_id=kind,
            resource=build(kind, **properties).resource,
        )
        for kind, properties in declared.items()
    )
    world = World(resources=resources)
    models = [each.model for each in RESOURCE_TYPES if each.model is not None]
    assert WorldDecoder(models).decode(encode_world(world)) == world
    assert {type(deployed.resource) for deployed in resources} == set(models)
