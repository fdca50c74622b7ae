"""Which bucket and key a request is about.

Path-style and virtual-hosted-style: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from globule.s3.rules.errors import s3_error
from globule.wire.http import Request
from globule.world.aws_names import parse_aws_name

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
KEY_LIMIT_BYTES = 1024
# No operation of the API takes nearly as many.
QUERY_LIMIT_FIELDS = 64

# What SDKs make of a custom endpoint such as http://localhost:4566 or http://s3.localhost:4566.
_LOCAL_SERVICE = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9-]+)?")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    bucket: str
    """Empty where the request is about the service itself."""
    key: str
    """Empty where the request is about a bucket."""
    query: Mapping[str, str]
    """Percent-decoded; a name without a value has the empty one."""


def target_of(request: Request) -> Target:
    """Raises AwsError InvalidURI, KeyTooLongError."""
    path = request.raw_path.removeprefix("/")
    bucket = bucket_of_host(request.host)
    if bucket is None:
        first, _, path = path.partition("/")
        bucket = _decoded(first)
    key = _decoded(path)
    if len(key.encode()) > KEY_LIMIT_BYTES:
        raise s3_error("KeyTooLongError", Size=str(len(key.encode())), MaxSizeAllowed=str(KEY_LIMIT_BYTES))
    return Target(bucket=bucket, key=key, query=_query(request.query))


def bucket_of_host(host: str) -> str | None:
    """The bucket in a virtual-hosted request's host; None where the path names it."""
    name = parse_aws_name(host)
    if name is not None:
        return name.label or None if name.service in ("s3", "s3-accelerate") else None
    if not host.endswith(".localhost"):
        return None
    prefix = host.removesuffix(".localhost")
    service = _LOCAL_SERVICE.fullmatch(prefix)
    return service["bucket"] if service else prefix


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise s3_error("InvalidURI") from None


def _query(text: str) -> dict[str, str]:
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=QUERY_LIMIT_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise s3_error("InvalidURI") from None
    return dict(reversed(fields))
