"""From a world to what answers which host: built once a world, then only looked up.

A host is an API's own (`ID.execute-api.REGION.amazonaws.com`), where the first segment of the path may name a stage,
or a domain name of one's own, where base paths lead to stages
(https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from globule.apigateway.model import (
    DEFAULT_ROUTE,
    DEFAULT_STAGE,
    ApiMapping,
    BasePathMapping,
    HttpApi,
    HttpDomainName,
    HttpIntegration,
    HttpRoute,
    HttpStage,
    Integration,
    LambdaIntegration,
    RestApi,
    RestDeployment,
    RestDomainName,
    RestMethod,
    RestResource,
    RestStage,
)
from globule.apigateway.rules.routing import Router
from globule.wire.cors import Cors
from globule.world.snapshot import World

_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


class RestRoute(msgspec.Struct, frozen=True):
    """What a REST method leads to."""

    resource_id: str
    integration: Integration


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    variables: Mapping[str, str]
    deployment_id: str = ""


class Api:
    """One API, ready to route."""

    def __init__(
        self,
        kind: Literal["HTTP", "REST"],
        api_id: str,
        account: str,
        *,
        stages: dict[str, Stage],
        hidden: bool,
        cors: Cors | None = None,
        binary_types: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.api_id = api_id
        self.account = account
        self.stages = stages
        self.hidden = hidden
        """Its execute-api endpoint is disabled; only custom domains lead to it."""
        self.cors = cors
        self.binary_types = binary_types
        self.http: Router[tuple[str, Integration]] = Router(())
        self.default: Integration | None = None
        """Of the `$default` route of an HTTP API."""
        self.rest: Router[RestRoute] = Router(())


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request has arrived: an API's stage, and what is left of its path."""

    api: Api
    stage: Stage
    path: str
    base_path: str = ""
    """What was taken off the path for the mapping of a custom domain, with its slash; empty otherwise."""
    custom: bool = False


class NoPlace(msgspec.Struct, frozen=True):
    """No API answers this path of the host."""

    status: int
    message: str


NOT_FOUND = NoPlace(404, "Not Found")
FORBIDDEN = NoPlace(403, "Forbidden")


class Table:
    """All APIs and names of one region."""

    def __init__(self, world: World, region: str) -> None:
        self.region = region
        self.apis: dict[str, Api] = {}
        self._domains: dict[str, list[tuple[str, str, str]]] = {}
        """Base path, API and stage, longest base path first, by domain name."""
        self.problems: list[str] = []
        self._suffix = f".execute-api.{region}.amazonaws.com"
        self._add_http_apis(world)
        self._add_rest_apis(world)
        self._add_domains(world)

    def serves(self, host: str) -> bool:
        """Whether a host, in lower case and without a port, is one of ours."""
        return host in self._domains or (host.endswith(self._suffix) and host.removesuffix(self._suffix) in self.apis)

    def locate(self, host: str, path: str) -> Place | NoPlace:
        """`path` is decoded or not, as the caller needs it; stages and base paths are plain either way."""
        if host in self._domains:
            return self._locate_in_domain(host, path)
        api = self.apis.get(host.removesuffix(self._suffix))
        if api is None:
            return FORBIDDEN
        if api.hidden:
            return NOT_FOUND if api.kind == "HTTP" else FORBIDDEN
        name, _, rest = path.removeprefix("/").partition("/")
        if name in api.stages and name != DEFAULT_STAGE:
            return Place(api=api, stage=api.stages[name], path=f"/{rest}")
        if DEFAULT_STAGE in api.stages:
            return Place(api=api, stage=api.stages[DEFAULT_STAGE], path=path)
        return NOT_FOUND if api.kind == "HTTP" else FORBIDDEN

    def _locate_in_domain(self, host: str, path: str) -> Place | NoPlace:
        for key, api_id, stage in self._domains[host]:
            base = f"/{key}" if key else ""
            if key and path != base and not path.startswith(f"{base}/"):
                continue
            api = self.apis.get(api_id)
            if api is None or stage not in api.stages:
                return FORBIDDEN
            rest = path[len(base) :] or "/"
            return Place(api=api, stage=api.stages[stage], path=rest, base_path=base, custom=True)
        return FORBIDDEN

    def _add_http_apis(self, world: World) -> None:
        region = self.region
        for model in world.of(HttpApi, region=region):
            stages = {
                stage.name: Stage(name=stage.name, variables=stage.variables)
                for stage in world.of(HttpStage, region=region)
                if stage.api_id == model.api_id
            }
            if model.quick_created:
                stages.setdefault(DEFAULT_STAGE, Stage(name=DEFAULT_STAGE, variables={}))
            api = Api(
                "HTTP",
                model.api_id,
                model.account,
                stages=stages,
                hidden=model.execute_api_disabled,
                cors=model.cors,
            )
            integrations = {
                each.integration_id: each.integration
                for each in world.of(HttpIntegration, region=region)
                if each.api_id == model.api_id
            }
            routes = {target.key: target.integration for target in model.routes}
            for route in world.of(HttpRoute, region=region):
                if route.api_id != model.api_id:
                    continue
                if route.integration_id in integrations:
                    routes[route.key] = integrations[route.integration_id]
                else:
                    self.problems.append(f"route {route.key} of API {model.name} has no integration")
            api.default = routes.pop(DEFAULT_ROUTE, None)
            methods = ((key.partition(" "), key, integration) for key, integration in routes.items())
            api.http = Router((method, path, (key, integration)) for (method, _, path), key, integration in methods)
            self.apis[model.api_id] = api

    def _add_rest_apis(self, world: World) -> None:
        region = self.region
        for model in world.of(RestApi, region=region):
            stages: dict[str, Stage] = {}
            for deployment in world.of(RestDeployment, region=region):
                if deployment.api_id == model.api_id and deployment.stage:
                    stages[deployment.stage] = Stage(
                        name=deployment.stage,
                        variables=deployment.variables,
                        deployment_id=deployment.deployment_id,
                    )
            for stage in world.of(RestStage, region=region):
                if stage.api_id == model.api_id:
                    stages[stage.name] = Stage(
                        name=stage.name, variables=stage.variables, deployment_id=stage.deployment_id
                    )
            api = Api(
                "REST",
                model.api_id,
                model.account,
                stages=stages,
                hidden=model.execute_api_disabled,
                binary_types=model.binary_types,
            )
            targets = [
                (target.method, target.path, RestRoute(_resource_id(target.path), target.integration))
                for target in model.targets
            ]
            paths = _resource_paths(world, region, model)
            for method in world.of(RestMethod, region=region):
                if method.api_id == model.api_id and method.resource_id in paths:
                    path = paths[method.resource_id]
                    targets.append((method.method, path, RestRoute(method.resource_id, method.integration)))
            api.rest = Router(targets)
            self.apis[model.api_id] = api

    def _add_domains(self, world: World) -> None:
        region = self.region
        for domain in (*world.of(HttpDomainName, region=region), *world.of(RestDomainName, region=region)):
            mappings = sorted(
                (
                    (mapping.key, mapping.api_id, mapping.stage)
                    for mapping in (*world.of(ApiMapping, region=region), *world.of(BasePathMapping, region=region))
                    if mapping.domain == domain.name
                ),
                key=lambda mapping: (-len(mapping[0]), mapping),
            )
            self._domains[domain.name] = self._domains[domain.regional_name] = mappings


def _resource_paths(world: World, region: str, api: RestApi) -> dict[str, str]:
    """Paths of a REST API's resources by their ids. A resource whose parent is missing has none."""
    resources = {
        resource.resource_id: resource
        for resource in world.of(RestResource, region=region)
        if resource.api_id == api.api_id
    }
    paths = {api.root_id: "/"}
    for resource_id in resources:
        parts: list[str] = []
        here = resource_id
        while here in resources and len(parts) <= len(resources):
            parts.append(resources[here].part)
            here = resources[here].parent_id
        if here == api.root_id:
            paths[resource_id] = "/" + "/".join(reversed(parts))
    return paths


def _resource_id(path: str) -> str:
    """An id that API Gateway would have made: six characters, the same for the same path."""
    number = 0
    for character in path.encode():
        number = (number * 257 + character) % 36**6
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(6))


def function_name(integration: LambdaIntegration, stage: Stage) -> str:
    """The function, with the stage's variables put in."""
    return _STAGE_VARIABLE.sub(lambda found: stage.variables.get(found[1], ""), integration.function)
