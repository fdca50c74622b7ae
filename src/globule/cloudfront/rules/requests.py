"""A request as a viewer sent it, and who the viewer is."""

from __future__ import annotations

from typing import Literal

import msgspec

from globule.cloudfront.rules.viewer_headers import viewer_header
from globule.world.places import Place


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, from where, and how."""

    place: Place
    address: str
    """What is shown as the client's IP address."""
    scheme: Literal["http", "https"]
    port: int = 443


class ViewerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` have lower-case names; what only this house understands is already taken out."""

    method: str
    uri: str
    """The path as it came, percent-encoding included."""
    query: str
    """Without the question mark."""
    fields: tuple[tuple[str, str], ...]
    viewer: Viewer

    def field(self, name: str) -> str | None:
        """The value of a header, in lower case; of several, joined. CloudFront's own ones (`cloudfront-...`) are made
        from the viewer, whatever the viewer itself claims."""
        if name.startswith("cloudfront-"):
            return viewer_header(name, self.viewer, self.field("user-agent") or "")
        values = self.fields_named(name)
        return ", ".join(values) if values else None

    def fields_named(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]
