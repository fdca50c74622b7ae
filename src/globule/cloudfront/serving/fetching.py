"""From a request that may be answered from the cache to an answer: kept, kept but asked again, or fetched.

    find the entry
      fresh                     -> Hit
      stale-while-revalidate    -> Hit, and one request asks in the background
      somebody is fetching it   -> wait; take what comes if it may be shared, else fetch alone
      else                      -> ask the origin, with the entry's validators where there is one
        304                     -> the entry lives on: RefreshHit
        5xx, or no answer       -> the entry stands in where it may: RefreshHit; else the error, kept for a while
        any other answer        -> kept where it may be (`keeping`): Miss

Requests collapse by key as long as nobody's cookies go to the origin
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-traffic-spikes).
"""

from __future__ import annotations

import asyncio
import logging

from globule.cloudfront.rules import conditions
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.cache import Cache, Entry
from globule.cloudfront.serving.errands import Errands
from globule.cloudfront.serving.functions import FunctionRefused
from globule.cloudfront.serving.keeping import Fetch, Flight, Growing, Keeping, joined
from globule.cloudfront.serving.origin_exchange import OriginAnswer, OriginExchange
from globule.cloudfront.serving.origins import OriginFailed
from globule.cloudfront.serving.relaying import relayed
from globule.cloudfront.serving.wanted import Visit, Wanted
from globule.host.clock import Clock

logger = logging.getLogger(__name__)


class Fetching:
    """Everything that one edge location has and gets."""

    def __init__(self, *, cache: Cache, exchange: OriginExchange, clock: Clock, errands: Errands) -> None:
        self._cache = cache
        self._exchange = exchange
        self._clock = clock
        self._errands = errands
        self._flights: dict[str, Flight] = {}
        self._keeping = Keeping(cache=cache, clock=clock, errands=errands, flights=self._flights)

    async def direct(self, wanted: Wanted, visit: Visit) -> Answer:
        """Of a request whose answer is never kept. Raises FunctionRefused."""
        try:
            got = await self._exchange.ask(wanted, visit, [])
        except OriginFailed as failed:
            return failed_answer(failed, wanted, visit)
        return relayed(got, wanted)

    async def hand_shake(self, wanted: Wanted, visit: Visit, extra: list[tuple[str, str]]) -> OriginAnswer | Answer:
        """The origin's 101; or the answer of one that does not switch protocols. Raises FunctionRefused."""
        try:
            got = await self._exchange.ask(wanted, visit, extra)
        except OriginFailed as failed:
            return failed_answer(failed, wanted, visit)
        return got if got.status == 101 and got.response is not None else relayed(got, wanted)

    async def cached(self, wanted: Wanted, visit: Visit, *, range_header: str | None) -> Answer:
        """Of a request whose answer may be kept. `range_header`: one range of bytes that the viewer wants, in its
        shortest form; the answer is that part, or all. Raises FunctionRefused."""
        slot, entry = self._find(wanted, range_header)
        now = self._clock.now()
        if entry is not None:
            if now < entry.fresh_until:
                return answers.from_entry(entry, answers.HIT, now)
            if now < entry.lifetime.stale_while_revalidate_until:
                self._refresh(wanted, visit, slot, entry)
                return answers.from_entry(entry, answers.HIT, now)
        if not wanted.settings.collapses:
            return await self._fetch(wanted, visit, slot, entry, None)
        flight = self._flights.get(slot)
        if flight is None:
            return await self._lead(wanted, visit, slot, entry)
        shared = await asyncio.shield(flight)
        if isinstance(shared, Entry):
            return answers.from_entry(shared, answers.HIT, self._clock.now())
        if shared is not None and shared.body.keepable:
            return joined(shared, answers.HIT)
        return await self._fetch(wanted, visit, slot, entry, None)

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

    async def _lead(self, wanted: Wanted, visit: Visit, slot: str, entry: Entry | None) -> Answer:
        """Fetch, for everybody who asks for the same meanwhile."""
        flight: Flight = asyncio.get_running_loop().create_future()
        self._flights[slot] = flight
        try:
            return await self._fetch(wanted, visit, slot, entry, flight)
        finally:
            if not flight.done():
                flight.set_result(None)
            if not isinstance(flight.result(), Growing):  # which others can join until it has arrived
                del self._flights[slot]

    def _refresh(self, wanted: Wanted, visit: Visit, slot: str, entry: Entry) -> None:
        """Ask in the background, once at a time."""
        if entry.refreshing:
            return
        entry.refreshing = True

        async def ask() -> None:
            try:
                answer = await self._fetch(wanted, visit, slot, entry, None)
                await answer.abandon()
            except FunctionRefused as problem:
                logger.warning("refreshing %s: %s", entry.uri, problem)
            finally:
                entry.refreshing = False

        self._errands.start(ask())

    async def _fetch(
        self, wanted: Wanted, visit: Visit, slot: str, entry: Entry | None, flight: Flight | None
    ) -> Answer:
        extra = conditions.revalidation_fields(entry.fields) if entry is not None and entry.status < 400 else []
        fetch = Fetch(
            wanted=wanted,
            slot=slot,
            flight=flight,
            asked_at=self._clock.now(),
            invalidations=self._cache.invalidations,
        )
        if fetch.part is not None:
            extra.append(("range", fetch.part))
        try:
            got = await self._exchange.ask(wanted, visit, extra)
        except OriginFailed as failed:
            stale = self._stale(wanted, entry, failed.failure.status)
            if stale is not None:
                return stale
            return self._keeping.failure(failed_answer(failed, wanted, visit), fetch)
        fetch.received_at = self._clock.now()
        if got.status == 304 and entry is not None and extra:
            got.close()
            return self._keeping.revalidated(got, entry, fetch)
        if got.status >= 500 and (stale := self._stale(wanted, entry, got.status)) is not None:
            got.close()
            return stale
        try:
            return await self._keeping.kept(got, fetch)
        except OriginFailed as failed:
            return failed_answer(failed, wanted, visit)

    def _stale(self, wanted: Wanted, entry: Entry | None, status: int) -> Answer | None:
        """What was kept stands in for an origin that fails, until it is time to try again."""
        now = self._clock.now()
        if entry is None or entry.status >= 400 or now >= entry.lifetime.stale_if_error_until:
            return None
        retry_at = now + wanted.configuration.error_minimum_ttl(status)
        entry.stand_in_until(min(retry_at, entry.lifetime.stale_if_error_until))
        return answers.from_entry(entry, answers.REFRESH_HIT, now)


def failed_answer(failed: OriginFailed, wanted: Wanted, visit: Visit) -> Answer:
    origins = ", ".join(origin.domain_name for origin in wanted.settings.origins)
    logger.warning("%s %s from %s: %s", wanted.request.method, wanted.uri, origins, failed)
    return answers.refused(failed.failure.refusal(), visit.request_id)
