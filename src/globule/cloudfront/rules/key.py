"""The cache key: distribution, path, and what the cache policy adds. Nothing else tells two requests apart.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
"""

from __future__ import annotations

from globule.cloudfront.rules import selection
from globule.cloudfront.rules.configuration import Settings
from globule.cloudfront.rules.requests import ViewerRequest


def cache_key(distribution_id: str, settings: Settings, request: ViewerRequest, uri: str) -> str:
    """`uri` is the object's path. One line a part; no part can hold a line feed, so equal keys mean equal parts.
    HEAD is answered from what GET stored, so both have one key; OPTIONS has its own."""
    parts = [
        distribution_id,
        "OPTIONS" if request.method == "OPTIONS" else "",
        uri,
        selection.query_string(request.query, settings.keyed_query_strings),
    ]
    for name in settings.keyed_headers:
        value = request.field(name)
        parts.append(f"{name}:{value}" if value is not None else name)
    if settings.keyed_cookies.behavior != "none":
        parts.append("cookie:" + selection.cookies(request.fields_named("cookie"), settings.keyed_cookies))
    if settings.gzip or settings.brotli:
        parts.append(accepted_encodings(request.field("accept-encoding"), settings)[0])
    return "\n".join(parts)


def accepted_encodings(header: str | None, settings: Settings) -> tuple[str, str | None]:
    """Accept-Encoding, normalised: what is keyed, and what is sent to the origin (None: no such header)."""
    if header is None:
        return "", None
    accepted = {
        name.strip().lower()
        for name, _, parameters in (part.partition(";") for part in header.split(","))
        if parameters.replace(" ", "").rstrip("0.") != "q="
    }
    codings = [
        name for name, wanted in (("br", settings.brotli), ("gzip", settings.gzip)) if wanted and name in accepted
    ]
    keyed = ",".join(codings)
    return keyed, keyed or "identity"
