"""What a bucket is: frozen data, as a template declares it. What is in it lives in the store (`rules.records`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Versioning = Literal["", "Enabled", "Suspended"]
"""Empty: versioning has never been switched on."""


class CorsRule(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html"""

    origins: tuple[str, ...]
    """Each may hold one `*`."""
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    """Each may hold one `*`; compared without regard to case."""
    exposed: tuple[str, ...] = ()
    max_age_seconds: int | None = None


class Website(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html"""

    index: str
    """The name that is appended to an address that ends with a slash."""
    error: str = ""
    """The key of the page that is shown for errors; empty for none."""


class BucketPolicy(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::S3::BucketPolicy"):
    """What of a bucket's policy changes an answer (`rules.callers`)."""

    bucket: str
    allows_listing: bool


class Bucket(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::S3::Bucket"):
    name: str
    versioning: Versioning = ""
    cors: tuple[CorsRule, ...] = ()
    website: Website | None = None
    tags: Mapping[str, str] = {}
