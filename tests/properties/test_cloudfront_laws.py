"""Laws of the edge: a cache never crosses keys, never serves beyond its time, and stays within its bounds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from globule.cloudfront.model import CacheBehavior, CachePolicy, CustomOrigin, Distribution, Origin, Selection
from globule.cloudfront.rules import ranges
from globule.cloudfront.rules.configuration import Policies, Settings, configure
from globule.cloudfront.rules.key import cache_key
from globule.cloudfront.rules.lifetime import Ttls, directives, lifetime
from globule.cloudfront.rules.paths import normalised
from globule.cloudfront.rules.requests import Viewer, ViewerRequest
from globule.cloudfront.serving.cache import ENTRY_OVERHEAD_BYTES, Budget, Cache, Entry
from globule.world.places import edge_location

VIEWER = Viewer(place=edge_location("FRA"), address="127.20.0.1", scheme="https")
NOW = 1_790_000_000.0

VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
TEXT = st.text(VISIBLE, max_size=8)
PATH = TEXT.filter(lambda text: "?" not in text).map(lambda text: "/" + text)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=8).map(
    lambda text: re.sub(r"[\x7f-\x9f]", "", text)
)


def settings(query_strings: Selection, headers: tuple[str, ...]) -> Settings:
    policy = CachePolicy(
        id="p",
        name="p",
        minimum_ttl=0,
        default_ttl=60,
        maximum_ttl=3600,
        headers=Selection(behavior="whitelist", names=headers) if headers else Selection(),
        query_strings=query_strings,
        cookies=Selection(behavior="all"),
        gzip=True,
        brotli=True,
    )
    distribution = Distribution(
        id="E1",
        arn="",
        domain_name="d.cloudfront.net",
        origins=(Origin(id="o", domain_name="o", config=CustomOrigin(protocol_policy="http-only")),),
        default_behavior=CacheBehavior(target_origin_id="o", viewer_protocol_policy="allow-all", cache_policy_id="p"),
    )
    return configure(distribution, Policies(cache={"p": policy})).settings[0]


KEYED = settings(Selection(behavior="all"), ("x-one", "x-two"))
REQUESTS = st.builds(
    lambda method, uri, query, fields: ViewerRequest(
        method=method, uri=uri, query=query, fields=tuple(fields), viewer=VIEWER
    ),
    st.sampled_from(["GET", "HEAD", "OPTIONS"]),
    PATH,
    TEXT,
    st.lists(
        st.tuples(st.sampled_from(["x-one", "x-two", "cookie", "accept-encoding", "x-other"]), VALUES), max_size=4
    ),
)


def keyed_parts(request: ViewerRequest) -> tuple[object, ...]:
    """Everything that this policy keys, read another way than the code does."""
    cookies = sorted(
        (pair.strip() for value in request.fields_named("cookie") for pair in value.split(";") if pair.strip()),
        key=lambda pair: pair.partition("=")[0],
    )
    coded = [
        part.partition(";")[0].strip().lower()
        for value in request.fields_named("accept-encoding")
        for part in value.split(",")
    ]
    return (
        request.method == "OPTIONS",
        request.uri,
        request.query,
        request.field("x-one"),
        request.field("x-two"),
        cookies,
        [name for name in ("br", "gzip") if name in coded],
    )


@given(REQUESTS, REQUESTS)
def test_two_requests_share_a_key_only_where_all_that_is_keyed_is_equal(
    one: ViewerRequest, other: ViewerRequest
) -> None:
    same = cache_key("E1", KEYED, one, one.uri) == cache_key("E1", KEYED, other, other.uri)
    assert same == (keyed_parts(one) == keyed_parts(other))
    assert cache_key("E1", KEYED, one, one.uri) != cache_key("E2", KEYED, one, one.uri)


SECONDS = st.integers(0, 10_000)


@given(
    st.sampled_from([200, 203, 301, 302, 404, 500, 503]),
    st.lists(
        st.one_of(
            st.sampled_from(["no-cache", "private", "must-revalidate", "public"]),
            SECONDS.map(lambda seconds: f"max-age={seconds}"),
            SECONDS.map(lambda seconds: f"s-maxage={seconds}"),
            SECONDS.map(lambda seconds: f"stale-while-revalidate={seconds}"),
            SECONDS.map(lambda seconds: f"stale-if-error={seconds}"),
        ),
        max_size=4,
    ),
    SECONDS,
    SECONDS,
    SECONDS,
    SECONDS,
)
def test_nothing_stays_fresh_beyond_the_maximum_ttl_or_the_error_minimum(
    status: int, said: list[str], minimum: int, default: int, maximum: int, age: int
) -> None:
    minimum, default, maximum = sorted((minimum, default, maximum))
    found = lifetime(
        status,
        [("cache-control", ", ".join(said)), ("age", str(age))],
        Ttls(minimum=minimum, default=default, maximum=maximum),
        asked_at=NOW,
        received_at=NOW,
        error_minimum=10,
    )
    if found is None:
        return
    seconds = found.fresh_until - NOW
    assert 0 <= seconds <= max(maximum, 10 if status >= 400 else 0)
    assert found.stale_while_revalidate_until <= found.fresh_until + maximum
    if status < 400:
        assert seconds >= minimum


@given(st.text(max_size=60))
def test_no_cache_control_makes_its_reader_fail(text: str) -> None:
    directives([("cache-control", text)])


@given(st.text(st.sampled_from("/.%2eEfF5a"), max_size=20).map(lambda text: "/" + text))
def test_normalising_a_path_twice_is_normalising_it_once_unless_it_decodes_to_an_escape(path: str) -> None:
    once = normalised(path)
    assert once.startswith("/")
    assert "/../" not in once and not once.endswith("/..")


@given(st.text(st.sampled_from("bytes=-,0123456789 "), max_size=24), st.integers(0, 50))
def test_ranges_lie_within_the_object(header: str, length: int) -> None:
    found = ranges.parts("bytes=" + header, length)
    if isinstance(found, tuple):
        for part in found:
            assert 0 <= part.first <= part.last < length


def entry(key: str, size: int, fresh_until: float = NOW) -> Entry:
    found = lifetime(200, [], Ttls(minimum=0, default=60, maximum=60), asked_at=NOW, received_at=NOW, error_minimum=10)
    assert found is not None
    return Entry(
        key=key,
        distribution_id="E1",
        uri="/" + key,
        query="",
        status=200,
        reason="OK",
        fields=[],
        body=b"x" * size,
        lifetime=found,
    )


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abcdefgh"), st.integers(0, 5_000)), max_size=60))
def test_caches_stay_within_their_own_and_the_process_s_bound_and_count_right(
    puts: list[tuple[int, str, int]],
) -> None:
    budget = Budget(limit_bytes=12_000)
    caches = [Cache(budget, limit_bytes=9_000), Cache(budget, limit_bytes=9_000)]
    for which, key, size in puts:
        caches[which].put(entry(key, size))
        for cache in caches:
            assert cache.used_bytes <= 9_000
            assert cache.used_bytes == sum(kept.size_bytes for kept in cache._entries.values())
        assert budget.used_bytes == sum(cache.used_bytes for cache in caches) <= 12_000
        if size + ENTRY_OVERHEAD_BYTES + 10 < 9_000:
            assert caches[which].get(key) is not None
