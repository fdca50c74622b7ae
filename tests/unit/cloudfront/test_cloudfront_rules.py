"""CloudFront's decisions, one table after another, as its documents state them."""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import Any

import pytest

from globule.cloudfront.model import Selection
from globule.cloudfront.rules import compression, conditions, invalidations, ranges, selection
from globule.cloudfront.rules.header_lists import end_to_end
from globule.cloudfront.rules.lifetime import Ttls, directives, http_date, lifetime
from globule.cloudfront.rules.paths import compile_pattern, normalised
from globule.cloudfront.rules.responses import merged_fields, replayed_fields

NOW = 1_790_000_000.0


def kept_for(
    status: int = 200, *, ttls: tuple[float, float, float] = (0, 60, 3600), error_minimum: float = 10, **headers: str
) -> float | None:
    """Seconds from its arrival for which a response is fresh; None where it is not kept."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    minimum, default, maximum = ttls
    found = lifetime(
        status,
        fields,
        Ttls(minimum=minimum, default=default, maximum=maximum),
        asked_at=NOW,
        received_at=NOW,
        error_minimum=error_minimum,
    )
    return None if found is None else found.fresh_until - NOW


def date(offset: float) -> str:
    return formatdate(NOW + offset, usegmt=True)


@pytest.mark.parametrize(
    ("ttls", "headers", "seconds"),
    [
        # Minimum TTL 0.
        ((0, 60, 3600), {"cache_control": "max-age=100"}, 100),
        ((0, 60, 3600), {"cache_control": "max-age=9999"}, 3600),
        ((0, 60, 3600), {"cache_control": "max-age=100, s-maxage=200"}, 200),
        ((0, 60, 3600), {"cache_control": "max-age=100", "expires": date(500)}, 100),
        ((0, 60, 3600), {"expires": date(500)}, 500),
        ((0, 60, 3600), {"expires": date(9999)}, 3600),
        ((0, 60, 3600), {"expires": date(-5)}, 0),
        ((0, 60, 3600), {"expires": "0"}, 0),
        ((0, 60, 3600), {}, 60),
        ((0, 60, 3600), {"cache_control": "public"}, 60),
        ((0, 60, 3600), {"cache_control": "no-store"}, None),
        ((0, 60, 3600), {"cache_control": "private"}, None),
        ((0, 60, 3600), {"cache_control": "no-cache"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=0"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=100, no-store"}, None),
        ((0, 60, 3600), {"vary": "*", "cache_control": "max-age=100"}, 0),
        ((0, 60, 3600), {"vary": "Accept", "cache_control": "max-age=100"}, 100),
        ((0, 0, 3600), {}, 0),
        # Minimum TTL above 0.
        ((30, 60, 3600), {"cache_control": "max-age=10"}, 30),
        ((30, 60, 3600), {"cache_control": "max-age=100"}, 100),
        ((30, 60, 3600), {"cache_control": "max-age=9999"}, 3600),
        ((30, 60, 3600), {"expires": date(-5)}, 30),
        ((30, 60, 3600), {}, 60),
        ((90, 60, 3600), {}, 90),
        ((30, 60, 3600), {"cache_control": "no-store"}, 30),
        ((30, 60, 3600), {"cache_control": "private, max-age=100"}, 30),
        ((30, 60, 3600), {"cache_control": "no-cache"}, 30),
        # Ages (RFC 9111 section 4.2.3) are time that is gone.
        ((0, 60, 3600), {"cache_control": "max-age=100", "age": "40"}, 60),
        ((0, 60, 3600), {"cache_control": "max-age=100", "age": "400"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=100", "date": date(-30)}, 70),
        ((0, 60, 3600), {"cache_control": "max-age=100", "date": date(+30)}, 100),
        ((0, 60, 3600), {"expires": date(+70), "date": date(-30)}, 70),
        ((0, 60, 3600), {"cache_control": "max-age=100", "age": "bad"}, 100),
        ((30, 60, 3600), {"cache_control": "max-age=100", "age": "95"}, 30),
        # Syntax.
        ((0, 60, 3600), {"cache_control": "MAX-AGE=100"}, 100),
        ((0, 60, 3600), {"cache_control": 'max-age="100"'}, 100),
        ((0, 60, 3600), {"cache_control": "max-age=1.5"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=-5"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=x"}, 0),
        ((0, 60, 3600), {"cache_control": "max-age=100, max-age=1"}, 100),
        ((0, 60, 3600), {"cache_control": 'a="no-store, max-age=1", max-age=100'}, 100),
        ((0, 60, 3600), {"cache_control": 'private="x", max-age=100'}, 100),
    ],
)
def test_how_long_an_object_stays_follows_the_ttl_table(
    ttls: tuple[float, float, float], headers: dict[str, str], seconds: float | None
) -> None:
    assert kept_for(ttls=ttls, **headers) == seconds


@pytest.mark.parametrize("status", [404, 414, 500, 501, 502, 503, 504])
def test_errors_that_are_always_kept_ignore_no_store(status: int) -> None:
    assert kept_for(status, cache_control="no-store") == 10
    assert kept_for(status, cache_control="max-age=5") == 10
    assert kept_for(status, cache_control="max-age=100") == 100
    assert kept_for(status, cache_control="max-age=99999") == 3600
    assert kept_for(status, error_minimum=0) == 0


@pytest.mark.parametrize("status", [400, 403, 405, 412, 415])
def test_errors_that_are_kept_only_if_asked(status: int) -> None:
    assert kept_for(status) is None
    assert kept_for(status, expires=date(100)) is None
    assert kept_for(status, cache_control="max-age=5") == 10
    assert kept_for(status, cache_control="s-maxage=50") == 50


@pytest.mark.parametrize("status", [401, 402, 409, 410, 416, 429, 505])
def test_other_errors_are_never_kept(status: int) -> None:
    assert kept_for(status, cache_control="max-age=100") is None


@pytest.mark.parametrize("status", [307, 308])
def test_307_and_308_are_kept_only_with_cache_control(status: int) -> None:
    assert kept_for(status) is None
    assert kept_for(status, expires=date(100)) is None
    assert kept_for(status, cache_control="max-age=100") == 100
    assert kept_for(302) == 60


def stale_windows(cache_control: str, minimum: float = 0) -> tuple[float, float]:
    found = lifetime(
        200,
        [("cache-control", cache_control)],
        Ttls(minimum=minimum, default=60, maximum=100),
        asked_at=NOW,
        received_at=NOW,
        error_minimum=10,
    )
    assert found is not None
    return (
        found.stale_while_revalidate_until - found.fresh_until,
        found.stale_if_error_until - found.fresh_until,
    )


@pytest.mark.parametrize(
    ("cache_control", "windows"),
    [
        ("max-age=10", (0, math.inf)),
        ("max-age=10, stale-while-revalidate=20", (20, math.inf)),
        ("max-age=10, stale-while-revalidate=2000", (100, math.inf)),
        ("max-age=10, stale-if-error=20", (0, 20)),
        ("max-age=10, stale-if-error=0", (0, 0)),
        ("max-age=10, stale-if-error=2000", (0, 100)),
        ("max-age=10, must-revalidate, stale-while-revalidate=20", (0, math.inf)),
        ("no-cache, stale-while-revalidate=20", (0, 0)),
    ],
)
def test_stale_windows_are_the_lesser_of_the_directive_and_the_maximum_ttl(
    cache_control: str, windows: tuple[float, float]
) -> None:
    assert stale_windows(cache_control) == windows


def test_with_a_minimum_ttl_even_what_forbids_caching_stands_in_for_a_failing_origin() -> None:
    assert stale_windows("no-store", minimum=5) == (0, math.inf)


def test_no_cache_of_one_field_is_not_no_cache() -> None:
    said = directives([("cache-control", 'no-cache="Set-Cookie", max-age=5')])
    assert (said.no_cache, said.own_fields, said.max_age) == (False, {"set-cookie"}, 5)
    fields = [("cache-control", 'no-cache="Set-Cookie, A", private="b"'), ("a", "1"), ("b", "2"), ("c", "3")]
    assert replayed_fields(fields) == [fields[0], ("c", "3")]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("sun, 06 nov 1994 08:49:37 gmt", 784111777),
        ("Sun, 06 Nov 1994 08:49:37 PST", None),
        ("Sun, 06 Nov 1994 08:49:37 +0100", None),
        ("0", None),
        ("-1", None),
        ("", None),
        ("Sun, 99 Nov 1994", None),
    ],
)
def test_http_dates_come_in_three_forms_and_all_in_gmt(text: str, instant: float | None) -> None:
    assert http_date(text) == instant


def test_what_connection_names_goes_no_further_but_for_what_must() -> None:
    fields = [("connection", "close, X-Own, Cookie"), ("x-own", "1"), ("cookie", "2"), ("te", "3"), ("x", "4")]
    assert end_to_end(fields) == [("cookie", "2"), ("x", "4")]


NONE = Selection()
ALL = Selection(behavior="all")


def some(*names: str) -> Selection:
    return Selection(behavior="whitelist", names=names)


def all_but(*names: str) -> Selection:
    return Selection(behavior="allExcept", names=names)


@pytest.mark.parametrize(
    ("cache", "request_policy", "sent"),
    [
        (NONE, NONE, ""),
        (NONE, ALL, "abc"),
        (NONE, some("a"), "a"),
        (NONE, all_but("a"), "bc"),
        (ALL, NONE, "abc"),
        (ALL, some("a"), "abc"),
        (ALL, all_but("a"), "abc"),
        (some("a"), NONE, "a"),
        (some("a"), ALL, "abc"),
        (some("a"), some("b"), "ab"),
        (some("a"), all_but("a"), "abc"),
        (some("a"), all_but("a", "b"), "ac"),
        (all_but("a"), NONE, "bc"),
        (all_but("a"), ALL, "abc"),
        (all_but("a"), some("a"), "abc"),
        (all_but("a"), all_but("b"), "c"),
    ],
)
def test_what_both_policies_send_follows_the_table(cache: Selection, request_policy: Selection, sent: str) -> None:
    both = selection.both(cache, request_policy)
    assert "".join(name for name in "abc" if selection.takes(both, name)) == sent


def test_query_strings_keep_order_case_and_repetition() -> None:
    query = "b=2&A=0&a=1&a=3&flag&&c"
    assert selection.query_string(query, some("a", "flag")) == "a=1&a=3&flag"
    assert selection.query_string(query, all_but("a")) == "b=2&A=0&flag&&c"
    assert selection.query_string(query, ALL) == query


def test_cookies_are_sorted_by_name() -> None:
    assert selection.cookies(["b=2; a=1", "C=3"], ALL) == "C=3; a=1; b=2"
    assert selection.cookies(["b=2; a=1"], some("b")) == "b=2"
    assert selection.cookies([], ALL) == ""


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/images/*", "/images/a/b.jpg", True),
        ("images/*", "/images/", True),
        ("/images/*", "/image/x", False),
        ("*.jpg", "/a/b.jpg", True),
        ("/a??.jpg", "/abc.jpg", True),
        ("/a??.jpg", "/ab.jpg", False),
        ("/a.b", "/aXb", False),
        ("/a*z", "/a/b\n/z", True),
        ("*", "/", True),
        ("/A", "/a", False),
    ],
)
def test_path_patterns(pattern: str, path: str, matches: bool) -> None:
    assert bool(compile_pattern(pattern).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../../b", "/b"),
        ("/a/..", "/"),
        ("/a/b/.", "/a/b/"),
        ("/%7Ea%2fb", "/~a%2Fb"),
        ("/.hidden/x", "/.hidden/x"),
        ("/a//b", "/a//b"),
        ("/%2e%2e/b", "/b"),
    ],
)
def test_paths_are_normalised_as_rfc_3986_says(path: str, expected: str) -> None:
    assert normalised(path) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-4", ((0, 4),)),
        ("bytes=5-", ((5, 9),)),
        ("bytes=-3", ((7, 9),)),
        ("bytes=-100", ((0, 9),)),
        ("bytes=5-100", ((5, 9),)),
        ("bytes=0-1, 3-4", ((0, 1), (3, 4))),
        ("Bytes=0-1", ((0, 1),)),
        ("bytes=0-1,1-2", "whole"),
        ("bytes=3-4,0-1", "whole"),
        ("bytes=4-3", "whole"),
        ("bytes=-", "whole"),
        ("bytes=a-b", "whole"),
        ("items=0-1", "whole"),
        ("bytes", "whole"),
        ("bytes=10-", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=0-0," * 20, "whole"),
    ],
)
def test_ranges(header: str, expected: Any) -> None:
    found = ranges.parts(header, 10)
    assert (found if isinstance(found, str) else tuple((part.first, part.last) for part in found)) == expected


def test_equal_ranges_are_spelt_equally() -> None:
    assert ranges.single(" Bytes = 0002-07 ") == ranges.single("bytes=2-7") == "bytes=2-7"
    assert ranges.single("bytes=2-7,9-") is None
    assert ranges.single("bytes=7-2") is None


@pytest.mark.parametrize(
    ("request_fields", "stored", "expected"),
    [
        ({"if-none-match": '"1"'}, {"etag": '"1"'}, True),
        ({"if-none-match": 'W/"1"'}, {"etag": '"1"'}, True),
        ({"if-none-match": '"0" , "1"'}, {"etag": 'W/"1"'}, True),
        ({"if-none-match": '"a,b"'}, {"etag": '"a,b"'}, True),
        ({"if-none-match": "*"}, {}, True),
        ({"if-none-match": '"2"'}, {"etag": '"1"'}, False),
        ({"if-none-match": "1"}, {"etag": "1"}, False),
        ({"if-none-match": '"2"', "if-modified-since": date(0)}, {"etag": '"1"', "last-modified": date(-9)}, False),
        ({"if-modified-since": date(0)}, {"last-modified": date(0)}, True),
        ({"if-modified-since": date(0)}, {"last-modified": date(1)}, False),
        ({"if-modified-since": "yesterday"}, {"last-modified": date(-9)}, False),
        ({"if-modified-since": date(0)}, {}, False),
    ],
)
def test_conditions(request_fields: dict[str, str], stored: dict[str, str], expected: bool) -> None:
    assert conditions.not_modified(request_fields.get, list(stored.items())) is expected


def test_if_range_wants_the_very_same_object() -> None:
    stored = [("etag", '"1"'), ("last-modified", date(0))]
    assert conditions.range_still_applies(None, stored)
    assert conditions.range_still_applies('"1"', stored)
    assert not conditions.range_still_applies('W/"1"', stored)
    assert not conditions.range_still_applies('"2"', stored)
    assert conditions.range_still_applies(date(0), stored)
    assert not conditions.range_still_applies(date(1), stored)


def test_a_304_renews_headers_but_not_those_of_the_body() -> None:
    stored = [("etag", '"1"'), ("content-type", "text/html"), ("x", "old")]
    renewed = merged_fields(stored, [("x", "new"), ("content-type", "wrong"), ("expires", "soon")])
    assert sorted(renewed) == [("content-type", "text/html"), ("etag", '"1"'), ("expires", "soon"), ("x", "new")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "br"),
        ({"accepted": "gzip"}, "gzip"),
        ({"accepted": ""}, None),
        ({"compress": False}, None),
        ({"status": 206}, None),
        ({"status": 404}, "br"),
        ({"length": None}, None),
        ({"length": 999}, None),
        ({"length": 1_000}, "br"),
        ({"length": 10_000_000}, "br"),
        ({"length": 10_000_001}, None),
        ({"fields": [("content-type", "image/png")]}, None),
        ({"fields": [("content-type", "TEXT/HTML; charset=utf-8")]}, "br"),
        ({"fields": [("content-type", "text/html"), ("content-encoding", "identity")]}, None),
        ({"fields": []}, None),
    ],
)
def test_what_is_compressed(changes: dict[str, Any], expected: str | None) -> None:
    given: dict[str, Any] = {
        "compress": True,
        "accepted": "br,gzip",
        "status": 200,
        "length": 5_000,
        "fields": [("content-type", "text/html")],
        **changes,
    }
    assert compression.coding(**given) == expected


@pytest.mark.parametrize(("etag", "after"), [('"1"', 'W/"1"'), ('W/"1"', 'W/"1"'), ("1", None)])
def test_an_etag_weakens_when_its_body_is_compressed(etag: str, after: str | None) -> None:
    fields = compression.compressed_fields([("etag", etag), ("content-length", "5")], "gzip")
    assert conditions.get(fields, "etag") == after
    assert ("content-encoding", "gzip") in fields and ("vary", "Accept-Encoding") in fields


@pytest.mark.parametrize(
    ("path", "uri", "query", "expected"),
    [
        ("/a", "/a", "", True),
        ("/a", "/a", "x=1", False),
        ("/a?x=1", "/a", "x=1", True),
        ("/a*", "/ab", "x=1", True),
        ("/a/*", "/a", "", False),
        ("/*", "/", "", True),
        ("/A", "/a", "", False),
    ],
)
def test_what_an_invalidation_takes(path: str, uri: str, query: str, expected: bool) -> None:
    assert invalidations.invalidates(invalidations.normalised(path), uri, query) is expected


@pytest.mark.parametrize("path", ["", "/a*b", "/" + "a" * 4000, "/a b", "/é"])
def test_paths_that_cannot_be_invalidated(path: str) -> None:
    with pytest.raises(invalidations.InvalidPath):
        invalidations.normalised(path)
