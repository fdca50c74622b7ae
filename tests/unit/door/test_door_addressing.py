"""Whom a request at the internet door is for, from where, and what is rewritten for names under `.localhost`."""

from __future__ import annotations

import base64

import pytest

from globule.wan.door.addressing import UnknownCity, asked
from globule.wan.door.guard import foreign_page
from globule.wan.door.rewriting import LocalNames, request_fields, response_fields
from globule.wire.http import Headers, Request
from globule.world import places

NAMES = frozenset(("chat.example.com", "example.com", "shop.tokyo", "dynamodb.eu-west-1.amazonaws.com"))
HOME = places.city("london")
LOCAL = LocalNames(suffix=".tokyo.localhost:4580", scheme="http", exists=NAMES.__contains__)


def basic(user: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:'.encode()).decode()}"


@pytest.mark.parametrize(
    ("host", "fields", "name", "city", "suffix"),
    [
        ("chat.example.com", {}, "chat.example.com", "london", ""),
        ("Chat.Example.COM.:80", {}, "chat.example.com", "london", ""),
        ("chat.example.com", {"x-globule-from": "tokyo"}, "chat.example.com", "tokyo", ""),
        ("chat.example.com", {"proxy-authorization": basic("tokyo")}, "chat.example.com", "tokyo", ""),
        (
            "chat.example.com",
            {"proxy-authorization": basic("tokyo"), "x-globule-from": "paris"},
            "chat.example.com",
            "tokyo",
            "",
        ),
        ("chat.example.com.tokyo.localhost:4580", {}, "chat.example.com", "tokyo", ".tokyo.localhost:4580"),
        ("chat.example.com.localhost:4580", {}, "chat.example.com", "london", ".localhost:4580"),
        ("chat.example.com.localhost", {}, "chat.example.com", "london", ".localhost"),
        (
            "chat.example.com.tokyo.localhost",
            {"x-globule-from": "paris"},
            "chat.example.com",
            "paris",
            ".tokyo.localhost",
        ),
        ("shop.tokyo.localhost", {}, "shop.tokyo", "london", ".localhost"),
        ("localhost:4580", {}, "", "london", ""),
        ("127.0.0.1:4580", {"x-globule-from": "tokyo"}, "", "tokyo", ""),
        ("tokyo.localhost:4580", {}, "", "tokyo", ".tokyo.localhost:4580"),
        ("[::1]:4580", {}, "", "london", ""),
        ("127.10.0.1:4580", {}, "127.10.0.1", "london", ""),
    ],
)
def test_the_name_and_the_city_are_read_from_the_request(
    host: str, fields: dict[str, str], name: str, city: str, suffix: str
) -> None:
    found = asked(host, Headers(fields.items()), said=None, home=HOME, exists=NAMES.__contains__)
    assert (found.name, found.city.name, found.suffix) == (name, city, suffix)


@pytest.mark.parametrize(
    ("host", "fields"),
    [
        ("chat.example.com", {"x-globule-from": "tokio"}),
        ("chat.example.com", {"proxy-authorization": basic("tokio")}),
        ("chat.example.com.tokio.localhost", {}),
    ],
)
def test_an_unknown_city_is_named_with_what_it_may_mean(host: str, fields: dict[str, str]) -> None:
    with pytest.raises(UnknownCity, match=r"'tokio'; did you mean tokyo"):
        asked(host, Headers(fields.items()), said=None, home=HOME, exists=NAMES.__contains__)


def test_proxy_credentials_that_are_not_text_are_refused() -> None:
    with pytest.raises(UnknownCity, match="not a city's name"):
        asked("a", Headers([("proxy-authorization", "Basic !")]), said=None, home=HOME, exists=NAMES.__contains__)


def test_fields_that_end_at_the_door_do_not_go_on() -> None:
    fields = [
        ("host", "chat.example.com.tokyo.localhost:4580"),
        ("connection", "keep-alive, x-secret-hop"),
        ("x-secret-hop", "1"),
        ("proxy-authorization", "Basic x"),
        ("te", "trailers"),
        ("x-globule-key", "guess"),
        ("x-globule-from", "tokyo"),
        ("x-globule-scheme", "https"),
        ("cookie", "a=b"),
        ("origin", "http://chat.example.com.tokyo.localhost:4580"),
        ("referer", "http://chat.example.com.tokyo.localhost:4580/room?a=http://x"),
    ]
    assert request_fields(Headers(fields), host="chat.example.com", local=LOCAL).fields == [
        ("host", "chat.example.com"),
        ("cookie", "a=b"),
        ("origin", "https://chat.example.com"),
        ("referer", "https://chat.example.com/room?a=http://x"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("location", "https://chat.example.com/x?y#z", "http://chat.example.com.tokyo.localhost:4580/x?y#z"),
        ("location", "http://EXAMPLE.com", "http://example.com.tokyo.localhost:4580"),
        ("location", "https://chat.example.com:443/x", "http://chat.example.com.tokyo.localhost:4580/x"),
        ("location", "https://chat.example.com:8443/x", "https://chat.example.com:8443/x"),
        ("location", "https://elsewhere.example.org/", "https://elsewhere.example.org/"),
        ("location", "https://chat.example.com@evil.example.org/", "https://chat.example.com@evil.example.org/"),
        ("location", "/relative", "/relative"),
        ("access-control-allow-origin", "https://chat.example.com", "http://chat.example.com.tokyo.localhost:4580"),
        ("access-control-allow-origin", "*", "*"),
        (
            "set-cookie",
            "a=b; Path=/; Domain=.Example.com; Secure",
            "a=b; Path=/; Domain=example.com.tokyo.localhost; Secure",
        ),
        ("set-cookie", "domain=x; Path=/", "domain=x; Path=/"),
    ],
)
def test_real_names_become_the_browsers_names(name: str, value: str, expected: str) -> None:
    assert response_fields(Headers([(name, value)]), local=LOCAL).fields == [(name, expected)]
    assert response_fields(Headers([(name, value)]), local=None).fields == [(name, value)]


def test_what_would_pin_a_browser_to_https_is_not_for_local_names() -> None:
    pinned = Headers([("strict-transport-security", "max-age=1"), ("alt-svc", 'h3=":443"'), ("etag", "x")])
    assert response_fields(pinned, local=LOCAL).fields == [("etag", "x")]
    assert response_fields(pinned, local=None).fields == pinned.fields


@pytest.mark.parametrize(
    ("name", "method", "fields", "foreign"),
    [
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {"origin": "https://evil.example.org"}, True),
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {"origin": "null"}, True),
        ("dynamodb.eu-west-1.amazonaws.com", "GET", {"sec-fetch-site": "cross-site"}, True),
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {"origin": "http://localhost.evil.example.org"}, True),
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {}, False),
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {"origin": "https://chat.example.com"}, False),
        ("dynamodb.eu-west-1.amazonaws.com", "POST", {"origin": "http://chat.example.com.tokyo.localhost:4580"}, False),
        ("photos.s3.eu-west-1.amazonaws.com", "POST", {"origin": "https://evil.example.org"}, True),
        ("photos.s3.eu-west-1.amazonaws.com", "GET", {"origin": "https://evil.example.org"}, False),
        ("abc.execute-api.eu-west-1.amazonaws.com", "POST", {"origin": "https://elsewhere.example.org"}, False),
        ("chat.example.com", "POST", {"origin": "https://elsewhere.example.org"}, False),
    ],
)
def test_pages_of_other_sites_cannot_drive_the_apis_of_aws(
    name: str, method: str, fields: dict[str, str], foreign: bool
) -> None:
    request = Request(method=method, target="/", headers=Headers(fields.items()))
    assert (foreign_page(request, name, exists=NAMES.__contains__) is not None) == foreign
