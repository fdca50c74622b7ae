"""The headers that CloudFront makes from what it knows of a viewer
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html).

Where the viewer stands is its place. What a map of cities does not hold (ASN, postal code, metro code, region, time
zone, TLS fingerprints) is left out, as CloudFront leaves out what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from globule.world.places import Place

# What a device says of itself. More than one may hold: "If the device is a tablet, both can be true".
_TABLET = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Nexus (?:7|9|10)|Android(?!.*Mobile)")
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Opera Mini|IEMobile")
_SMART_TV = re.compile(r"Smart-?TV|SmartTV|AppleTV|GoogleTV|HbbTV|Roku|BRAVIA|AFT[A-Z]|CrKey|Tizen.*TV|Web0S|NetCast")
_IOS = re.compile(r"iPhone|iPad|iPod")
_ANDROID = re.compile(r"Android")


class Viewer(Protocol):
    @property
    def place(self) -> Place: ...

    @property
    def address(self) -> str: ...

    @property
    def scheme(self) -> str: ...

    @property
    def port(self) -> int: ...


def viewer_header(name: str, viewer: Viewer, user_agent: str) -> str | None:
    """`name` in lower case. None where CloudFront has nothing to say."""
    make = _MAKERS.get(name)
    return None if make is None else make(viewer, user_agent)


def _truth(value: object) -> str:
    return "true" if value else "false"


def _is_desktop(user_agent: str) -> bool:
    return not (_TABLET.search(user_agent) or _MOBILE.search(user_agent) or _SMART_TV.search(user_agent))


_MAKERS: Mapping[str, Callable[[Viewer, str], str]] = {
    "cloudfront-is-android-viewer": lambda viewer, agent: _truth(_ANDROID.search(agent)),
    "cloudfront-is-desktop-viewer": lambda viewer, agent: _truth(_is_desktop(agent)),
    "cloudfront-is-ios-viewer": lambda viewer, agent: _truth(_IOS.search(agent)),
    "cloudfront-is-mobile-viewer": lambda viewer, agent: _truth(_MOBILE.search(agent)),
    "cloudfront-is-smarttv-viewer": lambda viewer, agent: _truth(_SMART_TV.search(agent)),
    "cloudfront-is-tablet-viewer": lambda viewer, agent: _truth(_TABLET.search(agent)),
    "cloudfront-forwarded-proto": lambda viewer, agent: viewer.scheme,
    "cloudfront-viewer-address": lambda viewer, agent: f"{viewer.address}:{viewer.port}",
    "cloudfront-viewer-city": lambda viewer, agent: _header_text(viewer.place.city or viewer.place.title),
    "cloudfront-viewer-country": lambda viewer, agent: viewer.place.country,
    "cloudfront-viewer-http-version": lambda viewer, agent: "1.1",
    "cloudfront-viewer-latitude": lambda viewer, agent: f"{viewer.place.latitude:.5f}",
    "cloudfront-viewer-longitude": lambda viewer, agent: f"{viewer.place.longitude:.5f}",
}


def _header_text(text: str) -> str:
    """A header holds latin-1; CloudFront sends the UTF-8 bytes of a city's name as they are."""
    return text.encode().decode("latin-1")
