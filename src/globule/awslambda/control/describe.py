"""What a function looks like: GetFunction, GetFunctionConfiguration, ListFunctions, and their like.

https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html. Everything here exists as long as its
stack does, and is always Active.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from globule.awslambda.control.answers import json_response
from globule.awslambda.model import Alias, Function, LocalCode
from globule.awslambda.rules.directory import not_found
from globule.awslambda.rules.names import LATEST
from globule.wire.http import Request, Response

if TYPE_CHECKING:
    from globule.awslambda.control.service import Backends

# A page of ListFunctions: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
PAGE_LIMIT = 50

LAST_MODIFIED = "1970-01-01T00:00:00.000+0000"
"""A world does not keep when a function was changed."""


async def get_function(backends: Backends, request: Request, name: str) -> Response:
    target = backends.pool.directory.resolve(name, _qualifier(request), chance=0)
    code = target.function.code
    location = f"file://{code.path}" if isinstance(code, LocalCode) else "inline"
    members: dict[str, Any] = {
        "Configuration": _configuration(target.function, target.version, target.invoked_arn),
        "Code": {"RepositoryType": "S3", "Location": location},
        "Tags": target.function.tags or None,
    }
    if target.function.reserved_concurrency is not None:
        members["Concurrency"] = {"ReservedConcurrentExecutions": target.function.reserved_concurrency}
    return json_response(200, members)


async def get_function_configuration(backends: Backends, request: Request, name: str) -> Response:
    target = backends.pool.directory.resolve(name, _qualifier(request), chance=0)
    return json_response(200, _configuration(target.function, target.version, target.invoked_arn))


async def list_functions(backends: Backends, request: Request, name: str) -> Response:
    query = {key: values[0] for key, values in parse_qs(request.query).items()}
    marker, asked = query.get("Marker", ""), query.get("MaxItems", "")
    limit = min(PAGE_LIMIT, int(asked)) if asked.isdecimal() and int(asked) else PAGE_LIMIT
    functions = sorted(backends.pool.directory.functions.values(), key=lambda function: function.name)
    rest = [function for function in functions if function.name > marker]
    page = rest[:limit]
    return json_response(
        200,
        {
            "Functions": [_configuration(function, LATEST, function.arn) for function in page],
            "NextMarker": page[-1].name if len(rest) > len(page) else None,
        },
    )


async def list_versions_by_function(backends: Backends, request: Request, name: str) -> Response:
    directory = backends.pool.directory
    function = directory.find(name)
    numbers = [LATEST, *(each.number for each in directory.versions.values() if each.function_arn == function.arn)]
    versions = [_configuration(function, number, f"{function.arn}:{number}") for number in numbers]
    return json_response(200, {"Versions": versions})


async def list_aliases(backends: Backends, request: Request, name: str) -> Response:
    directory = backends.pool.directory
    function = directory.find(name)
    aliases = [_alias(alias) for alias in directory.aliases.values() if alias.function_arn == function.arn]
    return json_response(200, {"Aliases": aliases})


async def get_function_url_config(backends: Backends, request: Request, name: str) -> Response:
    directory = backends.pool.directory
    function = directory.find(name)
    qualifier = _qualifier(request)
    for url in directory.urls.values():
        if url.function_arn == function.arn and url.qualifier == qualifier:
            return json_response(
                200,
                {
                    "FunctionUrl": f"https://{url.host}/",
                    "FunctionArn": function.arn + (f":{qualifier}" if qualifier else ""),
                    "AuthType": url.auth_type,
                    "CreationTime": LAST_MODIFIED,
                    "LastModifiedTime": LAST_MODIFIED,
                    "InvokeMode": "BUFFERED",
                },
            )
    raise not_found("The resource you requested does not exist.")


def _qualifier(request: Request) -> str | None:
    return next(iter(parse_qs(request.query).get("Qualifier", ())), None)


def _alias(alias: Alias) -> dict[str, Any]:
    members: dict[str, Any] = {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
    }
    if alias.weights:
        members["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return members


def _configuration(function: Function, version: str, arn: str) -> dict[str, Any]:
    digest = hashlib.sha256(function.code.content_hash.encode()).digest()
    members: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": 0,
        "Description": function.description,
        "Timeout": function.timeout_s,
        "MemorySize": function.memory_mb,
        "LastModified": LAST_MODIFIED,
        "CodeSha256": base64.b64encode(digest).decode("ascii"),
        "Version": version,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": function.code.content_hash[:36],
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {"LogFormat": function.log_format, "LogGroup": function.log_group},
    }
    if function.environment:
        members["Environment"] = {"Variables": function.environment}
    if function.layers:
        members["Layers"] = [{"Arn": layer, "CodeSize": 0} for layer in function.layers]
    return members
