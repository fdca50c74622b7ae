"""Real names in messages, for browsers that see names under `.localhost`, and fields that end at the door.

A service knows itself as `chat.example.com`; the browser knows it as `chat.example.com.tokyo.localhost:4580`. What
the browser says of where it comes from is put into real names on the way in; redirects, cookies' domains and allowed
origins are put into the browser's names on the way out. Bodies are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from globule.wire import own_fields
from globule.wire.http import Headers

# RFC 9110 section 7.6.1, and what clients say to proxies; `upgrade` and its `connection` are put back for WebSockets.
_ENDS_HERE = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    )
)
_URL = re.compile(r"(https?)://([^/?#:]+)(?::(\d+))?(?=[/?#]|$)", re.IGNORECASE)
_DOMAIN = re.compile(r"(;\s*domain\s*=\s*)\.?([^;\s]+)", re.IGNORECASE)
# For names that are not real these would pin the browser to ports and protocols that are not there.
_NOT_FOR_LOCAL_NAMES = frozenset(("strict-transport-security", "alt-svc"))


class LocalNames(msgspec.Struct, frozen=True, kw_only=True):
    """How a browser's names and real names correspond."""

    suffix: str
    """Behind every real name, such as `.tokyo.localhost:4580`."""
    scheme: str
    """What the browser speaks to the door."""
    exists: Callable[[str], bool]
    """Whether a real name is one of this world."""

    def to_real(self, url: str) -> str:
        """A URL or origin of the browser's, in the service's terms. The browser treats names under `.localhost` as
        secure, and so does the service."""
        found = _URL.match(url)
        if found is None:
            return url
        host = f"{found[2].lower()}:{found[3]}" if found[3] else found[2].lower()
        if not host.endswith(self.suffix):
            return url
        return f"https://{host.removesuffix(self.suffix)}{url[found.end() :]}"

    def to_local(self, url: str) -> str:
        """A URL or origin of the service's, in the browser's terms; of names outside of this world, as it is."""
        found = _URL.match(url)
        if found is None or found[3] not in (None, "80", "443") or not self.exists(found[2].lower()):
            return url
        return f"{self.scheme}://{found[2].lower()}{self.suffix}{url[found.end() :]}"

    def cookie(self, cookie: str) -> str:
        """A Set-Cookie value whose Domain is the browser's."""
        host = self.suffix.partition(":")[0]
        return _DOMAIN.sub(lambda found: f"{found[1]}{found[2].lower()}{host}", cookie, count=1)


def request_fields(headers: Headers, *, host: str, local: LocalNames | None) -> Headers:
    """What goes on to the service."""
    dropped = _ends_here(headers) | own_fields.ALL
    fields = [("host", host)]
    for name, value in headers:
        if name in dropped or name == "host":
            continue
        if local is not None and name in ("origin", "referer"):
            value = local.to_real(value)
        fields.append((name, value))
    return Headers(fields)


def response_fields(headers: Headers, *, local: LocalNames | None) -> Headers:
    """What goes back to the client."""
    dropped = _ends_here(headers)
    fields = []
    for name, value in headers:
        if name in dropped or (local is not None and name in _NOT_FOR_LOCAL_NAMES):
            continue
        if local is not None:
            if name in ("location", "content-location", "access-control-allow-origin"):
                value = local.to_local(value)
            elif name == "set-cookie":
                value = local.cookie(value)
        fields.append((name, value))
    return Headers(fields)


def upgrade_wanted(headers: Headers) -> str | None:
    """The protocol that a client wants to change to (RFC 9110 section 7.8)."""
    options = {option.strip().lower() for value in headers.all("connection") for option in value.split(",")}
    return headers.get("upgrade") if "upgrade" in options else None


def _ends_here(headers: Headers) -> frozenset[str]:
    listed = {option.strip().lower() for value in headers.all("connection") for option in value.split(",")}
    return _ENDS_HERE | listed
