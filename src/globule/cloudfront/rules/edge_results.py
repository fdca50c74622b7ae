"""What a Lambda@Edge function may return, checked as CloudFront checks it; anything else is a 502 that names it.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html (headers, sizes),
.../lambda-generating-http-responses.html and .../lambda-updating-http-responses.html (responses),
.../lambda-event-structure.html (the origin object).

Functions in use return integer statuses and header names in capitals without a `key`; both are taken.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from globule.cloudfront.model import CustomOrigin, Event, Origin, S3Origin
from globule.cloudfront.rules.edge_events import Fields, FunctionRequest, FunctionResponse, shown
from globule.cloudfront.rules.header_lists import (
    READ_ONLY_TO_FUNCTIONS,
    is_custom_header_denied,
    is_forbidden_to_functions,
)

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
VIEWER_RESPONSE_LIMIT_BYTES = 40 * 1024
ORIGIN_RESPONSE_LIMIT_BYTES = 1024 * 1024
VIEWER_BODY_LIMIT_BYTES = 40 * 1024
ORIGIN_BODY_LIMIT_BYTES = 1024 * 1024
VIEWER_TIMEOUT_SECONDS = 5.0
ORIGIN_TIMEOUT_SECONDS = 30.0
URI_LIMIT_CHARACTERS = 8_192


class InvalidResult(Exception):
    """A function returned what CloudFront refuses; the text says what."""


class ChangedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request event's function lets the request go on, perhaps changed."""

    uri: str
    query: str
    fields: Fields
    body: bytes | None
    """A replacement; None where the viewer's own body goes on."""
    origin: Origin | None
    """Where to, at origin-request; None at viewer-request."""


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """A response that a function made, or changed."""

    status: int
    reason: str
    fields: Fields
    body: bytes | None
    """None where a response event's function leaves the body as it is."""


def body_limit(kind: Event) -> int:
    return VIEWER_BODY_LIMIT_BYTES if kind.startswith("viewer") else ORIGIN_BODY_LIMIT_BYTES


def timeout_seconds(kind: Event) -> float:
    return VIEWER_TIMEOUT_SECONDS if kind.startswith("viewer") else ORIGIN_TIMEOUT_SECONDS


def request_result(payload: bytes, kind: Event, given: FunctionRequest) -> ChangedRequest | Generated:
    """Of viewer-request or origin-request. Raises InvalidResult."""
    result = _object(payload)
    if "status" in result:
        return _response(result, kind, given=None)
    return _changed_request(result, kind, given)


def response_result(payload: bytes, kind: Event, given: FunctionResponse) -> Generated:
    """Of origin-response or viewer-response. Raises InvalidResult."""
    return _response(_object(payload), kind, given=given)


def _object(payload: bytes) -> Mapping[str, Any]:
    try:
        result = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        raise InvalidResult("The function result is not valid JSON.") from None
    if not isinstance(result, Mapping):
        raise InvalidResult("The function result is not an object.")
    return result


# Requests.


def _changed_request(result: Mapping[str, Any], kind: Event, given: FunctionRequest) -> ChangedRequest:
    if result.get("method", given.method) != given.method:
        raise InvalidResult("The function tried to change the read-only method.")
    uri, query = _uri(result), _query(result)
    if len(uri) + len(query) > URI_LIMIT_CHARACTERS:
        raise InvalidResult(f"The URI and query string are longer than {URI_LIMIT_CHARACTERS} characters.")
    fields = _fields(result, kind, given.fields)
    if kind == "viewer-request" and any(name.startswith("cloudfront-") for name, _ in fields):
        raise InvalidResult("The function tried to add a CloudFront-* header in a viewer request.")
    origin = given.origin if kind == "origin-request" else None
    if origin is not None:
        origin = _changed_origin(result, origin)
    return ChangedRequest(uri=uri, query=query, fields=fields, body=_replaced_body(result, kind), origin=origin)


_UNSAFE = re.compile(r"[\x00-\x20\x7f#]")


def _uri(result: Mapping[str, Any]) -> str:
    uri = result.get("uri")
    if not isinstance(uri, str) or not uri.startswith("/"):
        raise InvalidResult("The URI is not a string that begins with a slash.")
    if _UNSAFE.search(uri) or not uri.isascii() or "?" in uri:
        raise InvalidResult("The URI contains a character that is not allowed.")
    return uri


def _query(result: Mapping[str, Any]) -> str:
    query = result.get("querystring", "")
    if not isinstance(query, str) or _UNSAFE.search(query) or not query.isascii():
        raise InvalidResult("The query string is not a string, or contains a character that is not allowed.")
    return query


def _replaced_body(result: Mapping[str, Any], kind: Event) -> bytes | None:
    body = result.get("body")
    if body is None or (isinstance(body, Mapping) and body.get("action", "read-only") == "read-only"):
        return None
    if not isinstance(body, Mapping) or body.get("action") != "replace":
        raise InvalidResult("The body is not an object with an action of read-only or replace.")
    data = _decoded(body.get("data", ""), body.get("encoding", "text"))
    if len(data) > body_limit(kind):
        raise InvalidResult(_BODY_FAULT)
    return data


_BODY_FAULT = "The body is not a string, is not an object, or exceeds the maximum size."


def _decoded(data: Any, encoding: Any) -> bytes:
    if not isinstance(data, str) or encoding not in ("text", "base64"):
        raise InvalidResult(_BODY_FAULT)
    if encoding == "text":
        return data.encode()
    try:
        return b64decode(data, validate=True)
    except binascii.Error:
        raise InvalidResult("The body is not valid base64.") from None


# Responses.


def _response(result: Mapping[str, Any], kind: Event, *, given: FunctionResponse | None) -> Generated:
    status = _status(result.get("status"))
    if kind == "viewer-response" and given is not None and status != given.status:
        raise InvalidResult("The function tried to change the status in a viewer response.")
    reason = result.get("statusDescription", "")
    if not isinstance(reason, str):
        raise InvalidResult("The status description is not a string.")
    fields = _fields(result, kind, [] if given is None else given.fields)
    body = _response_body(result, kind, given=given)
    limit = VIEWER_RESPONSE_LIMIT_BYTES if kind.startswith("viewer") else ORIGIN_RESPONSE_LIMIT_BYTES
    size = sum(len(name) + len(value) + 4 for name, value in fields) + len(body or b"")
    if size > limit and (given is None or body is not None):
        raise InvalidResult(_BODY_FAULT)
    if status == 204 and body:
        raise InvalidResult("A response with status 204 must not have a body.")
    return Generated(status=status, reason=reason, fields=fields, body=body)


def _status(status: Any) -> int:
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise InvalidResult("The status code is not a number from 200 to 599.")
    return status


def _response_body(result: Mapping[str, Any], kind: Event, *, given: FunctionResponse | None) -> bytes | None:
    """A request event's function always makes a whole response; a response event's may put a body of its own."""
    data = result.get("body")
    if data is None:
        return b"" if given is None else None
    if kind == "viewer-response":
        raise InvalidResult("The function tried to set a body in a viewer response.")
    return _decoded(data, result.get("bodyEncoding", "text"))


# Headers.

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


def _fields(result: Mapping[str, Any], kind: Event, given: Fields) -> Fields:
    """The headers of a result, with what the function was not shown added back."""
    listed = result.get("headers", {})
    if not isinstance(listed, Mapping):
        raise InvalidResult("The headers are not an object.")
    fields: Fields = []
    for name, entries in listed.items():
        fields += _entries(name.lower(), entries)
    _check_forbidden(fields, given)
    _check_read_only(fields, kind, given)
    return fields + [field for field in given if not shown(field[0])]


def _entries(name: str, entries: Any) -> Fields:
    if not isinstance(entries, list):
        raise InvalidResult(f"The header {name} is not a list of objects.")
    if not _NAME.fullmatch(name):
        raise InvalidResult(f"The header name {name!r} contains a character that is not allowed.")
    found: Fields = []
    for entry in entries:
        value = entry.get("value") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(value, str):
            raise InvalidResult(f"The header {name} has an entry that is not an object with a string value.")
        key = entry.get("key", name)
        if not isinstance(key, str) or key.lower() != name:
            raise InvalidResult(f"The header {name} has an entry whose key is not that name.")
        if not _VALUE.fullmatch(value):
            raise InvalidResult(f"The header {name} has a value with a character that is not allowed.")
        found.append((name, _latin_1(value.strip(" \t"))))
    return found


def _latin_1(value: str) -> str:
    """A header is held as latin-1 text; what does not fit goes out as UTF-8."""
    return value if all(ord(character) < 256 for character in value) else value.encode().decode("latin-1")


def _check_forbidden(fields: Fields, given: Fields) -> None:
    for field in fields:
        if is_forbidden_to_functions(field[0]) and field not in given:
            raise InvalidResult(f"The function tried to add the forbidden header {field[0]}.")


def _check_read_only(fields: Fields, kind: Event, given: Fields) -> None:
    for name in READ_ONLY_TO_FUNCTIONS[kind]:
        before = [value for key, value in given if key == name]
        after = [value for key, value in fields if key == name]
        # A response's Content-Length is given anew with a new body, so functions may leave it out.
        if before != after and not (name == "content-length" and kind.endswith("response") and not after):
            raise InvalidResult("The function tried to add, delete, or change a read-only header.")


# Origins.

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def _changed_origin(result: Mapping[str, Any], given: Origin) -> Origin:
    origin = result.get("origin")
    if origin is None:
        return given
    if not isinstance(origin, Mapping) or len(origin) != 1 or next(iter(origin)) not in ("custom", "s3"):
        raise InvalidResult("The origin is not an object with either a custom or an s3 origin.")
    ((kind, parts),) = origin.items()
    if not isinstance(parts, Mapping):
        raise InvalidResult("The origin is not an object.")
    return msgspec.structs.replace(
        given,
        domain_name=_domain_name(parts, 253 if kind == "custom" else 128),
        path=_origin_path(parts),
        custom_headers=_custom_headers(parts),
        config=_custom_origin(parts) if kind == "custom" else _s3_origin(parts, given),
        access_control_id=given.access_control_id if isinstance(given.config, S3Origin) and kind == "s3" else "",
    )


def _domain_name(parts: Mapping[str, Any], limit: int) -> str:
    name = parts.get("domainName")
    if not isinstance(name, str) or len(name) > limit or not _DOMAIN.fullmatch(name.lower()):
        raise InvalidResult("The origin's domainName is not a domain name.")
    if _ADDRESS.fullmatch(name):
        raise InvalidResult("The origin's domainName is an address.")
    return name.lower()


def _origin_path(parts: Mapping[str, Any]) -> str:
    path = parts.get("path", "")
    if not isinstance(path, str) or len(path) > 255 or _UNSAFE.search(path):
        raise InvalidResult("The origin's path is not valid.")
    if path and (not path.startswith("/") or path.endswith("/")):
        raise InvalidResult("The origin's path does not begin with a slash, or ends with one.")
    return path


def _custom_headers(parts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = parts.get("customHeaders", {})
    if not isinstance(listed, Mapping):
        raise InvalidResult("The origin's customHeaders are not an object.")
    fields: Fields = []
    for name, entries in listed.items():
        if is_custom_header_denied(name.lower()) or is_forbidden_to_functions(name.lower()):
            raise InvalidResult(f"The origin's custom header {name} is not allowed.")
        fields += _entries(name.lower(), entries)
    return tuple(fields)


def _whole_number(parts: Mapping[str, Any], name: str, least: int, most: int) -> int:
    number = parts.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise InvalidResult(f"The origin's {name} is not a number from {least} to {most}.")
    return number


def _custom_origin(parts: Mapping[str, Any]) -> CustomOrigin:
    protocol = parts.get("protocol")
    if protocol not in ("http", "https"):
        raise InvalidResult("The origin's protocol is neither http nor https.")
    port = _whole_number(parts, "port", 80, 65535)
    if port not in (80, 443) and port < 1024:
        raise InvalidResult("The origin's port is not 80, 443, or from 1024 to 65535.")
    protocols = parts.get("sslProtocols", [])
    if not isinstance(protocols, list) or not set(map(str, protocols)) <= {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"}:
        raise InvalidResult("The origin's sslProtocols are not valid.")
    return CustomOrigin(
        protocol_policy="http-only" if protocol == "http" else "https-only",
        http_port=port,
        https_port=port,
        ssl_protocols=tuple(protocols),
        read_timeout=_whole_number(parts, "readTimeout", 4, 60),
        keepalive_timeout=_whole_number(parts, "keepaliveTimeout", 1, 60),
    )


def _s3_origin(parts: Mapping[str, Any], given: Origin) -> S3Origin:
    method = parts.get("authMethod", "none")
    if method not in ("none", "origin-access-identity"):
        raise InvalidResult("The origin's authMethod is neither none nor origin-access-identity.")
    if method == "none":
        return S3Origin()
    if not isinstance(given.config, S3Origin) or not given.config.origin_access_identity:
        raise InvalidResult("An origin access identity cannot be used where the distribution's origin has none.")
    if not parts.get("region"):
        raise InvalidResult("The origin's region is required with an origin access identity.")
    return given.config
