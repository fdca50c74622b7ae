"""Answering a request from the cache without a task, while its bytes are still being read.

Heads that a browser or a poller sends again and again are equal byte by byte. For a head that can be answered from
the cache alone, what it asks for is remembered by its bytes: parsing, admission and the cache key are then a look-up.
Nothing else is cut short: freshness, Age and the request id are computed each time. Whatever is not plain (edge
functions at the viewer's side, conditions, ranges, traces, errors) goes the ordinary way.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import NamedTuple

from globule.cloudfront.rules import admission
from globule.cloudfront.rules.admission import Admitted, object_path
from globule.cloudfront.rules.configuration import Settings
from globule.cloudfront.rules.key import cache_key
from globule.cloudfront.rules.responses import replayed_fields, with_policy
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.cache import HEADS_LIMIT, Cache, Entry
from globule.cloudfront.serving.hot_files import LEAST_BYTES, HotFiles
from globule.cloudfront.serving.viewer_exchange import Identity, ViewerExchange
from globule.cloudfront.serving.viewers import Viewers
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.http_server import FiledAnswer
from globule.host.tracing import HEADER, sampled
from globule.wire.http_head import RequestHead, encode_response_head, parse_request_head, standard_phrase

# Remembered heads of one edge location: those of a few hundred pollers, each of at most this size.
REMEMBERED_HEADS = 512
REMEMBERED_HEAD_BYTES = 2048
# Randomness for request ids is drawn for this many at once; a call costs more than the bytes.
IDS_AT_ONCE = 128
# Characters of base64 in a request id, before `==`; and how many are drawn for each, a multiple of four.
ID_CHARACTERS = 54
ID_ENCODED_CHARACTERS = 56

# What the cache alone cannot answer.
_ELSEWHERE = frozenset({"range", "if-none-match", "if-modified-since", "if-range", "expect", "upgrade"})


class _Remembered(NamedTuple):
    key: str
    settings: Settings
    origin_header: str | None
    presentation: object
    """Requests of equal presentations get equal headers of one entry."""


class HotPath:
    """Two hooks of an edge location's server: `recall` answers, `parse` remembers."""

    def __init__(
        self,
        *,
        identity: Identity,
        viewers: Viewers,
        exchange: ViewerExchange,
        cache: Cache,
        files: HotFiles,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._identity = identity
        self._viewers = viewers
        self._exchange = exchange
        self._find = cache.find
        self._files = files
        self._now = clock.now
        self._entropy = entropy
        self._remembered: dict[bytes, _Remembered] = {}
        self._generation = 0
        """Of the world: heads that were made for an older one are not used."""
        self._ids: list[bytes] = []
        self.hits = 0

    def forget(self) -> None:
        """The world has changed."""
        self._remembered.clear()
        self._generation += 1

    def recall(self, raw: bytes) -> bytes | FiledAnswer | None:
        """The server's `recall` hook."""
        remembered = self._remembered.get(raw)
        if remembered is None:
            return None
        entry = self._find(remembered.key)
        if entry is None:
            return None
        now = self._now()
        if now >= entry.hot_until:
            return None
        entry.touched = True
        self.hits += 1
        start = entry.heads.get(remembered.presentation) or self._head(entry, remembered)
        age = b"==\r\nage: %d\r\n\r\n" % (now - entry.born_at)
        identity = self._ids.pop() if self._ids else self._more_ids()
        if len(entry.body) < LEAST_BYTES:
            return b"".join((start, identity, age, entry.body))
        file = self._files.of(entry)
        head = b"".join((start, identity, age))
        return head + entry.body if file is None else FiledAnswer(head, entry.body, file)

    def parse(self, raw: bytes) -> RequestHead:
        """The server's `parse` hook."""
        head = parse_request_head(raw)
        if head.minor == 0:
            # "If a request uses HTTP 1.0, CloudFront removes Accept-Encoding".
            head.fields[:] = [field for field in head.fields if field[0] != "accept-encoding"]
        elif len(raw) <= REMEMBERED_HEAD_BYTES:
            self._remember(raw, head)
        return head

    def _remember(self, raw: bytes, head: RequestHead) -> None:
        if head.method != "GET" or head.length or not head.keep_alive:
            return
        if any(name in _ELSEWHERE or (name == HEADER and sampled(value)) for name, value in head.fields):
            return
        request = self._viewers.request(head.method, head.target, head.fields)
        host = _host(request.field("host") or "")
        admitted = admission.admit(self._exchange.names.find(host), request, host=host, has_body=False)
        if not isinstance(admitted, Admitted) or not admitted.settings.caching:
            return
        settings, distribution = admitted.settings, admitted.configuration.distribution
        if any(event.startswith("viewer") for event in settings.functions) or _is_sampled(settings):
            return
        uri = object_path(request.uri, distribution.default_root_object)
        request = type(request)(
            method=request.method, uri=uri, query=request.query, fields=request.fields, viewer=request.viewer
        )
        if len(self._remembered) >= REMEMBERED_HEADS:
            self._remembered.clear()
        origin_header = request.field("origin") if settings.response_headers is not None else None
        self._remembered[raw] = _Remembered(
            key=cache_key(distribution.id, settings, request),
            settings=settings,
            origin_header=origin_header,
            presentation=(self._generation, settings.number, origin_header),
        )

    def _head(self, entry: Entry, remembered: _Remembered) -> bytes:
        """The head of a hit up to the request id, made once for each presentation of an entry."""
        fields = with_policy(
            replayed_fields(entry.fields),
            remembered.settings.response_headers,
            origin_header=remembered.origin_header,
            preflight=False,
        )
        encoded = encode_response_head(
            entry.status,
            entry.reason or standard_phrase(entry.status),
            [
                *fields,
                ("content-length", str(len(entry.body))),
                ("via", self._identity.via),
                ("x-cache", answers.HIT),
                ("x-amz-cf-pop", self._identity.pop),
            ],
        )
        if len(entry.heads) >= HEADS_LIMIT:
            entry.heads.clear()
        start = entry.heads[remembered.presentation] = encoded[:-2] + b"x-amz-cf-id: "
        return start

    def _more_ids(self) -> bytes:
        """A request id without its `==`; others are kept for the requests that follow."""
        drawn = urlsafe_b64encode(self._entropy.bytes(IDS_AT_ONCE * ID_ENCODED_CHARACTERS // 4 * 3))
        self._ids = [drawn[start : start + ID_CHARACTERS] for start in range(0, len(drawn), ID_ENCODED_CHARACTERS)]
        return self._ids.pop()


def _host(value: str) -> str:
    return (value.rpartition(":")[0] if ":" in value and not value.endswith("]") else value).lower()


def _is_sampled(settings: Settings) -> bool:
    return settings.response_headers is not None and settings.response_headers.server_timing_rate > 0
