"""Names that AWS itself answers for, as seen from a place.

Whether such a thing exists is not for DNS to know: the composition root looks it up in the world and says where it is
served. A region that does not run has no names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection

import msgspec

from globule.world import places
from globule.world.aws_names import AwsName
from globule.world.distance import closest
from globule.world.places import Place
from globule.world.snapshot import World

# What CloudFront, API Gateway and load balancers answer with.
OWNED_TTL_SECONDS = 60
# Places that clients have been seen at; all cities, edge locations and regions fit.
_NEAREST_CACHE_SIZE = 1024


class AtEdge(msgspec.Struct, frozen=True):
    """Every edge location serves it; clients are sent to the one with the shortest round trip."""


class InRegion(msgspec.Struct, frozen=True):
    """A region serves it."""

    region: str


Owned = AtEdge | InRegion

OwnedLookup = Callable[[World, AwsName], Owned | None]
"""Where a name of AWS's is served in this world; None where it does not exist."""


def address_for(owned: Owned, *, client: Place, running: Collection[str]) -> str | None:
    """The loopback address that this client is given; None where nothing serves it."""
    match owned:
        case AtEdge():
            return places.address_of(nearest_edge_location(client))
        case InRegion(region=code):
            return places.address_of(places.region(code)) if code in running else None


@functools.lru_cache(maxsize=_NEAREST_CACHE_SIZE)
def nearest_edge_location(client: Place) -> Place:
    """Also where the nearest name server stands: Route 53 answers from edge locations."""
    return closest(client, places.edge_locations())
