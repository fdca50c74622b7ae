"""Where the client of a DNS question is, by its address.

Real resolvers look addresses up in a geolocation database; there is none here, and a made-up one would be wrong for
every real network. Instead each city has a private network of its own, which EDNS Client Subnet can name
(`dig +subnet=10.0.17.0/24`), and every place has its loopback network (`dig -b 127.40.17.1`). Anybody else is unknown,
and the caller decides what that means (the world's home city).
"""

from __future__ import annotations

from globule.world import ports
from globule.world.places import Place, place_of_address

# RFC 1918's largest network has room for 65,536 cities. RFC 7871 section 11.1 asks resolvers for 24 bits.
_FIRST_BYTE = 10
SUBNET_BITS = 24


def client_subnet(city: Place) -> str:
    """The network of clients in that city, such as `10.0.17.0/24`."""
    assert city.kind == "city", city
    return f"{_FIRST_BYTE}.{city.number // 256}.{city.number % 256}.0/{SUBNET_BITS}"


def place_of_client(address: str, prefix_bits: int = 32) -> Place | None:
    """The place of an IPv4 client whose first `prefix_bits` are known; None where they name no place."""
    if prefix_bits < SUBNET_BITS:
        return None
    first, _, rest = address.partition(".")
    if first != str(_FIRST_BYTE):
        return place_of_address(address)
    second, _, rest = rest.partition(".")
    third, _, _ = rest.partition(".")
    if not (second.isdecimal() and third.isdecimal()):
        return None
    return place_of_address(ports.city_address(int(second) * 256 + int(third)))
