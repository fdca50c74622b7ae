"""Conditional requests, answered from what is kept (RFC 9110 section 13) and asked of the origin.

"If the object in the edge cache has expired, CloudFront ... determines whether it has the latest version"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-conditional-gets).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from globule.cloudfront.rules.lifetime import http_date

Fields = Sequence[tuple[str, str]]
Field = Callable[[str], str | None]

# RFC 9110 section 15.4.5: what a 304 carries of the response that it stands for. The security and CORS headers that
# policies add go along, since browsers apply those of the 304.
_BODY_ONLY = frozenset({"content-length", "content-type", "content-encoding", "content-range", "accept-ranges"})


def get(fields: Fields, name: str) -> str | None:
    return next((value for key, value in fields if key == name), None)


def not_modified(field: Field, stored: Fields) -> bool:
    """Whether the viewer's copy is the stored one. `field` reads the request's headers; If-None-Match wins over
    If-Modified-Since."""
    wanted = field("if-none-match")
    if wanted is not None:
        etag = get(stored, "etag")
        return wanted.strip() == "*" or (etag is not None and _weak(etag) in map(_weak, _etags(wanted)))
    since = field("if-modified-since")
    if since is None:
        return False
    modified, asked = http_date(get(stored, "last-modified")), http_date(since)
    return modified is not None and asked is not None and modified <= asked


def revalidation_fields(stored: Fields) -> list[tuple[str, str]]:
    """The conditions that ask the origin whether a stored response still holds; none where it cannot be asked."""
    found = []
    etag, modified = get(stored, "etag"), get(stored, "last-modified")
    if etag is not None:
        found.append(("if-none-match", etag))
    if modified is not None:
        found.append(("if-modified-since", modified))
    return found


def not_modified_fields(fields: Fields) -> list[tuple[str, str]]:
    return [field for field in fields if field[0] not in _BODY_ONLY]


def range_still_applies(condition: str | None, stored: Fields) -> bool:
    """If-Range (RFC 9110 section 13.1.5): the range counts only while the stored response is the one it was meant
    for; by strong comparison, or by the exact date."""
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == get(stored, "etag") and not condition.startswith("W/")
    return condition == get(stored, "last-modified")


def _etags(value: str) -> list[str]:
    """Entity tags of a list; a comma inside the quotes belongs to the tag."""
    tags, rest = [], value.strip()
    while rest:
        start = rest.find('"')
        end = rest.find('"', start + 1)
        if start < 0 or end < 0:
            break
        prefix = "W/" if rest[:start].strip(", \t").endswith("W/") else ""
        tags.append(prefix + rest[start : end + 1])
        rest = rest[end + 1 :]
    return tags


def _weak(etag: str) -> str:
    return etag.removeprefix("W/")
