"""What a request is for, worked out once, and the visit that asks for it.

Equal heads want the same, so a `Wanted` may serve many requests; what differs between them is in the `Visit`.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from globule.cloudfront.rules import origin_request, selection
from globule.cloudfront.rules.admission import object_path
from globule.cloudfront.rules.configuration import Configuration, Settings
from globule.cloudfront.rules.key import cache_key
from globule.cloudfront.rules.requests import ViewerRequest
from globule.cloudfront.serving.origins import OriginFailed
from globule.host.http_client import ClientResponse
from globule.wire.http import Body

Fields = list[tuple[str, str]]


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a viewer."""

    request_id: str
    trace: str | None
    """The X-Amzn-Trace-Id field."""
    body: Body
    outcome: ClientResponse | OriginFailed | None = None
    """What the origin has answered already."""


class Wanted:
    """A request to one behavior of one distribution, as the viewer sent it or its viewer-request function left it."""

    __slots__ = ("_sent", "cacheable", "configuration", "key", "keyed_query", "request", "settings", "uri")

    def __init__(self, configuration: Configuration, settings: Settings, request: ViewerRequest) -> None:
        self.configuration = configuration
        self.settings = settings
        self.request = request
        self.uri = object_path(request.uri, configuration.distribution.default_root_object)
        """The path of the object."""
        self.cacheable = settings.caching and request.method in settings.behavior.cached_methods
        """Whether the answer may come from the cache and be kept."""
        self.key = cache_key(configuration.distribution.id, settings, request, self.uri) if self.cacheable else ""
        self.keyed_query = selection.query_string(request.query, settings.keyed_query_strings)
        """By which, beside the path, invalidations name the object."""
        self._sent: Fields | None = None

    def sent_fields(self, via: str) -> Fields:
        """What goes to an origin, but for Host, custom headers and the request id."""
        if self._sent is None:
            self._sent = origin_request.origin_fields(self.settings, self.request, cacheable=self.cacheable, via=via)
        return self._sent


class Early(NamedTuple):
    """A request whose origin has answered before its handler began."""

    wanted: Wanted
    request_id: str
    outcome: ClientResponse | OriginFailed
