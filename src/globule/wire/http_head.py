"""The head of an HTTP/1.1 message: start line and fields, bytes to values and back.

llhttp (through httptools) reads heads; what it leaves open is decided here, always in the direction that leaves two
parsers no room to disagree about where a message ends (RFC 9112 section 11.2, request smuggling): Content-Length
beside Transfer-Encoding, any coding but `chunked`, bare line feeds, folded lines, a missing or doubled Host are all
refused. On the way out every name and value is checked, so that no value can become a second field.

Bodies are in `wire.http_body`. Nothing here waits or touches a socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import httptools
import msgspec

HEAD_END = b"\r\n\r\n"
# More fields than any client of ours sends; AWS's own services stop at 50 to 100.
FIELDS_LIMIT = 256

CHUNKED: Final = -1
"""A `length` that says: the body is chunked."""
UNTIL_CLOSE: Final = -2
"""A `length` that says: the body ends with the connection (responses only)."""


class MalformedMessage(Exception):
    """The peer broke the protocol. `status` is what a server answers before it closes the connection."""

    def __init__(self, why: str, *, status: int = 400) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class InvalidField(ValueError):
    """We were about to send a field name or value that is not one."""


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is in origin form; in authority form (`host:port`) for CONNECT, and `*` for OPTIONS."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    """Names in lower case, values as latin-1 text."""
    length: int
    """Bytes of body to come; 0 for none, or CHUNKED."""
    keep_alive: bool
    expects_continue: bool = False
    minor: int = 1
    """0 for HTTP/1.0, 1 for HTTP/1.1."""
    note: object = None
    """What a server's parse hook wants its handler to know; see `Request.note`."""


class ResponseHead(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    reason: str
    fields: list[tuple[str, str]]
    length: int
    """Bytes of body to come; 0 for none, CHUNKED, or UNTIL_CLOSE."""
    keep_alive: bool


class _Start:
    """What llhttp calls back of the start line. It reads the fields only to refuse what is malformed; they are split
    here, which takes a third of the time of a call for each."""

    def __init__(self) -> None:
        self.target = b""
        self.reason = b""
        self.complete = False

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_headers_complete(self) -> None:
        self.complete = True


class _Facts:
    """What the fields say about the message itself, gathered in one pass."""

    __slots__ = ("codings", "expects_continue", "fields", "hosts", "lengths", "options")

    def __init__(self, head: bytes) -> None:
        self.fields: list[tuple[str, str]] = []
        self.hosts: list[str] = []
        self.lengths: list[str] = []
        self.codings: list[str] = []
        self.options = ""
        self.expects_continue = False
        for line in head.decode("latin-1").split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip(" \t")
            self.fields.append((name, value))
            if name in _ABOUT_THE_MESSAGE:
                self._note(name, value)

    def _note(self, name: str, value: str) -> None:
        match name:
            case "host":
                self.hosts.append(value)
            case "content-length":
                self.lengths.append(value)
            case "transfer-encoding":
                self.codings.append(value)
            case "connection":
                self.options += f",{value.lower()}"
            case "expect":
                self.expects_continue = value.lower() == "100-continue"


_ABOUT_THE_MESSAGE = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding"})


def parse_request_head(head: bytes) -> RequestHead:
    """`head` ends with the empty line. Raises MalformedMessage."""
    if head.count(b" ", 0, head.find(b"\r\n")) != 2:
        raise MalformedMessage("a request line is three words, one space apart")
    start = _Start()
    parser = httptools.HttpRequestParser(start)
    _feed(parser, start, head)
    facts = _facts(head)
    fields = facts.fields
    minor = _minor(parser.get_http_version())
    length = _request_length(facts, minor=minor)
    method: str = parser.get_method().decode("ascii")
    target = start.target.decode("latin-1")
    if method != "CONNECT" and not target.startswith("/"):
        target, fields, facts.hosts = _origin_form(method, target, facts)
    _check_host(facts.hosts, minor=minor)
    return RequestHead(
        method=method,
        target=target,
        fields=fields,
        length=length,
        keep_alive=_keep_alive(facts, minor=minor),
        expects_continue=minor == 1 and facts.expects_continue,
        minor=minor,
    )


def parse_response_head(head: bytes, *, method: str) -> ResponseHead:
    """`method` is the request's, since a response to HEAD has no body. Raises MalformedMessage (status 502)."""
    start = _Start()
    parser = httptools.HttpResponseParser(start)
    try:
        _feed(parser, start, head)
        facts = _facts(head)
        minor = _minor(parser.get_http_version())
        status = parser.get_status_code()
        length = _response_length(status, method, facts)
    except MalformedMessage as problem:
        raise MalformedMessage(problem.why, status=502) from problem
    return ResponseHead(
        status=status,
        reason=start.reason.decode("latin-1"),
        fields=facts.fields,
        length=length,
        keep_alive=length != UNTIL_CLOSE and _keep_alive(facts, minor=minor),
    )


def _feed(parser: httptools.HttpRequestParser | httptools.HttpResponseParser, start: _Start, head: bytes) -> None:
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # CONNECT, or an Upgrade field: the head itself is whole
    except httptools.HttpParserError as problem:
        raise MalformedMessage(str(problem)) from problem
    if not start.complete:
        raise MalformedMessage("the head of the message is incomplete")


def _facts(head: bytes) -> _Facts:
    if head.count(b"\n") > FIELDS_LIMIT + 2:
        raise MalformedMessage(f"more than {FIELDS_LIMIT} header fields", status=431)
    return _Facts(head)


def _minor(version: str) -> int:
    if version == "1.1":
        return 1
    if version == "1.0":
        return 0
    raise MalformedMessage(f"HTTP/{version} is not spoken here", status=505)


def _declared_length(facts: _Facts) -> int | None:
    """CHUNKED, the Content-Length, or None where neither is given (RFC 9112 section 6.3)."""
    codings, lengths = facts.codings, facts.lengths
    if codings and lengths:
        raise MalformedMessage("both Content-Length and Transfer-Encoding")
    if codings:
        if len(codings) > 1 or codings[0].lower() != "chunked":
            raise MalformedMessage("a Transfer-Encoding other than chunked", status=501)
        return CHUNKED
    if not lengths:
        return None
    if len(lengths) > 1 or not lengths[0].isascii() or not lengths[0].isdigit() or len(lengths[0]) > 18:
        raise MalformedMessage("not a Content-Length")
    return int(lengths[0])


def _request_length(facts: _Facts, *, minor: int) -> int:
    length = _declared_length(facts)
    if length == CHUNKED and minor == 0:
        raise MalformedMessage("Transfer-Encoding in HTTP/1.0")
    return length or 0


def _response_length(status: int, method: str, facts: _Facts) -> int:
    length = _declared_length(facts)
    if method == "HEAD" or status < 200 or status in (204, 304) or (method == "CONNECT" and status < 300):
        return 0
    return UNTIL_CLOSE if length is None else length


def _keep_alive(facts: _Facts, *, minor: int) -> bool:
    """RFC 9112 section 9.3."""
    if not facts.options:
        return minor == 1
    options = {option.strip() for option in facts.options.split(",")}
    return "close" not in options and (minor == 1 or "keep-alive" in options)


_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")


def _check_host(hosts: list[str], *, minor: int) -> None:
    """RFC 9112 section 3.2: exactly one Host in HTTP/1.1, and it must look like one."""
    if len(hosts) > 1 or (minor == 1 and not hosts):
        raise MalformedMessage("exactly one Host field is needed")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise MalformedMessage("not a Host")


def _origin_form(method: str, target: str, facts: _Facts) -> tuple[str, list[tuple[str, str]], list[str]]:
    """Absolute form becomes origin form, and its authority replaces Host (RFC 9112 section 3.2.2)."""
    if target == "*" and method == "OPTIONS":
        return target, facts.fields, facts.hosts
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https", "ws", "wss"):
        raise MalformedMessage("not a request target")
    authority_length = min(index if (index := rest.find(mark)) >= 0 else len(rest) for mark in "/?#")
    authority, path = rest[:authority_length], rest[authority_length:]
    if "@" in authority or not authority:
        raise MalformedMessage("not a request target")
    fields = [("host", authority), *(field for field in facts.fields if field[0] != "host")]
    return path if path.startswith("/") else "/" + path, fields, [authority]


_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD_LINES = re.compile(rf"(?:{_TOKEN}: [\t\x20-\x7e\x80-\xff]*\r\n)*")
_METHOD = re.compile(_TOKEN)
_TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")


def encode_fields(fields: Iterable[tuple[str, str]]) -> str:
    """Field lines, each with its CRLF. Raises InvalidField where a name or a value is not one."""
    lines = [f"{name}: {value}\r\n" for name, value in fields]
    text = "".join(lines)
    if not _FIELD_LINES.fullmatch(text) or text.count("\n") != len(lines):
        raise InvalidField(next((line for line in lines if not _is_one_field(line)), text))
    return text


def _is_one_field(line: str) -> bool:
    return bool(_FIELD_LINES.fullmatch(line)) and line.count("\n") == 1


def is_field(name: str, value: str) -> bool:
    """Whether this may be sent as a field."""
    return _is_one_field(f"{name}: {value}\r\n")


def encode_request_head(method: str, target: str, fields: Iterable[tuple[str, str]]) -> bytes:
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(target):
        raise InvalidField(f"{method} {target}")
    return f"{method} {target} HTTP/1.1\r\n{encode_fields(fields)}\r\n".encode("latin-1")


def encode_response_head(status: int, reason: str, fields: Iterable[tuple[str, str]]) -> bytes:
    if not 100 <= status <= 999 or not is_field("reason", reason):
        raise InvalidField(f"{status} {reason}")
    return f"HTTP/1.1 {status} {reason}\r\n{encode_fields(fields)}\r\n".encode("latin-1")


def standard_phrase(status: int) -> str:
    """The reason phrase of RFC 9110; empty where there is none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
