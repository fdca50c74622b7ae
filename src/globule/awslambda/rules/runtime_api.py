"""The Runtime API's messages: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

from __future__ import annotations

from typing import Literal

import msgspec

_ROOT = "/2018-06-01/runtime/"
_INVOCATION = f"{_ROOT}invocation/"


class Call(msgspec.Struct, frozen=True):
    """What a runtime asks for. `request_id` is the invocation's, for `response` and `error`."""

    kind: Literal["next", "response", "error", "init/error", "unknown"]
    request_id: str = ""


NEXT = Call("next")
INIT_ERROR = Call("init/error")
UNKNOWN = Call("unknown")


def parse_call(method: str, path: str) -> Call:
    if method == "GET" and path == f"{_INVOCATION}next":
        return NEXT
    if method == "POST" and path == f"{_ROOT}init/error":
        return INIT_ERROR
    if method == "POST" and path.startswith(_INVOCATION):
        request_id, _, what = path[len(_INVOCATION) :].partition("/")
        if what == "response":
            return Call("response", request_id)
        if what == "error":
            return Call("error", request_id)
    return UNKNOWN


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation, as a runtime gets it."""

    request_id: str
    invoked_arn: str
    deadline_ms: int
    """Since the epoch."""
    trace: str | None
    client_context: str | None
    payload: bytes


def encode_event(event: Event) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {event.request_id}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {event.deadline_ms}\r\n"
        f"Lambda-Runtime-Invoked-Function-Arn: {event.invoked_arn}\r\n"
    )
    if event.trace is not None:
        head += f"Lambda-Runtime-Trace-Id: {event.trace}\r\n"
    if event.client_context is not None:
        head += f"Lambda-Runtime-Client-Context: {event.client_context}\r\n"
    return f"{head}Content-Length: {len(event.payload)}\r\n\r\n".encode("latin-1") + event.payload


ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def encode_refusal(status: int, phrase: str, error_type: str, message: str) -> bytes:
    body = msgspec.json.encode({"errorType": error_type, "errorMessage": message})
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


UNKNOWN_REQUEST = encode_refusal(
    400, "Bad Request", "InvalidRequestID", "this invocation is not the one that is running, or has ended"
)
TOO_LARGE = encode_refusal(
    413, "Payload Too Large", "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes)."
)
UNSUPPORTED = encode_refusal(
    404, "Not Found", "Unsupported", "Globule has the Runtime API's next, response, error and init/error; no extensions"
)
STREAMING_UNSUPPORTED = encode_refusal(400, "Bad Request", "Unsupported", "Globule does not support response streaming")
