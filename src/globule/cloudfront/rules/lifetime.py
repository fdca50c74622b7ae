"""How long an edge location keeps a response.

The table is "Specifying the amount of time that CloudFront caches objects"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html), the errors are "How CloudFront
caches HTTP 4xx and 5xx status codes" (.../HTTPStatusCodes.html), ages are RFC 9111 section 4.2.3. Where CloudFront
departs from the RFC it does so here too: there are no heuristics but the default TTL, a minimum TTL above zero wins
over no-store, Vary and the viewer's own Cache-Control play no part.

Times are seconds; instants are seconds since the epoch.
"""

from __future__ import annotations

import math
from calendar import timegm
from collections.abc import Sequence
from email.utils import parsedate_tz

import msgspec

Fields = Sequence[tuple[str, str]]

# Kept whatever they say; kept only with max-age or s-maxage.
ERRORS_KEPT = frozenset({404, 414, 500, 501, 502, 503, 504})
ERRORS_KEPT_IF_ASKED = frozenset({400, 403, 405, 412, 415})
# "If the origin returns 307 or 308 ... CloudFront caches it only if it has a Cache-Control header".
REDIRECTS_KEPT_IF_ASKED = frozenset({307, 308})


class Ttls(msgspec.Struct, frozen=True, kw_only=True):
    minimum: float
    default: float
    maximum: float


class Lifetime(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done with a response that is kept."""

    fresh_until: float
    """Until this instant it is served without asking."""
    stale_while_revalidate_until: float
    """Until this instant it is served while one request asks."""
    stale_if_error_until: float
    """Until this instant it stands in for an origin that fails."""
    initial_age: float
    """Its age at `received_at`."""
    received_at: float
    shared: bool
    """Whether requests that waited for it may have it: not where it forbids caching and the minimum TTL is 0."""

    def age(self, now: float) -> int:
        return int(max(0.0, self.initial_age + now - self.received_at))


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """A response's Cache-Control."""

    present: bool = False
    max_age: float | None = None
    s_maxage: float | None = None
    no_store: bool = False
    private: bool = False
    no_cache: bool = False
    must_revalidate: bool = False
    stale_while_revalidate: float = 0.0
    stale_if_error: float | None = None
    own_fields: frozenset[str] = frozenset()
    """Headers that `no-cache="..."` and `private="..."` name: for the first viewer only."""

    @property
    def forbids(self) -> bool:
        return self.no_store or self.private or self.no_cache


def directives(fields: Fields) -> Directives:
    """Reads Cache-Control. A number that is not one counts as 0: better asked too often than stale (RFC 9111
    section 4.2.1). Of two the first counts."""
    found: dict[str, str | None] = {}
    values = [value for name, value in fields if name == "cache-control"]
    for part in _split(",".join(values)):
        name, _, argument = part.partition("=")
        found.setdefault(name.strip().lower(), argument.strip().strip('"') if "=" in part else None)
    no_cache, private = _names(found.get("no-cache")), _names(found.get("private"))
    return Directives(
        present=bool(values),
        max_age=_seconds(found, "max-age"),
        s_maxage=_seconds(found, "s-maxage"),
        no_store="no-store" in found,
        private="private" in found and not private,
        no_cache="no-cache" in found and not no_cache,
        must_revalidate="must-revalidate" in found or "proxy-revalidate" in found,
        stale_while_revalidate=_seconds(found, "stale-while-revalidate") or 0.0,
        stale_if_error=_seconds(found, "stale-if-error"),
        own_fields=no_cache | private,
    )


def _names(value: str | None) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in (value or "").split(",") if name.strip())


def _split(value: str) -> list[str]:
    """At commas outside quotes."""
    if '"' not in value:
        return [part for part in map(str.strip, value.split(",")) if part]
    parts, quoted, part = [], False, ""
    for character in value:
        if character == '"':
            quoted = not quoted
        if character == "," and not quoted:
            parts.append(part)
            part = ""
        else:
            part += character
    return [part.strip() for part in (*parts, part) if part.strip()]


def _seconds(found: dict[str, str | None], name: str) -> float | None:
    if name not in found:
        return None
    argument = found[name]
    return float(argument) if argument and argument.isascii() and argument.isdigit() else 0.0


def http_date(value: str | None) -> float | None:
    """An HTTP date as an instant, in any of the three forms of RFC 9110 section 5.6.7; None where it is not one.
    They are all in GMT, and the oldest (`Sun Nov  6 08:49:37 1994`) does not say so."""
    parts = None if value is None else parsedate_tz(value)
    if value is None or parts is None:
        return None
    end = value.rstrip().rpartition(" ")[2]
    if not (end.isdigit() or end.upper() in ("GMT", "UTC")):
        return None
    try:
        return float(timegm(parts[:9]))
    except (ValueError, OverflowError):
        return None


def _get(fields: Fields, name: str) -> str | None:
    return next((value for key, value in fields if key == name), None)


def lifetime(
    status: int, fields: Fields, ttls: Ttls, *, asked_at: float, received_at: float, error_minimum: float
) -> Lifetime | None:
    """None where the response must not be kept. `error_minimum` is the distribution's for this status."""
    said = directives(fields)
    date = http_date(_get(fields, "date"))
    age = _initial_age(fields, date, asked_at=asked_at, received_at=received_at)
    asked_for = _asked_for(fields, said, date, received_at=received_at)
    if status >= 400:
        kept = _error_seconds(status, asked_for, said, ttls, age, error_minimum)
    elif status in REDIRECTS_KEPT_IF_ASKED and not said.present:
        kept = None
    else:
        kept = _fresh_seconds(asked_for, said, ttls, age, fields)
    if kept is None:
        return None
    fresh_until = received_at + kept
    no_stale = said.forbids and ttls.minimum == 0
    revalidate = 0.0 if said.must_revalidate or no_stale else min(said.stale_while_revalidate, ttls.maximum)
    if status >= 400 or no_stale:
        stale_if_error = 0.0
    else:
        stale_if_error = math.inf if said.stale_if_error is None else min(said.stale_if_error, ttls.maximum)
    refused = said.forbids or asked_for == 0
    return Lifetime(
        fresh_until=fresh_until,
        stale_while_revalidate_until=fresh_until + revalidate,
        stale_if_error_until=fresh_until + stale_if_error,
        initial_age=age,
        received_at=received_at,
        shared=not (refused and ttls.minimum == 0 and status < 400),
    )


def _asked_for(fields: Fields, said: Directives, date: float | None, *, received_at: float) -> float | None:
    """How long the origin wants it kept, counted from the origin's answer; None where it does not say."""
    if said.s_maxage is not None:
        return said.s_maxage
    if said.max_age is not None:
        return said.max_age
    expires = _get(fields, "expires")
    if expires is None:
        return None
    instant = http_date(expires)
    return 0.0 if instant is None else max(0.0, instant - (received_at if date is None else date))


def _fresh_seconds(asked_for: float | None, said: Directives, ttls: Ttls, age: float, fields: Fields) -> float | None:
    if said.no_store or said.private:
        return ttls.minimum if ttls.minimum > 0 else None
    if said.no_cache or _get(fields, "vary") == "*":
        return ttls.minimum
    if asked_for is None:
        return max(ttls.minimum, ttls.default)
    return max(ttls.minimum, min(asked_for, ttls.maximum) - age)


def _error_seconds(
    status: int, asked_for: float | None, said: Directives, ttls: Ttls, age: float, error_minimum: float
) -> float | None:
    """ "The greater of the error caching minimum TTL and what the origin says", never shortened by no-store."""
    asked = said.max_age is not None or said.s_maxage is not None
    if status not in ERRORS_KEPT and not (status in ERRORS_KEPT_IF_ASKED and asked):
        return None
    return max(error_minimum, min(asked_for or 0.0, ttls.maximum) - age)


def _initial_age(fields: Fields, date: float | None, *, asked_at: float, received_at: float) -> float:
    """RFC 9111 section 4.2.3: corrected_initial_age."""
    value = (_get(fields, "age") or "0").split(",")[0].strip()
    stated = float(value) if value.isascii() and value.isdigit() else 0.0
    apparent = 0.0 if date is None else max(0.0, received_at - date)
    # A Date has whole seconds: an answer of this second is not old.
    return max(0.0 if apparent < 1.0 else apparent, stated + (received_at - asked_at))
