"""Whom a request is for, and where in the world its client stands.

    http://chat.example.com/                     through the door as a proxy, or with this Host: as it is
    http://chat.example.com.tokyo.localhost:4580/   in a browser without settings: from Tokyo
    http://chat.example.com.localhost:4580/         the same from the home city
    http://localhost:4580/                          the door's own page

The client's place is, in this order: the user name that the client gives the proxy (`curl -x
http://tokyo@127.0.0.1:4580`), the X-Globule-From field, the city in the name, the home city.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable

import msgspec

from globule.wire import own_fields
from globule.wire.http import Headers
from globule.world import places
from globule.world.places import Place, UnknownPlace

LOCALHOST = "localhost"


class UnknownCity(Exception):
    """The client says that it is in a city that is not in the catalogue."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """The host name that is wanted, in lower case; empty for the door itself."""
    city: Place
    suffix: str = ""
    """What the door's client has behind the real name, port included (`.tokyo.localhost:4580`); empty for clients
    that use real names."""


def asked(host: str, headers: Headers, *, said: Place | None, home: Place, exists: Callable[[str], bool]) -> Asked:
    """`host` is a Host field or a CONNECT target; `said` is the place that an enclosing tunnel was opened from.

    Raises UnknownCity.
    """
    name, _, port = host.lower().rpartition(":") if _has_port(host) else (host.lower(), "", "")
    name = name.removesuffix(".")
    city = client_city(headers) or said
    if is_door(name):
        return Asked(name="", city=city or home)
    if not name.endswith(f".{LOCALHOST}"):
        return Asked(name=name, city=city or home)
    port = f":{port}" if port else ""
    name = name.removesuffix(f".{LOCALHOST}")
    if exists(name):
        return Asked(name=name, city=city or home, suffix=f".{LOCALHOST}{port}")
    rest, _, last = name.rpartition(".")
    try:
        named = places.city(last)
    except UnknownPlace as error:
        if exists(rest):
            raise UnknownCity(str(error)) from error
        return Asked(name=name, city=city or home, suffix=f".{LOCALHOST}{port}")
    return Asked(name=rest, city=city or named, suffix=f".{last}.{LOCALHOST}{port}")


def client_city(headers: Headers) -> Place | None:
    """Where the client says that it is. Raises UnknownCity."""
    slug = _proxy_user(headers.get("proxy-authorization")) or headers.get(own_fields.FROM)
    if not slug:
        return None
    try:
        return places.city(slug.strip().lower())
    except UnknownPlace as error:
        raise UnknownCity(str(error)) from error


def is_door(name: str) -> bool:
    """Whether a host is the door itself: localhost, or a loopback address that stands for no place."""
    if name in ("", LOCALHOST):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback and places.place_of_address(name) is None
    except ValueError:
        return False


def _has_port(host: str) -> bool:
    return ":" in host and not host.endswith("]")


def _proxy_user(authorization: str | None) -> str | None:
    """The user name of `Basic` credentials (RFC 7617); the password means nothing here."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnknownCity("the proxy credentials are not a city's name") from error
