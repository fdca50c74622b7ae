"""The Python runtime: what stands between the Runtime API and a handler, inside a function's own process.

One file without imports from Globule or from packages, because it runs in the user's process. `main` is called once;
it loads the handler and then answers one invocation after another over a raw socket, the request for the next one in
the same packet as each answer (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

Handlers, contexts, logging and errors are as AWS documents them
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html). Lines that belong to one log event are joined by a
carriage return, which the reader of our output turns back.
"""

from __future__ import annotations

import decimal
import importlib
import json
import logging
import os
import site
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
RECEIVE_BYTES = 256 * 1024

# What AWS's own Python runtimes bring along; a function that brings one of them itself gets all of them from its own
# code, because they hold on to each other.
BUNDLED = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

Handler = Callable[[Any, "Context"], Any]


class Fault(Exception):
    """What the runtime itself has to complain about: `Runtime.ImportModuleError` and its kin."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace or []


class Identity:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, fields: dict[str, Any] | None) -> None:
        fields = fields or {}
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


class Client:
    """The device of a call from AWS's mobile SDK."""

    def __init__(self, fields: dict[str, Any] | None) -> None:
        fields = fields or {}
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, fields.get(name))


class ClientContext:
    """What the caller put into X-Amz-Client-Context."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = Client(fields.get("client"))


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, fields: dict[bytes, bytes]) -> None:
        self.aws_request_id = fields[b"lambda-runtime-aws-request-id"].decode()
        self.invoked_function_arn = fields[b"lambda-runtime-invoked-function-arn"].decode()
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.tenant_id = None
        self.client_context: ClientContext | None = None
        self.identity = Identity(None)
        given = fields.get(b"lambda-runtime-client-context")
        if given:
            self.client_context = ClientContext(json.loads(given))
        given = fields.get(b"lambda-runtime-cognito-identity")
        if given:
            self.identity = Identity(json.loads(given))
        self._deadline_ms = int(fields[b"lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: Any) -> None:
        sys.stdout.write(f"{message}\n")

    def __repr__(self) -> str:
        return f"LambdaContext(aws_request_id={self.aws_request_id}, function_name={self.function_name})"


class RequestIdFilter(logging.Filter):
    """Gives every log record the request's id."""

    aws_request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.aws_request_id
        return True


class OneEvent(logging.Formatter):
    """A record of several lines stays one log event."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\r")


class JsonEvent(logging.Formatter):
    """The JSON log format (https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html)."""

    standard = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "aws_request_id"})

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            event["errorType"] = record.exc_info[0].__name__
            event["errorMessage"] = str(record.exc_info[1])
            event["stackTrace"] = traceback.format_tb(record.exc_info[2])
        event["requestId"] = getattr(record, "aws_request_id", "")
        event.update((name, value) for name, value in vars(record).items() if name not in self.standard)
        return json.dumps(event, default=str)


class Connection:
    """The raw socket to the Runtime API."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def next(self) -> tuple[dict[bytes, bytes], bytes]:
        """The fields and the payload of the next invocation, which was already asked for."""
        while True:
            status, fields, body = self._receive()
            if b"lambda-runtime-aws-request-id" in fields:
                return fields, body
            if status not in (b"200", b"202", b"413"):
                raise Fault("Runtime.Unknown", f"the Runtime API answered {status.decode()}: {body.decode()}")

    def send(self, path: str, body: bytes, *, error: str = "", then: bytes = b"") -> None:
        kind = f"Lambda-Runtime-Function-Error-Type: {error}\r\n" if error else ""
        head = f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: runtime\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body + then)

    def ask(self) -> None:
        self._socket.sendall(NEXT)

    def wait_for_answer(self) -> None:
        self._receive()

    def _receive(self) -> tuple[bytes, dict[bytes, bytes], bytes]:
        end = self._buffer.find(b"\r\n\r\n")
        while end < 0:
            self._buffer += self._read()
            end = self._buffer.find(b"\r\n\r\n")
        first, *lines = self._buffer[:end].split(b"\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        length = int(fields.get(b"content-length", b"0"))
        body = self._buffer[end + 4 :]
        if len(body) < length:
            pieces = [body]
            missing = length - len(body)
            while missing > 0:
                pieces.append(self._read())
                missing -= len(pieces[-1])
            body = b"".join(pieces)
        self._buffer = body[length:]
        return first.split(b" ", 2)[1], fields, body[:length]

    def _read(self) -> bytes:
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            os._exit(0)  # the region is gone, and with it everybody who could want an answer
        return data


def main() -> None:
    """The life of this process."""
    _standard_streams()
    _module_path()
    identifier = _logging()
    connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load(os.environ["_HANDLER"])
    except Fault as fault:
        _fail_init(connection, error_body(fault.kind, fault.message, fault.trace, ""))
    except Exception as error:  # noqa: BLE001 - whatever user code raises while it is imported is reported
        _fail_init(connection, exception_body(error, ""))
    connection.ask()
    while True:
        fields, payload = connection.next()
        identifier.aws_request_id = fields[b"lambda-runtime-aws-request-id"].decode()
        body, error_type = answer(handler, fields, payload)
        sys.stdout.flush()
        sys.stderr.flush()
        path = f"invocation/{identifier.aws_request_id}/{'error' if error_type else 'response'}"
        connection.send(path, body, error=error_type, then=NEXT)


def answer(handler: Handler, fields: dict[bytes, bytes], payload: bytes) -> tuple[bytes, str]:
    """The body to send, and the error's type or an empty string."""
    trace = fields.get(b"lambda-runtime-trace-id")
    if trace is None:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    else:
        os.environ["_X_AMZN_TRACE_ID"] = trace.decode()
    request_id = fields[b"lambda-runtime-aws-request-id"].decode()
    try:
        return _marshal(handler(_unmarshal(payload), Context(fields))), ""
    except Fault as fault:
        failure = error_body(fault.kind, fault.message, fault.trace, request_id)
    except Exception as raised:  # noqa: BLE001 - whatever user code raises is the invocation's answer
        failure = exception_body(raised, request_id)
    log_error(failure)
    return encode(failure), failure["errorType"]


def _unmarshal(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def _marshal(result: Any) -> bytes:
    try:
        return encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def load(name: str) -> Handler:
    """The handler that `_HANDLER` names. Raises Fault, or whatever the module raises."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        )
    if module_name.partition(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, [where]) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from None
    return handler


def encode(value: Any) -> bytes:
    """JSON, with Decimal as a number; bytes as they are."""
    if isinstance(value, bytes):
        return value
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def _number(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        whole = value == value.to_integral_value() if value.is_finite() else False
        return int(value) if whole else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_number)


def error_body(kind: str, message: str, trace: list[str], request_id: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def exception_body(error: Exception, request_id: str) -> dict[str, Any]:
    trace = traceback.format_list(traceback.extract_tb(_users(error.__traceback__)))
    return error_body(type(error).__name__, str(error), trace, request_id)


_NOT_USERS = (__file__, importlib.__file__, "<frozen importlib")


def _users(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the user's code."""
    here = trace
    while here is not None and here.tb_frame.f_code.co_filename.startswith(_NOT_USERS):
        here = here.tb_next
    return here or trace


def log_error(failure: dict[str, Any]) -> None:
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stdout.write(json.dumps({"timestamp": now, "level": "ERROR", **failure}) + "\n")
        return
    lines = [f"[ERROR] {failure['errorType']}: {failure['errorMessage']}", "Traceback (most recent call last):"]
    for entry in failure["stackTrace"]:
        lines.extend(entry.splitlines())
    sys.stdout.write("\r".join(lines).replace("\n", "\r") + "\n")


def _fail_init(connection: Connection, failure: dict[str, Any]) -> None:
    """Report that there is no handler to call, and end."""
    log_error(failure)
    connection.send("init/error", encode(failure), error=failure["errorType"])
    connection.wait_for_answer()
    os._exit(1)


def _standard_streams() -> None:
    """Lines appear when they are printed. Whatever cannot be encoded is escaped, so that printing never fails."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    site.setquit()  # `exit` and `quit`, which the site module would have added


def _module_path() -> None:
    """The function's code, its layers, what AWS bundles, the standard library."""
    own = [os.environ["LAMBDA_TASK_ROOT"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:0] = own
    if any((Path(folder) / name).exists() for folder in own for name in (*BUNDLED, "six.py")):
        for name in [name for name in sys.modules if name.partition(".")[0] in BUNDLED]:
            del sys.modules[name]
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    importlib.invalidate_caches()


def _logging() -> RequestIdFilter:
    """The root logger writes to standard output, in AWS's format."""
    identifier = RequestIdFilter()
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        handler.setFormatter(JsonEvent())
    else:
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        handler.setFormatter(OneEvent(text, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(identifier)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    return identifier
