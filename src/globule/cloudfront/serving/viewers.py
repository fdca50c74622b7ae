"""Reading a viewer's request: who asks, from where, and what of it is for CloudFront.

The internet door says where its client is, beside the world's key; without the right key a viewer stands at the edge
location itself, and speaks HTTPS as far as protocol policies are concerned, since all of this is plain loopback.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Sequence

from globule.cloudfront.rules.header_lists import end_to_end
from globule.cloudfront.rules.requests import Viewer, ViewerRequest
from globule.wire import own_fields
from globule.world import places
from globule.world.places import Place, UnknownPlace
from globule.world.subnets import client_subnet

Fields = Sequence[tuple[str, str]]


class Viewers:
    """The viewers of one edge location."""

    def __init__(self, place: Place, key: str) -> None:
        self._key = key
        self._local = Viewer(place=place, address=places.address_of(place), scheme="https")

    def request(self, method: str, target: str, fields: Fields) -> ViewerRequest:
        uri, _, query = target.partition("?")
        return ViewerRequest(
            method=method,
            uri=uri,
            query=query,
            fields=tuple(field for field in end_to_end(fields) if field[0] not in own_fields.ALL),
            viewer=self.viewer(fields),
        )

    def viewer(self, fields: Fields) -> Viewer:
        said = dict(field for field in fields if field[0] in own_fields.ALL)
        if not said or not hmac.compare_digest(said.get(own_fields.KEY, "").encode(), self._key.encode()):
            return self._local
        place = self._local.place
        # The door checks names; a city that only its version knows is no reason to fail a request.
        with contextlib.suppress(UnknownPlace):
            place = places.place(said.get(own_fields.FROM, place.name))
        return Viewer(
            place=place,
            address=_address(place),
            scheme="http" if said.get(own_fields.SCHEME) == "http" else "https",
        )


def _address(place: Place) -> str:
    """A client's IP address: the first of its city's network, by which DNS places it too."""
    if place.kind == "city":
        return client_subnet(place).rpartition(".")[0] + ".1"
    return places.address_of(place)
