"""An HTTP request as the JSON event that a function gets, and the function's answer as an HTTP response.

Payload format 2.0 is shared by HTTP APIs and function URLs; the reading of answers also by format 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from globule.wire.http import Headers, Response
from globule.wire.http_head import is_field

# Bodies of these types, and of text/*, are given as text; everything else, and a body of no type, as base64.
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})

# Set by whoever writes the response to the connection.
_CONNECTION_FIELDS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})


class MalformedAnswer(ValueError):
    """A function's answer that is no HTTP response. The text says why, for the log."""


class EventRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of the request."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str
    domain_name: str
    request_id: str
    at: float
    """Seconds since the epoch."""


class EventRoute(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of how the request was routed."""

    account: str
    api_id: str
    route_key: str
    stage: str
    path_parameters: Mapping[str, str] = {}
    stage_variables: Mapping[str, str] = {}


def event_2_0(request: EventRequest, route: EventRoute) -> bytes:
    """The event in payload format 2.0. Members without a value are left out, as AWS leaves them out."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    cookies = cookies_of(request.headers)
    if cookies:
        event["cookies"] = cookies
    event["headers"] = joined(field for field in request.headers if field[0] != "cookie")
    if request.query:
        event["queryStringParameters"] = joined(parse_query(request.query))
    event["requestContext"] = {
        "accountId": route.account,
        "apiId": route.api_id,
        "domainName": request.domain_name,
        "domainPrefix": request.domain_name.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": route.route_key,
        "stage": route.stage,
        "time": request_time(request.at),
        "timeEpoch": int(request.at * 1000),
    }
    if route.path_parameters:
        event["pathParameters"] = route.path_parameters
    if route.stage_variables:
        event["stageVariables"] = route.stage_variables
    event["isBase64Encoded"] = False
    if request.body:
        event["body"], event["isBase64Encoded"] = body_text(request.body, request.headers.get("content-type"))
    return msgspec.json.encode(event)


def body_text(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """The body as an event has it, and whether it is in base64."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind in _TEXT_TYPES or kind.startswith("text/"):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # not the text that it claims to be
    return base64.b64encode(body).decode("ascii"), True


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of one name with commas between them."""
    result: dict[str, str] = {}
    for name, value in fields:
        result[name] = f"{result[name]},{value}" if name in result else value
    return result


def parse_query(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def cookies_of(headers: Headers) -> list[str]:
    """Each `name=value`."""
    return [cookie for value in headers.all("cookie") for cookie in value.split("; ") if cookie]


def request_time(at: float) -> str:
    """`12/Mar/2020:19:03:58 +0000`"""
    return _request_time(int(at))


@functools.lru_cache(maxsize=2)  # the same for all requests of a second
def _request_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def read_answer(payload: bytes, *, inferred: bool, default_type: str) -> Response:
    """The response that a function's answer stands for. `inferred`: an answer without statusCode is the body of a
    200 in JSON, as format 2.0 has it. `default_type` is the Content-Type of an answer that has none.

    Raises MalformedAnswer.
    """
    try:
        answer = msgspec.json.decode(payload)
    except msgspec.DecodeError as error:
        raise MalformedAnswer(f"the function's answer is not JSON: {error}") from error
    if not isinstance(answer, dict) or "statusCode" not in answer:
        if not inferred:
            raise MalformedAnswer("the function's answer has no statusCode")
        body = answer.encode() if isinstance(answer, str) else payload
        return Response(status=200, headers=Headers([("content-type", "application/json")]), body=body)
    headers = _answer_headers(answer)
    if "content-type" not in headers:
        headers.add("content-type", default_type)
    return Response(status=_status(answer["statusCode"]), headers=headers, body=_answer_body(answer))


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not 100 <= value <= 599:
        raise MalformedAnswer(f"statusCode is {value!r}, not a number from 100 to 599")
    return int(value)


def _answer_headers(answer: Mapping[str, Any]) -> Headers:
    """Of `headers`, `multiValueHeaders` (which win) and `cookies`."""
    values: dict[str, list[Any]] = {}
    for name, value in _members(answer, "headers"):
        values.setdefault(name.lower(), []).append(value)
    for name, several in _members(answer, "multiValueHeaders"):
        if not isinstance(several, list):
            raise MalformedAnswer(f"multiValueHeaders.{name} is not a list")
        values[name.lower()] = several
    cookies = answer.get("cookies") or ()
    if not isinstance(cookies, list | tuple):
        raise MalformedAnswer("cookies is not a list")
    fields = [(name, _field_value(name, value)) for name, several in values.items() for value in several]
    fields.extend(("set-cookie", _field_value("set-cookie", cookie)) for cookie in cookies)
    return Headers(field for field in fields if field[0] not in _CONNECTION_FIELDS)


def _members(answer: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    members = answer.get(name)
    if members is None:
        return ()
    if not isinstance(members, dict):
        raise MalformedAnswer(f"{name} is not an object")
    return members.items()


def _field_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise MalformedAnswer(f"the header {name} is not a string")
    # Text beyond ASCII goes out as the bytes of its UTF-8.
    text = value.encode("utf-8", "replace").decode("latin-1")
    if not is_field(name, text):
        raise MalformedAnswer(f"the header {name} has a character that no header may have")
    return text


def _answer_body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswer("body is not a string: serialise it, such as with json.dumps or JSON.stringify")
    if not answer.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=False)
    except binascii.Error as error:
        raise MalformedAnswer(f"body is not base64, as isBase64Encoded says: {error}") from error
