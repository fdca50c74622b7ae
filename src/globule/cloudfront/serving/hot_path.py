"""Answering a request from the cache without a task, while its bytes are still being read.

Heads that a browser or a poller sends again and again are equal byte by byte. For a head that can be answered from
the cache alone, what it asks for is remembered by its bytes: parsing, admission and the cache key are then a look-up.
Nothing else is cut short: freshness, Age and the request id are computed each time. Whatever is not plain (edge
functions at the viewer's side, conditions, ranges, traces, errors) goes the ordinary way; what is never kept may go
by `express`.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from globule.cloudfront.rules.configuration import Settings
from globule.cloudfront.rules.responses import replayed_fields, with_policy
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.cache import HEADS_LIMIT, Cache, Entry
from globule.cloudfront.serving.express import Express, is_express
from globule.cloudfront.serving.hot_files import LEAST_BYTES, HotFiles
from globule.cloudfront.serving.request_ids import RequestIds
from globule.cloudfront.serving.viewer_exchange import Identity, ViewerExchange
from globule.cloudfront.serving.wanted import Wanted
from globule.host.clock import Clock
from globule.host.http_server import FiledAnswer, Later
from globule.host.tracing import HEADER
from globule.wire.http_head import RequestHead, encode_response_head, parse_request_head, standard_phrase

# Remembered heads of one edge location: those of a few hundred pollers, each of at most this size.
REMEMBERED_HEADS = 512
REMEMBERED_HEAD_BYTES = 2048
# What the cache alone cannot answer.
_ELSEWHERE = frozenset({"range", "if-none-match", "if-modified-since", "if-range", "expect", "upgrade"})


class _Remembered(NamedTuple):
    head: RequestHead
    wanted: Wanted
    is_express: bool
    key: str
    """Empty where the cache alone cannot answer."""
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
        exchange: ViewerExchange,
        cache: Cache,
        files: HotFiles,
        express: Express,
        clock: Clock,
        ids: RequestIds,
    ) -> None:
        self._identity = identity
        self._exchange = exchange
        self._find = cache.find
        self._files = files
        self._express = express
        self._now = clock.now
        self._ids = ids
        self._remembered: dict[bytes, _Remembered] = {}
        self._generation = 0
        """Of the world: heads that were made for an older one are not used."""
        self.hits = 0

    def forget(self) -> None:
        """The world has changed."""
        self._remembered.clear()
        self._express.forget()
        self._generation += 1

    def recall(self, raw: bytes) -> bytes | FiledAnswer | Later | None:
        """The server's `recall` hook."""
        remembered = self._remembered.get(raw)
        if remembered is None:
            return None
        if not remembered.key:
            return self._express.begin(remembered.wanted) if remembered.is_express else None
        entry = self._find(remembered.key)
        if entry is None:
            return None
        now = self._now()
        if now >= entry.hot_until:
            return None
        entry.touched = True
        self.hits += 1
        start = entry.heads.get(remembered.presentation) or self._head(entry, remembered)
        age = b"\r\nage: %d\r\n\r\n" % max(0, now - entry.born_at)
        identity = self._ids.next()
        if len(entry.body) < LEAST_BYTES:
            return b"".join((start, identity, age, entry.body))
        file = self._files.of(entry)
        head = b"".join((start, identity, age))
        return head + entry.body if file is None else FiledAnswer(head, entry.body, file)

    def parse(self, raw: bytes) -> RequestHead:
        """The server's `parse` hook. The head carries what it wants, for the handler."""
        remembered = self._remembered.get(raw)
        if remembered is not None:
            return remembered.head
        head = parse_request_head(raw)
        if head.minor == 0:
            # "If a request uses HTTP 1.0, CloudFront removes Accept-Encoding".
            head.fields[:] = [field for field in head.fields if field[0] != "accept-encoding"]
        elif len(raw) <= REMEMBERED_HEAD_BYTES:
            return self._remember(raw, head)
        return head

    def _remember(self, raw: bytes, head: RequestHead) -> RequestHead:
        wanted = self._exchange.admit(head.method, head.target, head.fields, has_body=head.length != 0)
        head = msgspec.structs.replace(head, note=wanted)
        if not isinstance(wanted, Wanted) or any(name == HEADER for name, _ in head.fields):
            return head
        if len(self._remembered) >= REMEMBERED_HEADS:
            self._remembered.clear()
            self._express.forget()
        settings = wanted.settings
        origin_header = wanted.request.field("origin") if settings.response_headers is not None else None
        self._remembered[raw] = _Remembered(
            head=head,
            wanted=wanted,
            is_express=is_express(head, wanted),
            key=wanted.key if _is_plain(head, wanted) else "",
            settings=settings,
            origin_header=origin_header,
            presentation=(self._generation, settings.number, origin_header),
        )
        return head

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


def _is_plain(head: RequestHead, wanted: Wanted) -> bool:
    """Whether the cache alone can answer."""
    policy = wanted.settings.response_headers
    return (
        head.method == "GET"
        and head.length == 0
        and head.keep_alive
        and wanted.cacheable
        and not any(name in _ELSEWHERE for name, _ in head.fields)
        and not any(event.startswith("viewer") for event in wanted.settings.functions)
        and (policy is None or policy.server_timing_rate == 0)
    )
