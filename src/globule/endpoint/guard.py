"""Keeps web pages that a developer happens to visit away from the AWS APIs.

A page can make a browser send requests to loopback, directly or through a name that it re-binds to 127.0.0.1. The
first shows in the Origin and Sec-Fetch-Site fields, which pages cannot forge; the second in the Host field. AWS's
own clients send neither, and name either a loopback address or an AWS host.
"""

from __future__ import annotations

import re

from globule.wire.http import Headers, Request

_PORT = re.compile(r":\d+$")
_AWS_SUFFIXES = (".amazonaws.com", ".on.aws")


def refusal(request: Request) -> str | None:
    """Why this request must not reach an AWS API; None where it may."""
    if not _is_local(request.host) and not request.host.endswith(_AWS_SUFFIXES):
        return f"Host {request.host!r} is neither a loopback name nor an AWS endpoint"
    return cross_site(request.headers)


def cross_site(headers: Headers) -> str | None:
    """Why a request from a web page must be refused; None where no foreign page sent it."""
    for origin in headers.all("origin"):
        if not _is_local(_PORT.sub("", origin.partition("://")[2]).lower()):
            return f"requests from pages of {origin} are not accepted"
    if "origin" not in headers and headers.get("sec-fetch-site") == "cross-site":
        return "requests from pages of other sites are not accepted"
    return None


def _is_local(host: str) -> bool:
    return host in ("localhost", "[::1]") or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts)
