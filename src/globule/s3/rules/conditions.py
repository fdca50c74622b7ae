"""Conditional requests.

Reads: RFC 9110 section 13, with S3's two rules: If-Match that holds makes If-Unmodified-Since moot, and If-None-Match
that holds makes If-Modified-Since moot (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
Writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec

from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import Version
from globule.wire.http import Headers


class NotModified(Exception):
    """The client has this version already: 304."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    match: str | None = None
    none_match: str | None = None
    modified_since: str | None = None
    unmodified_since: str | None = None


def conditions_of(headers: Headers, prefix: str = "") -> Conditions:
    """From the fields `PREFIXif-match` and so on."""
    return Conditions(
        match=headers.get(f"{prefix}if-match"),
        none_match=headers.get(f"{prefix}if-none-match"),
        modified_since=headers.get(f"{prefix}if-modified-since"),
        unmodified_since=headers.get(f"{prefix}if-unmodified-since"),
    )


def check_read(conditions: Conditions, version: Version) -> None:
    """Raises AwsError PreconditionFailed, or NotModified."""
    modified = version.modified_us // 1_000_000
    if conditions.match is not None:
        if not _names(conditions.match, version.etag):
            raise s3_error("PreconditionFailed", Condition="If-Match")
    elif (since := _seconds(conditions.unmodified_since)) is not None and modified > since:
        raise s3_error("PreconditionFailed", Condition="If-Unmodified-Since")
    if conditions.none_match is not None:
        if _names(conditions.none_match, version.etag):
            raise NotModified
    elif (since := _seconds(conditions.modified_since)) is not None and modified <= since:
        raise NotModified


def check_copy(conditions: Conditions, version: Version) -> None:
    """As `check_read`, but a source that the client has already is a failure too."""
    try:
        check_read(conditions, version)
    except NotModified:
        raise s3_error("PreconditionFailed") from None


def check_write(conditions: Conditions, current: Version | None) -> None:
    """`current` is None where there is no object, or a delete marker. Raises AwsError."""
    if conditions.none_match is not None:
        if conditions.none_match.strip() != "*":
            raise s3_error("NotImplemented", "If-None-Match of a write can only be *.")
        if current is not None:
            raise s3_error("PreconditionFailed", Condition="If-None-Match")
    if conditions.match is not None:
        if current is None:
            raise s3_error("NoSuchKey")
        if not _names(conditions.match, current.etag):
            raise s3_error("PreconditionFailed", Condition="If-Match")


def _names(field: str, etag: str) -> bool:
    """Whether a list of entity tags names one. S3 also takes them without quotes."""
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in field.split(","))
    return any(tag in ("*", etag) for tag in tags)


def _seconds(date: str | None) -> float | None:
    """Seconds since the epoch; a date that cannot be read counts as absent (RFC 9110 section 13.1.3)."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
