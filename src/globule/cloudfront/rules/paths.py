"""Path patterns, and how a path is read for them.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html#DownloadDistValuesPathPattern:
`*` is zero or more characters, `?` exactly one; case matters, the leading slash is optional, the query string plays
no part. "CloudFront normalizes URI paths consistent with RFC 3986 and then matches the path with the correct cache
behavior"; what goes to the origin is the path as it came.
"""

from __future__ import annotations

import re

_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def compile_pattern(pattern: str) -> re.Pattern[str]:
    if not pattern.startswith(("/", "*")):
        pattern = "/" + pattern
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(character, re.escape(character)) for character in pattern), re.DOTALL)


def normalised(path: str) -> str:
    """RFC 3986 section 6.2.2: percent-encoding of unreserved characters is undone, the rest of it in capitals;
    dot segments are removed."""
    if "%" in path:
        path = _ENCODED.sub(_decode_unreserved, path)
    return _remove_dot_segments(path) if "/." in path else path


def _decode_unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _remove_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
