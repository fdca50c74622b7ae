"""Heads of messages: what is read, and what is refused because two parsers could read it differently."""

from __future__ import annotations

import pytest

from globule.wire import http_head
from globule.wire.http_head import CHUNKED, UNTIL_CLOSE, InvalidField, MalformedMessage


def request(text: str) -> http_head.RequestHead:
    return http_head.parse_request_head(text.replace("\n", "\r\n").encode("latin-1"))


def response(text: str, *, method: str = "GET") -> http_head.ResponseHead:
    return http_head.parse_response_head(text.replace("\n", "\r\n").encode("latin-1"), method=method)


def test_a_request_head_is_read_with_lower_case_names_and_trimmed_values() -> None:
    head = request("PUT /a%20b?c=d HTTP/1.1\nHost: Example.org:80\nX-Two:  é \nx-two: 2\nContent-Length: 12\n\n")
    assert (head.method, head.target, head.length, head.keep_alive) == ("PUT", "/a%20b?c=d", 12, True)
    assert head.fields[0] == ("host", "Example.org:80")
    assert head.fields[1:3] == [("x-two", "é"), ("x-two", "2")]


def test_http_1_0_closes_unless_it_asks_to_stay() -> None:
    assert not request("GET / HTTP/1.0\n\n").keep_alive
    assert request("GET / HTTP/1.0\nConnection: keep-alive\n\n").keep_alive
    assert not request("GET / HTTP/1.1\nHost: a\nConnection: x, Close\n\n").keep_alive


def test_absolute_form_becomes_origin_form_and_decides_the_host() -> None:
    head = request("GET http://other.example?x=1 HTTP/1.1\nHost: a\n\n")
    assert head.target == "/?x=1"
    assert head.fields == [("host", "other.example")]


def test_connect_keeps_its_authority() -> None:
    assert request("CONNECT example.org:443 HTTP/1.1\nHost: example.org:443\n\n").target == "example.org:443"


def test_an_upgrade_is_an_ordinary_head() -> None:
    head = request("GET /ws HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: websocket\n\n")
    assert ("upgrade", "websocket") in head.fields


@pytest.mark.parametrize(
    "head",
    [
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 3\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 4\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 3, 3\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: +3\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: -3\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 0x3\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n",
        "POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n",
        "GET / HTTP/1.1\nHost: a\nX: one\n folded\n\n",
        "GET / HTTP/1.1\nHost : a\n\n",
        "GET / HTTP/1.1\nHost: a\nX: \x00\n\n",
        "GET / HTTP/1.1\nHost: a\nX: \x01\n\n",
        "GET / HTTP/1.1\nHost: a\nX y: 1\n\n",
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.1\nHost: a\nHost: b\n\n",
        "GET / HTTP/1.1\nHost: a/b\n\n",
        "GET / HTTP/1.1\nHost: a@b\n\n",
        "GET  / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/2.0\nHost: a\n\n",
        "GET / HTTP/0.9\nHost: a\n\n",
        "GET relative HTTP/1.1\nHost: a\n\n",
        "GET http://user@host/ HTTP/1.1\nHost: a\n\n",
        "FETCH / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\n" + "X: y\n" * 300 + "\n",
    ],
)
def test_an_ambiguous_or_malformed_request_head_is_refused(head: str) -> None:
    with pytest.raises(MalformedMessage):
        request(head)


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"])
def test_bare_line_feeds_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedMessage):
        http_head.parse_request_head(raw)


@pytest.mark.parametrize(
    ("method", "head", "length"),
    [
        ("GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 5),
        ("GET", "HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n", CHUNKED),
        ("GET", "HTTP/1.1 200 OK\n\n", UNTIL_CLOSE),
        ("HEAD", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 0),
        ("GET", "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", 0),
        ("GET", "HTTP/1.1 204 No Content\n\n", 0),
        ("CONNECT", "HTTP/1.1 200 OK\n\n", 0),
        ("GET", "HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\n", 0),
    ],
)
def test_where_a_response_ends_follows_rfc_9112(method: str, head: str, length: int) -> None:
    assert response(head, method=method).length == length


def test_a_response_that_ends_with_the_connection_does_not_keep_it() -> None:
    assert not response("HTTP/1.1 200 OK\n\n").keep_alive
    assert response("HTTP/1.1 200\nContent-Length: 0\n\n").keep_alive


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n",
        "HTTP/1.1 200 OK\nContent-Length: 3\nContent-Length: 4\n\n",
        "HTTP/1.1 abc OK\n\n",
        "ICY 200 OK\n\n",
        "HTTP/1.1 200 OK\nX: a\n b\n\n",
    ],
)
def test_an_ambiguous_response_head_is_a_bad_gateway(head: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        response(head)
    assert caught.value.status == 502


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nset-cookie: b"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\x00"),
        ("x: y\r\nz", "a"),
        ("x y", "a"),
        ("", "a"),
        ("x:", "a"),
        ("é", "a"),
        ("x", "smile \u263a"),
    ],
)
def test_no_value_can_become_a_second_field(name: str, value: str) -> None:
    with pytest.raises(InvalidField):
        http_head.encode_response_head(200, "OK", [("a", "b"), (name, value)])
    with pytest.raises(InvalidField):
        http_head.encode_request_head("GET", "/", [(name, value)])


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/ HTTP/1.1\r\nx: y"), ("GET", ""), ("GET", "/a b"), ("G T", "/"), ("", "/")]
)
def test_a_request_line_cannot_be_split(method: str, target: str) -> None:
    with pytest.raises(InvalidField):
        http_head.encode_request_head(method, target, [])


def test_what_is_encoded_is_read_back() -> None:
    fields = [("host", "a"), ("x", "é;\t1"), ("empty", "")]
    head = http_head.parse_request_head(http_head.encode_request_head("GET", "/p?q", fields))
    assert (head.method, head.target, head.fields) == ("GET", "/p?q", fields)
