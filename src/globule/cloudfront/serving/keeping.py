"""What becomes of an origin's answer: kept whole, kept as a part, kept while it still arrives, or only passed on."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import msgspec

from globule.cloudfront.rules import compression, conditions, ranges, responses
from globule.cloudfront.rules.compression import Coding
from globule.cloudfront.rules.failures import OriginFailure
from globule.cloudfront.rules.key import accepted_encodings
from globule.cloudfront.rules.lifetime import Lifetime, lifetime
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.cache import OBJECT_LIMIT_BYTES, Cache, Entry
from globule.cloudfront.serving.compressing import compressed
from globule.cloudfront.serving.errands import Errands
from globule.cloudfront.serving.growing_body import GrowingBody
from globule.cloudfront.serving.origin_exchange import OriginAnswer
from globule.cloudfront.serving.origins import OriginFailed
from globule.cloudfront.serving.relaying import relayed
from globule.cloudfront.serving.wanted import Wanted
from globule.host.clock import Clock
from globule.host.http_client import BodyInterrupted
from globule.wire.http import BytesBody
from globule.wire.http_head import MalformedMessage

Fields = list[tuple[str, str]]


class Growing(msgspec.Struct, frozen=True, kw_only=True):
    """A response that is still arriving, for those who asked for it meanwhile."""

    status: int
    reason: str
    fields: Fields
    length: int | None
    body: GrowingBody


Flight = asyncio.Future[Entry | Growing | None]
"""What a fetch gives to those who wait for it; None where each must ask for itself."""


class Fetch(msgspec.Struct, kw_only=True):
    """One question to the origin whose answer may be kept."""

    wanted: Wanted
    slot: str
    """Under which key the answer is looked for, and others wait for it."""
    flight: Flight | None
    asked_at: float
    received_at: float = 0.0
    invalidations: int
    """Of the cache, when it was asked."""

    @property
    def part(self) -> str | None:
        """The Range header that goes to the origin; None where the whole object is asked for."""
        part = self.slot.removeprefix(f"{self.wanted.key}\n\n")
        return part if part.startswith("bytes=") and part != self.slot else None

    def share(self, result: Entry | Growing | None) -> None:
        if self.flight is not None and not self.flight.done():
            self.flight.set_result(result)


class Keeping:
    def __init__(self, *, cache: Cache, clock: Clock, errands: Errands, flights: dict[str, Flight]) -> None:
        self._cache = cache
        self._clock = clock
        self._errands = errands
        self._flights = flights

    def failure(self, answer: Answer, fetch: Fetch) -> Answer:
        """An origin that gives no answer is an error like any other, kept for its minimum time."""
        fetch.received_at = self._clock.now()
        assert isinstance(answer.body, bytes)
        kept_for = _lifetime(answer.status, answer.fields, fetch)
        if kept_for is not None:
            entry = _entry(fetch, fetch.slot, answer.status, "", answer.fields, answer.body, kept_for)
            self._put(entry, fetch)
            fetch.share(entry)
        return answer

    def revalidated(self, got: OriginAnswer, entry: Entry, fetch: Fetch) -> Answer:
        """The origin says 304."""
        kept = responses.kept_fields(got.fields, forwards_cookies=fetch.wanted.settings.forwards_cookies)
        fields = responses.merged_fields(entry.fields, kept)
        kept_for = _lifetime(entry.status, fields, fetch)
        if kept_for is None:
            self._cache.drop(entry.key)
            answer = answers.from_entry(entry, answers.REFRESH_HIT, fetch.received_at)
            answer.fields, answer.age = fields, None
            return answer
        renewed = _entry(fetch, entry.key, entry.status, entry.reason, fields, entry.body, kept_for)
        self._put(renewed, fetch)
        fetch.share(renewed if kept_for.shared else None)
        return answers.from_entry(renewed, answers.REFRESH_HIT, fetch.received_at)

    async def kept(self, got: OriginAnswer, fetch: Fetch) -> Answer:
        """Keep a response if that is allowed, and answer with it. Raises OriginFailed where its body breaks off."""
        wanted = fetch.wanted
        slot = _slot(got, fetch)
        kept_for = _lifetime(got.status, got.fields, fetch) if slot else None
        length = got.body.length
        if kept_for is None or (length is not None and length > OBJECT_LIMIT_BYTES):
            fetch.share(None)
            return relayed(got, wanted)
        fields = responses.kept_fields(got.fields, forwards_cookies=wanted.settings.forwards_cookies)
        if conditions.get(fields, "date") is None:
            fields.append(("date", formatdate(fetch.received_at, usegmt=True)))
        coding = _coding(got, wanted, fields)
        if coding is None and not isinstance(got.body, BytesBody):
            return self._grow(got, fields, kept_for, fetch, slot)
        try:
            body = await got.body.read(OBJECT_LIMIT_BYTES)
        except (BodyInterrupted, MalformedMessage) as problem:
            raise OriginFailed(OriginFailure.BROKEN, str(problem)) from None
        if coding is not None:
            body, fields = await compressed(body, coding), compression.compressed_fields(fields, coding)
        if wanted.request.method == "HEAD" and (declared := conditions.get(got.fields, "content-length")) is not None:
            fields.append(("content-length", declared))
        entry = _entry(fetch, slot, got.status, got.reason, fields, body, kept_for)
        self._put(entry, fetch)
        fetch.share(entry if kept_for.shared else None)
        x_cache = answers.LAMBDA_GENERATED if got.generated else answers.MISS
        answer = answers.from_origin(got.status, got.reason, fields, x_cache)
        answer.body, answer.age = body, responses.stated_age(got.fields)
        return answer

    def _grow(self, got: OriginAnswer, fields: Fields, kept_for: Lifetime, fetch: Fetch, slot: str) -> Answer:
        """Answer with a body that is still arriving, and keep it once it is whole."""
        task: asyncio.Task[None] | None = None

        def give_up() -> None:
            if task is not None:
                task.cancel()

        growing = GrowingBody(OBJECT_LIMIT_BYTES, abandoned=give_up)
        shared = Growing(status=got.status, reason=got.reason, fields=fields, length=got.body.length, body=growing)
        answer = joined(shared, answers.MISS)
        fetch.share(shared if kept_for.shared else None)

        async def pump() -> None:
            try:
                async for piece in got.body:
                    await growing.push(piece)
                body = growing.finish()
                if growing.keepable:
                    self._put(_entry(fetch, slot, got.status, got.reason, fields, body, kept_for), fetch)
            except (BodyInterrupted, MalformedMessage) as problem:
                growing.fail(BodyInterrupted(str(problem)))

        def landed(_: asyncio.Task[None]) -> None:
            growing.fail(BodyInterrupted("nobody read it to the end"))  # does nothing after the end
            got.close()
            if fetch.flight is not None and self._flights.get(fetch.slot) is fetch.flight:
                del self._flights[fetch.slot]

        task = self._errands.start(pump())
        task.add_done_callback(landed)  # runs also where the task is cancelled before its first step
        return answer

    def _put(self, entry: Entry, fetch: Fetch) -> None:
        """Keep, unless something was invalidated since it was asked for."""
        if self._cache.invalidations == fetch.invalidations:
            self._cache.put(entry)


def joined(shared: Growing, x_cache: str) -> Answer:
    answer = answers.from_origin(shared.status, shared.reason, shared.fields, x_cache)
    answer.body, answer.length = shared.body.reader(), shared.length
    return answer


def _slot(got: OriginAnswer, fetch: Fetch) -> str:
    """Where an answer is kept; empty where it must not be. A part belongs to the range that was asked for; an origin
    that sends everything instead fills the whole object's place."""
    if got.status == 206:
        is_part = ranges.is_content_range(conditions.get(got.fields, "content-range"))
        return fetch.slot if is_part and fetch.part is not None else ""
    return fetch.slot if fetch.part is None else fetch.wanted.key


def _lifetime(status: int, fields: Fields, fetch: Fetch) -> Lifetime | None:
    return lifetime(
        status,
        fields,
        fetch.wanted.settings.ttls,
        asked_at=fetch.asked_at,
        received_at=fetch.received_at,
        error_minimum=fetch.wanted.configuration.error_minimum_ttl(status),
    )


def _coding(got: OriginAnswer, wanted: Wanted, fields: Fields) -> Coding | None:
    if wanted.request.method != "GET":
        return None
    return compression.coding(
        compress=wanted.settings.behavior.compress,
        accepted=accepted_encodings(wanted.request.field("accept-encoding"), wanted.settings)[0],
        status=got.status,
        fields=fields,
        length=got.body.length,
    )


def _entry(fetch: Fetch, slot: str, status: int, reason: str, fields: Fields, body: bytes, kept_for: Lifetime) -> Entry:
    wanted = fetch.wanted
    return Entry(
        key=slot,
        distribution_id=wanted.configuration.distribution.id,
        uri=wanted.uri,
        query=wanted.keyed_query,
        status=status,
        reason=reason,
        fields=fields,
        body=body,
        lifetime=kept_for,
    )
