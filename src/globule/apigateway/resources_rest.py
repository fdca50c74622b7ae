"""CloudFormation types of API Gateway v1: REST APIs whose methods invoke functions or answer by themselves.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globule.apigateway.model import (
    BasePathMapping,
    Integration,
    LambdaIntegration,
    RestApi,
    RestDeployment,
    RestDomainName,
    RestMethod,
    RestResource,
    RestStage,
)
from globule.apigateway.resources_http import generated_id
from globule.apigateway.rules import openapi
from globule.apigateway.rules.zones import hosted_zone
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType


def _api(declaration: Declaration) -> Built:
    properties = declaration.properties
    body: Mapping[str, Any] = properties.get("Body", {})
    api_id = generated_id(declaration)
    root_id = declaration.token[10:20].lower()
    binary = (*properties.get("BinaryMediaTypes", ()), *body.get("x-amazon-apigateway-binary-media-types", ()))
    if "x-amazon-apigateway-policy" in body or "Policy" in properties:
        raise PropertyProblem(("Policy",), "resource policies are not supported here, and the API must not be open")
    api = RestApi(
        api_id=api_id,
        name=properties.get("Name") or body.get("info", {}).get("title") or declaration.logical_id,
        account=declaration.account,
        root_id=root_id,
        targets=openapi.rest_targets(body),
        binary_types=tuple(dict.fromkeys(kind.replace("~1", "/").lower() for kind in binary)),
        execute_api_disabled=properties.get("DisableExecuteApiEndpoint", False),
    )
    attributes = {"RestApiId": api_id, "RootResourceId": root_id}
    return Built(physical_id=api_id, attributes=attributes, resource=api)


def _resource(declaration: Declaration) -> Built:
    properties = declaration.properties
    resource_id = generated_id(declaration, 6)
    resource = RestResource(
        resource_id=resource_id,
        api_id=properties["RestApiId"],
        parent_id=properties["ParentId"],
        part=properties["PathPart"],
    )
    return Built(physical_id=resource_id, attributes={"ResourceId": resource_id}, resource=resource)


def _method(declaration: Declaration) -> Built:
    properties = declaration.properties
    authorization = properties.get("AuthorizationType", "NONE")
    if authorization != "NONE":
        raise PropertyProblem(("AuthorizationType",), f"{authorization} is not supported here; NONE is")
    if properties.get("ApiKeyRequired", False):
        raise PropertyProblem(("ApiKeyRequired",), "API keys are not supported here, and the method must not be open")
    method = RestMethod(
        api_id=properties["RestApiId"],
        resource_id=properties["ResourceId"],
        method=properties["HttpMethod"].upper(),
        integration=_integration(properties.get("Integration", {})),
    )
    return Built(physical_id=declaration.generated_name(), resource=method)


def _integration(integration: Mapping[str, Any]) -> Integration:
    kind = integration.get("Type", "")
    if kind == "AWS_PROXY":
        return LambdaIntegration(
            function=openapi.function_of(integration.get("Uri", ""), ("Integration", "Uri")),
            payload_version="1.0",
            timeout_ms=integration.get("TimeoutInMillis", openapi.REST_TIMEOUT_MS),
        )
    if kind == "MOCK":
        answers = {
            answer.get("SelectionPattern") or "default": (
                answer["StatusCode"],
                answer.get("ResponseParameters", {}),
                answer.get("ResponseTemplates"),
            )
            for answer in integration.get("IntegrationResponses", ())
        }
        return openapi.mock_integration(integration.get("RequestTemplates", {}), answers, ("Integration",))
    raise openapi.unsupported_integration(kind, ("Integration", "Type"), mock=True)


def _deployment(declaration: Declaration) -> Built:
    """A stage serves its API as it is now; a deployment may make a stage."""
    properties = declaration.properties
    deployment_id = generated_id(declaration, 6)
    deployment = RestDeployment(
        deployment_id=deployment_id,
        api_id=properties["RestApiId"],
        stage=properties.get("StageName"),
        variables=_variables(properties.get("StageDescription", {})),
    )
    return Built(physical_id=deployment_id, attributes={"DeploymentId": deployment_id}, resource=deployment)


def _stage(declaration: Declaration) -> Built:
    properties = declaration.properties
    stage = RestStage(
        api_id=properties["RestApiId"],
        name=properties["StageName"],
        deployment_id=properties.get("DeploymentId", ""),
        variables=_variables(properties),
    )
    return Built(physical_id=stage.name, resource=stage)


def _variables(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in properties.get("Variables", {}).items()}


def _domain_name(declaration: Declaration) -> Built:
    properties = declaration.properties
    kinds = properties.get("EndpointConfiguration", {}).get("Types", ["EDGE"])
    if kinds != ["REGIONAL"]:
        raise PropertyProblem(
            ("EndpointConfiguration", "Types"),
            f"{' and '.join(kinds)} domain names are not supported here; REGIONAL ones are",
        )
    name = properties["DomainName"].lower()
    regional = f"d-{generated_id(declaration)}.execute-api.{declaration.region}.amazonaws.com"
    attributes = {
        "RegionalDomainName": regional,
        "RegionalHostedZoneId": hosted_zone(declaration.region),
        "DomainNameArn": f"arn:aws:apigateway:{declaration.region}::/domainnames/{name}",
    }
    return Built(physical_id=name, attributes=attributes, resource=RestDomainName(name=name, regional_name=regional))


def _base_path_mapping(declaration: Declaration) -> Built:
    properties = declaration.properties
    if "RestApiId" not in properties or "Stage" not in properties:
        raise PropertyProblem((), "a mapping without RestApiId and Stage is not supported here")
    key = properties.get("BasePath", "").strip("/")
    mapping = BasePathMapping(
        domain=properties["DomainName"].lower(),
        api_id=properties["RestApiId"],
        stage=properties["Stage"],
        key="" if key == "(none)" else key,
    )
    return Built(physical_id=f"{mapping.domain}|{mapping.key or '(none)'}", resource=mapping)


def _account(declaration: Declaration) -> Built:
    return Built(physical_id=generated_id(declaration))


REST_RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        name="AWS::ApiGateway::RestApi",
        properties=frozenset({
            "BinaryMediaTypes", "Body", "Description", "DisableExecuteApiEndpoint", "Name", "Policy", "Tags",
        }),
        recorded=frozenset({
            "EndpointConfiguration", "FailOnWarnings", "MinimumCompressionSize", "Mode", "Parameters",
        }),
        build=_api,
        model=RestApi,
    ),
    ResourceType(
        name="AWS::ApiGateway::Resource",
        properties=frozenset({"ParentId", "PathPart", "RestApiId"}),
        replaced_by=frozenset({"ParentId", "PathPart", "RestApiId"}),
        build=_resource,
        model=RestResource,
    ),
    ResourceType(
        name="AWS::ApiGateway::Method",
        properties=frozenset({
            "ApiKeyRequired", "AuthorizationType", "HttpMethod", "Integration", "ResourceId", "RestApiId",
        }),
        recorded=frozenset({"MethodResponses", "OperationName", "RequestModels", "RequestParameters"}),
        replaced_by=frozenset({"HttpMethod", "ResourceId", "RestApiId"}),
        build=_method,
        model=RestMethod,
    ),
    ResourceType(
        name="AWS::ApiGateway::Deployment",
        properties=frozenset({"Description", "RestApiId", "StageDescription", "StageName"}),
        recorded=frozenset({"DeploymentCanarySettings"}),
        replaced_by=frozenset({"DeploymentCanarySettings", "RestApiId"}),
        build=_deployment,
        model=RestDeployment,
    ),
    ResourceType(
        name="AWS::ApiGateway::Stage",
        properties=frozenset({"DeploymentId", "Description", "RestApiId", "StageName", "Tags", "Variables"}),
        recorded=frozenset({
            "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "DocumentationVersion",
            "MethodSettings", "TracingEnabled",
        }),
        replaced_by=frozenset({"RestApiId", "StageName"}),
        build=_stage,
        model=RestStage,
    ),
    ResourceType(
        name="AWS::ApiGateway::DomainName",
        properties=frozenset({"DomainName", "EndpointConfiguration"}),
        recorded=frozenset({"CertificateArn", "RegionalCertificateArn", "SecurityPolicy", "Tags"}),
        replaced_by=frozenset({"DomainName"}),
        build=_domain_name,
        model=RestDomainName,
    ),
    ResourceType(
        name="AWS::ApiGateway::BasePathMapping",
        properties=frozenset({"BasePath", "DomainName", "RestApiId", "Stage"}),
        replaced_by=frozenset({"BasePath", "DomainName"}),
        build=_base_path_mapping,
        model=BasePathMapping,
    ),
    ResourceType(
        name="AWS::ApiGateway::Account",
        properties=frozenset(),
        recorded=frozenset({"CloudWatchRoleArn"}),
        build=_account,
    ),
)  # fmt: skip
