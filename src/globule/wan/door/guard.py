"""Keeps web pages that a developer happens to visit from driving AWS's APIs through the door.

What a site of this world lets foreign pages do is the site's own business, as on the real internet. But the APIs of
AWS check no signatures here, so a foreign page could do with them whatever it likes. Browsers say where a request
comes from in Origin and Sec-Fetch-Site, which pages cannot forge. Names that a page re-binds to loopback do not
exist in this world, and go nowhere.
"""

from __future__ import annotations

from collections.abc import Callable

from globule.wan.door.addressing import LOCALHOST, is_door
from globule.wire.http import Request
from globule.world.aws_names import PUBLIC_SERVICES, parse_aws_name

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def is_aws_api(name: str) -> bool:
    """Whether the name is of an API of AWS, S3 included, rather than of a site that AWS serves."""
    aws_name = parse_aws_name(name)
    return aws_name is not None and aws_name.service not in PUBLIC_SERVICES


def foreign_page(request: Request, name: str, *, exists: Callable[[str], bool]) -> str | None:
    """Where the foreign page is that sends this request to an API of AWS; None where none does."""
    if not is_aws_api(name) or (_is_s3(name) and request.method in _SAFE_METHODS):
        return None
    origin = request.headers.get("origin")
    if origin is None:
        return "another site" if request.headers.get("sec-fetch-site") == "cross-site" else None
    host = origin.partition("://")[2].rpartition(":")[0] or origin.partition("://")[2]
    if host and (is_door(host) or host.endswith(f".{LOCALHOST}") or exists(host)):
        return None
    return origin


def _is_s3(name: str) -> bool:
    aws_name = parse_aws_name(name)
    return aws_name is not None and aws_name.service in ("s3", "s3-accelerate")
