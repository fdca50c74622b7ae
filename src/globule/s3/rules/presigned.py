"""Requests that are signed in their query string, and until when they are good.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
Signatures are not verified; expiry is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from globule.s3.rules.errors import s3_error

# Seven days.
EXPIRES_LIMIT_SECONDS = 604_800


def check_not_expired(query: Mapping[str, str], now: float) -> None:
    """Raises AwsError where the request is presigned, by version 4 or 2, and has expired."""
    if "X-Amz-Signature" in query:
        expires = _signed_at(query) + _period(query)
        details = {"X-Amz-Expires": query["X-Amz-Expires"]}
    elif "Signature" in query and "Expires" in query:
        if not query["Expires"].isdecimal():
            raise s3_error("AccessDenied", f"Invalid date (should be seconds since epoch): {query['Expires']}")
        expires, details = float(query["Expires"]), {}
    else:
        return
    if now > expires:
        raise s3_error("AccessDenied", "Request has expired", **details, Expires=_iso(expires), ServerTime=_iso(now))


def _signed_at(query: Mapping[str, str]) -> float:
    try:
        return datetime.strptime(query.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise s3_error(
            "AuthorizationQueryParametersError",
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ) from None


def _period(query: Mapping[str, str]) -> int:
    text = query.get("X-Amz-Expires", "")
    if not (text.isascii() and text.isdecimal()):
        raise s3_error("AuthorizationQueryParametersError", "X-Amz-Expires should be a number")
    if int(text[:12]) > EXPIRES_LIMIT_SECONDS:
        raise s3_error(
            "AuthorizationQueryParametersError",
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{EXPIRES_LIMIT_SECONDS} seconds",
        )
    return int(text)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
