"""A response on its way to a viewer, before and after it gets the headers that CloudFront adds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from globule.cloudfront.rules import failures
from globule.cloudfront.rules.admission import Redirect
from globule.cloudfront.rules.failures import Refused
from globule.cloudfront.rules.responses import Fields, replayed_fields
from globule.cloudfront.serving.cache import Entry

HIT = "Hit from cloudfront"
MISS = "Miss from cloudfront"
REFRESH_HIT = "RefreshHit from cloudfront"
REDIRECT = "Redirect from cloudfront"
LAMBDA_GENERATED = "LambdaGeneratedResponse from cloudfront"


class Answer(msgspec.Struct, kw_only=True):
    status: int
    reason: str | None = None
    fields: Fields
    body: bytes | AsyncIterator[bytes] = b""
    length: int | None = None
    """Of a streamed body, where it is known."""
    x_cache: str
    age: int | None = None
    """Of a response that was kept."""

    async def abandon(self) -> None:
        """Let go of a body that will not be sent."""
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()


def from_entry(entry: Entry, x_cache: str, now: float) -> Answer:
    return Answer(
        status=entry.status,
        reason=entry.reason,
        fields=list(replayed_fields(entry.fields)),
        body=entry.body,
        x_cache=x_cache if entry.status < 400 else failures.ERROR,
        age=entry.lifetime.age(now),
    )


def from_origin(status: int, reason: str, fields: Sequence[tuple[str, str]], x_cache: str = MISS) -> Answer:
    """Without a body yet."""
    return Answer(
        status=status, reason=reason, fields=list(fields), x_cache=x_cache if status < 400 else failures.ERROR
    )


def refused(refusal: Refused, request_id: str) -> Answer:
    return Answer(
        status=refusal.status,
        fields=[("server", "CloudFront"), ("content-type", "text/html")],
        body=failures.page(refusal.sentence, refusal.status, request_id),
        x_cache=refusal.x_cache,
    )


def redirected(redirect: Redirect) -> Answer:
    return Answer(
        status=redirect.status,
        fields=[("server", "CloudFront"), ("content-type", "text/html"), ("location", redirect.location)],
        x_cache=REDIRECT,
    )
