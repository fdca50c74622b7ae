"""Which loopback address and port everything listens on.

Doors have 127.0.0.1. On Linux the whole of 127.0.0.0/8 is loopback, so every region, edge location, accelerator
and name server also has an address of its own, on the internet port: a DNS answer is an address that one can
connect to. The numbers follow from a place's position in its catalogue and are not stored anywhere.
"""

from __future__ import annotations

import msgspec

DOORS = "127.0.0.1"


class Ports(msgspec.Struct, frozen=True):
    """The doors of one world; `base` moves them together."""

    base: int = 4500

    @property
    def dns(self) -> int:
        return self.base + 53

    @property
    def endpoint(self) -> int:
        return self.base + 66

    @property
    def internet(self) -> int:
        return self.base + 80

    @property
    def internet_secure(self) -> int:
        """The internet's door for TLS, without a proxy."""
        return self.base + 43

    @property
    def console(self) -> int:
        return self.base + 90


def region_address(number: int) -> str:
    """Loopback address of the region with that number in `world.regions_catalogue`, from 0."""
    return f"127.10.{number}.1"


def edge_location_address(number: int) -> str:
    """Loopback address of the edge location with that number in its catalogue, from 0."""
    return f"127.20.{number}.1"


def city_address(number: int) -> str:
    """Loopback address of a client in the city with that number in its catalogue, from 0.

    Every place has a network of 256 addresses, because that is what resolvers send in EDNS Client Subnet (RFC 7871,
    section 11.1)."""
    return f"127.{40 + number // 256}.{number % 256}.1"


def accelerator_address(number: int, which: int) -> str:
    """One of the two anycast addresses (`which` is 0 or 1) of the accelerator with that number."""
    return f"127.30.{number}.{which + 1}"
