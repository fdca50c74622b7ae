"""From a request that may be answered from the cache to an answer: kept, kept but asked again, or fetched.

    find the entry
      fresh                     -> Hit
      stale-while-revalidate    -> Hit, and one request asks in the background
      somebody is fetching it   -> wait; take what comes if it may be shared, else fetch alone
      else                      -> ask the origin, with the entry's validators where there is one
        304                     -> the entry lives on: RefreshHit
        5xx, or no answer       -> the entry stands in where it may: RefreshHit; else the error, kept for a while
        any other answer        -> kept where it may be: Miss

Requests collapse by key as long as nobody's cookies go to the origin
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-traffic-spikes).
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from typing import Any

import brotli
import msgspec

from globule.cloudfront.rules import compression, conditions, failures, ranges, responses
from globule.cloudfront.rules.compression import Coding
from globule.cloudfront.rules.key import accepted_encodings
from globule.cloudfront.rules.lifetime import Lifetime, lifetime
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.cache import OBJECT_LIMIT_BYTES, Cache, Entry
from globule.cloudfront.serving.functions import FunctionRefused
from globule.cloudfront.serving.growing_body import GrowingBody
from globule.cloudfront.serving.origin_exchange import OriginAnswer, OriginExchange, Wanted
from globule.cloudfront.serving.origins import OriginFailed
from globule.host.clock import Clock
from globule.host.http_client import BodyInterrupted
from globule.wire.http import BytesBody
from globule.wire.http_head import MalformedMessage

logger = logging.getLogger(__name__)

# Larger bodies are compressed on a thread, since they would hold everybody else up.
COMPRESSED_INLINE_BYTES = 32 * 1024
# As nginx and CDNs do on the fly; higher levels cost more than they save.
GZIP_LEVEL = 6
BROTLI_QUALITY = 4


class _Growing(msgspec.Struct, frozen=True, kw_only=True):
    """A response that is still arriving, for those who asked for it meanwhile."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    length: int | None
    body: GrowingBody


_Flight = asyncio.Future[Entry | _Growing | None]
"""What a fetch gives to those who wait for it; None where each must ask for itself."""


class Fetching:
    """Everything that one edge location has and gets."""

    def __init__(self, *, cache: Cache, exchange: OriginExchange, clock: Clock) -> None:
        self._cache = cache
        self._exchange = exchange
        self._clock = clock
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def direct(self, wanted: Wanted) -> Answer:
        """Of a request whose answer is never kept."""
        try:
            got = await self._exchange.ask(wanted, [], cacheable=False)
        except OriginFailed as failed:
            return self._failed(failed, wanted)
        fields = responses.kept_fields(got.fields, forwards_cookies=wanted.settings.forwards_cookies)
        return _relayed(got, fields, wanted.request.method)

    async def cached(self, wanted: Wanted, *, range_header: str | None) -> Answer:
        """Of a request whose answer may be kept. `range_header`: one range of bytes that the viewer wants, in its
        shortest form; the answer is that part, or all. Raises FunctionRefused."""
        slot, entry = self._find(wanted, range_header)
        now = self._clock.now()
        if entry is not None:
            if now < entry.fresh_until:
                return answers.from_entry(entry, answers.HIT, now)
            if now < entry.lifetime.stale_while_revalidate_until:
                self._refresh(wanted, slot, entry)
                return answers.from_entry(entry, answers.HIT, now)
        if not wanted.settings.collapses:
            return await self._fetch(wanted, slot, entry, None)
        flight = self._flights.get(slot)
        if flight is None:
            return await self._lead(wanted, slot, entry)
        shared = await asyncio.shield(flight)
        if isinstance(shared, Entry):
            return answers.from_entry(shared, answers.HIT, self._clock.now())
        if shared is not None and shared.body.keepable:
            return _joined(shared, answers.HIT)
        return await self._fetch(wanted, slot, entry, None)

    def _find(self, wanted: Wanted, range_header: str | None) -> tuple[str, Entry | None]:
        """Where the answer is, or would be kept: GET's whole object serves everything; a HEAD and each range that
        was asked of the origin have slots of their own."""
        whole = self._cache.get(wanted.key)
        if whole is not None:
            return wanted.key, whole
        if wanted.request.method == "HEAD":
            slot = f"{wanted.key}\n\nHEAD"
        elif range_header is not None:
            slot = f"{wanted.key}\n\n{range_header}"
        else:
            return wanted.key, None
        return slot, self._cache.get(slot)

    async def _lead(self, wanted: Wanted, slot: str, entry: Entry | None) -> Answer:
        """Fetch, for everybody who asks for the same meanwhile."""
        flight: _Flight = asyncio.get_running_loop().create_future()
        self._flights[slot] = flight
        growing = False
        try:
            answer = await self._fetch(wanted, slot, entry, flight)
            growing = flight.done() and isinstance(flight.result(), _Growing)
            return answer
        finally:
            if not flight.done():
                flight.set_result(None)
            if not growing:
                self._land(slot, flight)

    def _land(self, slot: str, flight: _Flight | None) -> None:
        if flight is not None and self._flights.get(slot) is flight:
            del self._flights[slot]

    def _refresh(self, wanted: Wanted, slot: str, entry: Entry) -> None:
        """Ask in the background, once at a time."""
        if entry.refreshing:
            return
        entry.refreshing = True

        async def ask() -> None:
            try:
                answer = await self._fetch(wanted, slot, entry, None)
                await answer.abandon()
            except FunctionRefused as problem:
                logger.warning("refreshing %s: %s", entry.uri, problem)
            finally:
                entry.refreshing = False

        self._start(ask())

    async def _fetch(self, wanted: Wanted, slot: str, entry: Entry | None, flight: _Flight | None) -> Answer:
        extra = conditions.revalidation_fields(entry.fields) if entry is not None and entry.status < 400 else []
        if slot.startswith(f"{wanted.key}\n\nbytes="):
            extra.append(("range", slot.rpartition("\n\n")[2]))
        arrival = _Arrival(slot=slot, asked_at=self._clock.now(), invalidations=self._cache.invalidations)
        try:
            got = await self._exchange.ask(wanted, extra, cacheable=True)
        except OriginFailed as failed:
            return self._stale(wanted, entry, failed.failure.status) or self._keep_failure(
                failed, wanted, arrival, flight
            )
        arrival.received_at = self._clock.now()
        if got.status == 304 and entry is not None and extra:
            got.close()
            return self._revalidated(got, wanted, entry, arrival, flight)
        if got.status >= 500 and (stale := self._stale(wanted, entry, got.status)) is not None:
            got.close()
            return stale
        return await self._keep(got, wanted, arrival, flight)

    def _stale(self, wanted: Wanted, entry: Entry | None, status: int) -> Answer | None:
        """What was kept stands in for an origin that fails, until it is time to try again."""
        now = self._clock.now()
        if entry is None or entry.status >= 400 or now >= entry.lifetime.stale_if_error_until:
            return None
        retry_at = now + wanted.configuration.error_minimum_ttl(status)
        entry.stand_in_until(min(retry_at, entry.lifetime.stale_if_error_until))
        return answers.from_entry(entry, answers.REFRESH_HIT, now)

    def _failed(self, failed: OriginFailed, wanted: Wanted) -> Answer:
        origins = ", ".join(origin.domain_name for origin in wanted.settings.origins)
        logger.warning("%s %s from %s: %s", wanted.request.method, wanted.request.uri, origins, failed)
        return answers.refused(failed.failure.refusal(), wanted.request_id)

    def _keep_failure(self, failed: OriginFailed, wanted: Wanted, arrival: _Arrival, flight: _Flight | None) -> Answer:
        """The answer to an origin that gives none is an error like any other, kept for its minimum time."""
        answer = self._failed(failed, wanted)
        arrival.received_at = self._clock.now()
        assert isinstance(answer.body, bytes)
        kept_for = self._lifetime(answer.status, answer.fields, wanted, arrival)
        if kept_for is not None:
            entry = _entry(wanted, arrival.slot, answer.status, "", answer.fields, answer.body, kept_for)
            self._put(entry, arrival)
            _share(flight, entry)
        return answer

    def _revalidated(
        self, got: OriginAnswer, wanted: Wanted, entry: Entry, arrival: _Arrival, flight: _Flight | None
    ) -> Answer:
        kept = responses.kept_fields(got.fields, forwards_cookies=wanted.settings.forwards_cookies)
        fields = responses.merged_fields(entry.fields, kept)
        kept_for = self._lifetime(entry.status, fields, wanted, arrival)
        if kept_for is None:
            self._cache.drop(entry.key)
            answer = answers.from_entry(entry, answers.REFRESH_HIT, arrival.received_at)
            answer.fields, answer.age = fields, None
            return answer
        renewed = _entry(wanted, entry.key, entry.status, entry.reason, fields, entry.body, kept_for)
        self._put(renewed, arrival)
        _share(flight, renewed if kept_for.shared else None)
        return answers.from_entry(renewed, answers.REFRESH_HIT, arrival.received_at)

    async def _keep(self, got: OriginAnswer, wanted: Wanted, arrival: _Arrival, flight: _Flight | None) -> Answer:
        """Keep a response if that is allowed, and answer with it."""
        fields = responses.kept_fields(got.fields, forwards_cookies=wanted.settings.forwards_cookies)
        method = wanted.request.method
        arrival.slot = _slot_of(got, wanted, arrival.slot)
        kept_for = self._lifetime(got.status, got.fields, wanted, arrival) if arrival.slot else None
        length = got.body.length
        if kept_for is None or (length is not None and length > OBJECT_LIMIT_BYTES):
            _share(flight, None)
            return _relayed(got, fields, method)
        if conditions.get(fields, "date") is None:
            fields.append(("date", formatdate(arrival.received_at, usegmt=True)))
        x_cache = answers.LAMBDA_GENERATED if got.generated else answers.MISS
        coding = self._coding(got, wanted, fields)
        if coding is None and not isinstance(got.body, BytesBody):
            return self._grow(got, wanted, fields, kept_for, arrival, flight)
        try:
            body = await got.body.read(OBJECT_LIMIT_BYTES)
        except (BodyInterrupted, MalformedMessage) as problem:
            return self._failed(OriginFailed(failures.OriginFailure.BROKEN, str(problem)), wanted)
        if coding is not None:
            body, fields = await _compressed(body, coding), compression.compressed_fields(fields, coding)
        if method == "HEAD" and (declared := conditions.get(got.fields, "content-length")) is not None:
            fields.append(("content-length", declared))
        entry = _entry(wanted, arrival.slot, got.status, got.reason, fields, body, kept_for)
        self._put(entry, arrival)
        _share(flight, entry if kept_for.shared else None)
        answer = answers.from_origin(got.status, got.reason, fields, x_cache)
        answer.body = body
        return answer

    def _coding(self, got: OriginAnswer, wanted: Wanted, fields: list[tuple[str, str]]) -> Coding | None:
        if wanted.request.method != "GET":
            return None
        return compression.coding(
            compress=wanted.settings.behavior.compress,
            accepted=accepted_encodings(wanted.request.field("accept-encoding"), wanted.settings)[0],
            status=got.status,
            fields=fields,
            length=got.body.length,
        )

    def _grow(
        self,
        got: OriginAnswer,
        wanted: Wanted,
        fields: list[tuple[str, str]],
        kept_for: Lifetime,
        arrival: _Arrival,
        flight: _Flight | None,
    ) -> Answer:
        """Answer with a body that is still arriving, and keep it once it is whole."""
        task: asyncio.Task[None] | None = None

        def give_up() -> None:
            if task is not None:
                task.cancel()

        growing = GrowingBody(OBJECT_LIMIT_BYTES, abandoned=give_up)
        shared = _Growing(status=got.status, reason=got.reason, fields=fields, length=got.body.length, body=growing)
        answer = _joined(shared, answers.MISS)

        async def pump() -> None:
            try:
                async for piece in got.body:
                    await growing.push(piece)
                body = growing.finish()
                if growing.keepable:
                    self._put(_entry(wanted, arrival.slot, got.status, got.reason, fields, body, kept_for), arrival)
            except (BodyInterrupted, MalformedMessage) as problem:
                growing.fail(BodyInterrupted(str(problem)))
            finally:
                got.close()
                self._land(arrival.flown_as, flight)

        task = self._start(pump())
        _share(flight, shared if kept_for.shared else None)
        return answer

    def _lifetime(
        self, status: int, fields: list[tuple[str, str]], wanted: Wanted, arrival: _Arrival
    ) -> Lifetime | None:
        return lifetime(
            status,
            fields,
            wanted.settings.ttls,
            asked_at=arrival.asked_at,
            received_at=arrival.received_at,
            error_minimum=wanted.configuration.error_minimum_ttl(status),
        )

    def _put(self, entry: Entry, arrival: _Arrival) -> None:
        """Keep, unless something was invalidated since it was asked for."""
        if self._cache.invalidations == arrival.invalidations:
            self._cache.put(entry)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Arrival(msgspec.Struct, kw_only=True):
    """One fetch: when, and where its response would be kept."""

    slot: str
    """Empty where it must not be kept."""
    asked_at: float
    received_at: float = 0.0
    invalidations: int
    flown_as: str = ""
    """The slot under which others wait for it."""

    def __post_init__(self) -> None:
        self.flown_as = self.slot


def _slot_of(got: OriginAnswer, wanted: Wanted, slot: str) -> str:
    """A part belongs to the range that was asked for; an origin that sends everything instead fills the whole
    object's place."""
    asked_for_part = slot.startswith(f"{wanted.key}\n\nbytes=")
    if got.status == 206:
        return slot if asked_for_part and ranges.is_content_range(conditions.get(got.fields, "content-range")) else ""
    return wanted.key if asked_for_part else slot


def _entry(
    wanted: Wanted,
    slot: str,
    status: int,
    reason: str,
    fields: list[tuple[str, str]],
    body: bytes,
    kept_for: Lifetime,
) -> Entry:
    query = wanted.key.split("\n", 4)[3]
    return Entry(
        key=slot,
        distribution_id=wanted.configuration.distribution.id,
        uri=wanted.request.uri,
        query=query,
        status=status,
        reason=reason,
        fields=fields,
        body=body,
        lifetime=kept_for,
    )


def _share(flight: _Flight | None, result: Entry | _Growing | None) -> None:
    if flight is not None and not flight.done():
        flight.set_result(result)


def _joined(shared: _Growing, x_cache: str) -> Answer:
    answer = answers.from_origin(shared.status, shared.reason, shared.fields, x_cache)
    answer.body, answer.length = shared.body.reader(), shared.length
    return answer


def _relayed(got: OriginAnswer, fields: list[tuple[str, str]], method: str) -> Answer:
    """An answer that is not kept: the body goes through as it comes."""
    x_cache = answers.LAMBDA_GENERATED if got.generated else answers.MISS
    answer = answers.from_origin(got.status, got.reason, fields, x_cache)
    declared = conditions.get(got.fields, "content-length")
    if method == "HEAD" and declared is not None:
        answer.fields.append(("content-length", declared))
    if isinstance(got.body, BytesBody):
        answer.body = got.body.data
    else:
        answer.body, answer.length = _Relay(got), got.body.length
    return answer


class _Relay:
    """An origin's body, piece by piece; the connection is given up where the viewer leaves before the end."""

    def __init__(self, got: OriginAnswer) -> None:
        self._pieces = aiter(got.body)
        self._close: Callable[[], None] = got.close

    def __aiter__(self) -> _Relay:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        self._close()


async def _compressed(body: bytes, coding: Coding) -> bytes:
    if len(body) <= COMPRESSED_INLINE_BYTES:
        return _compress(body, coding)
    return await asyncio.to_thread(_compress, body, coding)


def _compress(body: bytes, coding: Coding) -> bytes:
    match coding:
        case "br":
            compressed: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
            return compressed
        case "gzip":
            return gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0)
