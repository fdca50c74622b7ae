"""What API Gateway is told to serve: HTTP APIs, REST APIs, their stages, and names of one's own.

An integration says what a route does: invoke a function, or (REST only) answer by itself.
"""

from __future__ import annotations

import msgspec

from globule.wire.cors import Cors

DEFAULT_STAGE = "$default"
DEFAULT_ROUTE = "$default"


class LambdaIntegration(msgspec.Struct, frozen=True, kw_only=True, tag="AWS_PROXY"):
    """Invoke a function with the request as its event."""

    function: str
    """Name or ARN, qualified or not; may hold `${stageVariables.NAME}`."""
    payload_version: str
    """`1.0` or `2.0`."""
    timeout_ms: int


class MockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One response of a mock integration."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class MockIntegration(msgspec.Struct, frozen=True, kw_only=True, tag="MOCK"):
    """Answer without a back end: the request template names a status, which selects the answer."""

    status: int
    answers: dict[str, MockAnswer]
    """By the pattern that its status is to match; `default` for the rest."""


Integration = LambdaIntegration | MockIntegration


# HTTP APIs (API Gateway v2).


class RouteTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A route with what it does."""

    key: str
    """`GET /pets/{id}`, `ANY /{proxy+}` or `$default`."""
    integration: Integration


class HttpApi(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::Api"):
    api_id: str
    name: str
    account: str
    cors: Cors | None = None
    routes: tuple[RouteTarget, ...] = ()
    """Out of the API's OpenAPI document; `HttpRoute` resources add to them."""
    quick_created: bool = False
    """It came with a `$default` stage, without a resource for it."""
    execute_api_disabled: bool = False


class HttpIntegration(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::Integration"):
    integration_id: str
    api_id: str
    integration: Integration


class HttpRoute(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::Route"):
    route_id: str
    api_id: str
    key: str
    integration_id: str


class HttpStage(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::Stage"):
    api_id: str
    name: str
    variables: dict[str, str] = {}


# REST APIs (API Gateway v1).


class RestTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A method of a path, with what it does."""

    path: str
    """`/pets/{id}`"""
    method: str
    """Upper case, or `ANY`."""
    integration: Integration


class RestApi(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGateway::RestApi"):
    api_id: str
    name: str
    account: str
    root_id: str
    targets: tuple[RestTarget, ...] = ()
    """Out of the API's OpenAPI document; `RestMethod` resources add to them."""
    binary_types: tuple[str, ...] = ()
    execute_api_disabled: bool = False


class RestResource(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGateway::Resource"):
    """One segment of a path."""

    resource_id: str
    api_id: str
    parent_id: str
    part: str


class RestMethod(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGateway::Method"):
    api_id: str
    resource_id: str
    method: str
    integration: Integration


class RestDeployment(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGateway::Deployment"):
    """May make a stage on the way."""

    deployment_id: str
    api_id: str
    stage: str | None = None
    variables: dict[str, str] = {}


class RestStage(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::ApiGateway::Stage"):
    api_id: str
    name: str
    deployment_id: str = ""
    variables: dict[str, str] = {}


# Names of one's own, for both.


class DomainName(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """Lower case."""
    regional_name: str
    """`d-0123456789.execute-api.REGION.amazonaws.com`: what DNS records point to."""


class HttpDomainName(DomainName, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::DomainName"):
    """A custom domain name, declared for API Gateway v2."""


class RestDomainName(DomainName, frozen=True, kw_only=True, tag="AWS::ApiGateway::DomainName"):
    """A custom domain name, declared for API Gateway v1. Both kinds lead to both kinds of API."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A base path of a domain leads to a stage of an API."""

    domain: str
    api_id: str
    stage: str
    key: str = ""
    """The base path without slashes around it; empty for all paths."""


class ApiMapping(Mapping, frozen=True, kw_only=True, tag="AWS::ApiGatewayV2::ApiMapping"):
    """Declared for API Gateway v2."""


class BasePathMapping(Mapping, frozen=True, kw_only=True, tag="AWS::ApiGateway::BasePathMapping"):
    """Declared for API Gateway v1."""
