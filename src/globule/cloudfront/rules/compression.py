"""Which responses an edge location compresses, and how.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from globule.cloudfront.rules.conditions import get

LEAST_BYTES = 1_000
MOST_BYTES = 10_000_000
STATUSES = frozenset({200, 403, 404})

# "File types that CloudFront compresses", as that page lists them.
CONTENT_TYPES = frozenset(
    [
        "application/dash+xml",
        "application/eot",
        "application/font",
        "application/font-sfnt",
        "application/javascript",
        "application/json",
        "application/opentype",
        "application/otf",
        "application/pkcs7-mime",
        "application/protobuf",
        "application/rss+xml",
        "application/truetype",
        "application/ttf",
        "application/vnd.apple.mpegurl",
        "application/vnd.mapbox-vector-tile",
        "application/vnd.ms-fontobject",
        "application/xhtml+xml",
        "application/xml",
        "application/x-font-opentype",
        "application/x-font-truetype",
        "application/x-font-ttf",
        "application/x-httpd-cgi",
        "application/x-javascript",
        "application/x-mpegurl",
        "application/x-opentype",
        "application/x-otf",
        "application/x-perl",
        "application/x-ttf",
        "font/eot",
        "font/opentype",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/js",
        "text/plain",
        "text/richtext",
        "text/tab-separated-values",
        "text/xml",
        "text/x-component",
        "text/x-java-source",
        "text/x-script",
        "vnd.apple.mpegurl",
    ]
)

Coding = Literal["br", "gzip"]

_ETAG = re.compile(r'(W/)?"[^"\x00-\x20]*"')


def coding(
    *, compress: bool, accepted: str, status: int, fields: Sequence[tuple[str, str]], length: int | None
) -> Coding | None:
    """How to compress a response; None to leave it. `accepted` is the normalised Accept-Encoding of the cache key;
    `length` is its Content-Length, without which nothing is compressed."""
    if not compress or not accepted or status not in STATUSES:
        return None
    if length is None or not LEAST_BYTES <= length <= MOST_BYTES:
        return None
    if get(fields, "content-encoding") is not None:
        return None
    content_type = (get(fields, "content-type") or "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        return None
    return "br" if "br" in accepted.split(",") else "gzip"


def compressed_fields(fields: Sequence[tuple[str, str]], chosen: Coding) -> list[tuple[str, str]]:
    """Headers once the body is compressed: a strong ETag becomes weak, an invalid one goes."""
    result = []
    for name, value in fields:
        if name == "etag":
            match = _ETAG.fullmatch(value)
            if match is None:
                continue
            value = value if match[1] else f"W/{value}"
        if name not in ("content-length", "accept-ranges"):
            result.append((name, value))
    result.append(("content-encoding", chosen))
    if not any(name == "vary" and "accept-encoding" in value.lower() for name, value in result):
        result.append(("vary", "Accept-Encoding"))
    return result
