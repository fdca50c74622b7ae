"""Names to endpoints, as seen from a place. `route53` implements it; the edge and the internet door use it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from globule.host.network import Address
from globule.world.places import Place


class NameNotFound(Exception):
    """NXDOMAIN, or a name without addresses."""


class Endpoint(msgspec.Struct, frozen=True):
    """A socket address, and where on Earth it stands."""

    address: Address
    place: Place


class Resolver(Protocol):
    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        """Ask as a resolver that stands at `source`, whose cache keeps answers for their TTL; a miss pays the
        round trip to the name server. The first endpoint is the preferred one.

        Raises NameNotFound, or TimeoutError where the name server cannot be reached.
        """
