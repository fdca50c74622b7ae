"""Every AWS API that is served, in one list, and how a request is recognised as its.

A request names its service by Host (`dynamodb.eu-west-1.amazonaws.com`), by X-Amz-Target (the JSON protocols), by
credential scope, or by path (Lambda's), in this order.
"""

from __future__ import annotations

import msgspec

from globule.endpoint.scope import credential_scope
from globule.wire.http import Request


class Api(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """The folder that serves it."""
    signing_name: str
    host_prefixes: tuple[str, ...]
    """First labels of its regional host names."""
    targets: tuple[str, ...] = ()
    """Prefixes of X-Amz-Target."""
    paths: tuple[str, ...] = ()


CATALOGUE: tuple[Api, ...] = (
    Api(
        name="dynamodb",
        signing_name="dynamodb",
        host_prefixes=("dynamodb.", "streams.dynamodb."),
        targets=("DynamoDB_", "DynamoDBStreams_"),
    ),
    Api(name="awslambda", signing_name="lambda", host_prefixes=("lambda.",), paths=("/2015-03-31/", "/2021-10-31/")),
    Api(name="s3", signing_name="s3", host_prefixes=("s3.", "s3-")),
)


def api_of(request: Request) -> Api | None:
    """The API that a request is for; None where nothing tells, or where it is not served."""
    host = request.host
    if host.endswith(".amazonaws.com"):
        for api in CATALOGUE:
            if host.startswith(api.host_prefixes):
                return api
    target = request.headers.get("x-amz-target")
    if target is not None:
        return next((api for api in CATALOGUE if api.targets and target.startswith(api.targets)), None)
    scope = credential_scope(request)
    if scope is not None:
        return next((api for api in CATALOGUE if api.signing_name == scope.service), None)
    return next((api for api in CATALOGUE if api.paths and request.target.startswith(api.paths)), None)
