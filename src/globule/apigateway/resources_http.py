"""CloudFormation types of API Gateway v2: HTTP APIs, and custom domain names.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from globule.apigateway.model import (
    DEFAULT_ROUTE,
    ApiMapping,
    HttpApi,
    HttpDomainName,
    HttpIntegration,
    HttpRoute,
    HttpStage,
    LambdaIntegration,
    RouteTarget,
)
from globule.apigateway.rules import openapi
from globule.apigateway.rules.routing import is_route_template
from globule.apigateway.rules.zones import hosted_zone
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

_ROUTE_KEY = re.compile(r"(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|ANY) (/.*)")


def generated_id(declaration: Declaration, length: int = 10) -> str:
    """An id in API Gateway's form: lower-case letters and digits."""
    return declaration.token[:length].lower()


def _api(declaration: Declaration) -> Built:
    properties = declaration.properties
    body: Mapping[str, Any] = properties.get("Body", {})
    protocol = properties.get("ProtocolType", "HTTP")
    if protocol != "HTTP":
        raise PropertyProblem(("ProtocolType",), f"{protocol} APIs do not run here yet; HTTP APIs do")
    api_id = generated_id(declaration)
    cors = properties.get("CorsConfiguration")
    routes = openapi.http_routes(body)
    if "Target" in properties:
        function = openapi.function_of(properties["Target"], ("Target",))
        integration = LambdaIntegration(function=function, payload_version="2.0", timeout_ms=openapi.HTTP_TIMEOUT_MS)
        routes = (*routes, RouteTarget(key=properties.get("RouteKey", DEFAULT_ROUTE), integration=integration))
    api = HttpApi(
        api_id=api_id,
        name=properties.get("Name") or body.get("info", {}).get("title") or declaration.logical_id,
        account=declaration.account,
        cors=openapi.cors_of(body) if cors is None else openapi.read_cors(cors),
        routes=routes,
        quick_created="Target" in properties,
        execute_api_disabled=properties.get("DisableExecuteApiEndpoint", False),
    )
    endpoint = f"https://{api_id}.execute-api.{declaration.region}.amazonaws.com"
    return Built(physical_id=api_id, attributes={"ApiId": api_id, "ApiEndpoint": endpoint}, resource=api)


def _route(declaration: Declaration) -> Built:
    properties = declaration.properties
    key = properties["RouteKey"]
    found = _ROUTE_KEY.fullmatch(key)
    if key != DEFAULT_ROUTE and (found is None or not is_route_template(found[2])):
        raise PropertyProblem(("RouteKey",), f"{key!r} is not a method and a path, nor $default")
    authorization = properties.get("AuthorizationType", "NONE")
    if authorization != "NONE" or properties.get("ApiKeyRequired", False):
        raise PropertyProblem(("AuthorizationType",), f"{authorization} is not supported here; NONE is")
    target = properties.get("Target", "")
    route_id = generated_id(declaration, 7)
    route = HttpRoute(
        route_id=route_id, api_id=properties["ApiId"], key=key, integration_id=target.removeprefix("integrations/")
    )
    return Built(physical_id=route_id, attributes={"RouteId": route_id}, resource=route)


def _integration(declaration: Declaration) -> Built:
    properties = declaration.properties
    kind = properties["IntegrationType"]
    if kind != "AWS_PROXY" or "IntegrationSubtype" in properties:
        raise openapi.unsupported_integration(kind, ("IntegrationType",), mock=False)
    integration_id = generated_id(declaration, 7)
    timeout_ms = properties.get("TimeoutInMillis", openapi.HTTP_TIMEOUT_MS)
    integration = LambdaIntegration(
        function=openapi.function_of(properties.get("IntegrationUri", ""), ("IntegrationUri",)),
        payload_version=str(properties.get("PayloadFormatVersion", "1.0")),
        timeout_ms=timeout_ms,
    )
    model = HttpIntegration(integration_id=integration_id, api_id=properties["ApiId"], integration=integration)
    return Built(physical_id=integration_id, attributes={"IntegrationId": integration_id}, resource=model)


def _stage(declaration: Declaration) -> Built:
    properties = declaration.properties
    stage = HttpStage(
        api_id=properties["ApiId"],
        name=properties["StageName"],
        variables={name: str(value) for name, value in properties.get("StageVariables", {}).items()},
    )
    return Built(physical_id=stage.name, resource=stage)


def _deployment(declaration: Declaration) -> Built:
    """Recorded: a stage serves its API as it is now."""
    deployment_id = generated_id(declaration, 6)
    return Built(physical_id=deployment_id, attributes={"DeploymentId": deployment_id})


def _domain_name(declaration: Declaration) -> Built:
    name = declaration.properties["DomainName"].lower()
    regional = f"d-{generated_id(declaration)}.execute-api.{declaration.region}.amazonaws.com"
    attributes = {
        "RegionalDomainName": regional,
        "RegionalHostedZoneId": hosted_zone(declaration.region),
        "DomainNameArn": f"arn:aws:apigateway:{declaration.region}::/domainnames/{name}",
    }
    return Built(physical_id=name, attributes=attributes, resource=HttpDomainName(name=name, regional_name=regional))


def _api_mapping(declaration: Declaration) -> Built:
    properties = declaration.properties
    mapping_id = generated_id(declaration, 6)
    mapping = ApiMapping(
        domain=properties["DomainName"].lower(),
        api_id=properties["ApiId"],
        stage=properties["Stage"],
        key=properties.get("ApiMappingKey", "").strip("/"),
    )
    return Built(physical_id=mapping_id, attributes={"ApiMappingId": mapping_id}, resource=mapping)


HTTP_RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        name="AWS::ApiGatewayV2::Api",
        properties=frozenset({
            "Body", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Name", "ProtocolType", "RouteKey",
            "Tags", "Target", "Version",
        }),
        recorded=frozenset({
            "ApiKeySelectionExpression", "BasePath", "FailOnWarnings", "IpAddressType", "RouteSelectionExpression",
        }),
        replaced_by=frozenset({"ProtocolType"}),
        build=_api,
        model=HttpApi,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Route",
        properties=frozenset({"ApiId", "ApiKeyRequired", "AuthorizationType", "RouteKey", "Target"}),
        recorded=frozenset({"OperationName"}),
        replaced_by=frozenset({"ApiId"}),
        build=_route,
        model=HttpRoute,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Integration",
        properties=frozenset({
            "ApiId", "Description", "IntegrationSubtype", "IntegrationType", "IntegrationUri", "PayloadFormatVersion",
            "TimeoutInMillis",
        }),
        recorded=frozenset({"ConnectionType", "CredentialsArn", "IntegrationMethod"}),
        replaced_by=frozenset({"ApiId"}),
        build=_integration,
        model=HttpIntegration,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Stage",
        properties=frozenset({"ApiId", "AutoDeploy", "Description", "StageName", "StageVariables", "Tags"}),
        recorded=frozenset({"AccessLogSettings", "DefaultRouteSettings", "DeploymentId", "RouteSettings"}),
        replaced_by=frozenset({"ApiId", "StageName"}),
        build=_stage,
        model=HttpStage,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Deployment",
        properties=frozenset(),
        recorded=frozenset({"ApiId", "Description", "StageName"}),
        replaced_by=frozenset({"ApiId"}),
        build=_deployment,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::DomainName",
        properties=frozenset({"DomainName", "Tags"}),
        recorded=frozenset({"DomainNameConfigurations", "RoutingMode"}),
        replaced_by=frozenset({"DomainName"}),
        build=_domain_name,
        model=HttpDomainName,
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::ApiMapping",
        properties=frozenset({"ApiId", "ApiMappingKey", "DomainName", "Stage"}),
        replaced_by=frozenset({"DomainName"}),
        build=_api_mapping,
        model=ApiMapping,
    ),
)  # fmt: skip
