"""A client of the regions that stands next to each of them: the AWS endpoint's, and the control plane's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from globule.host.http_client import HttpClient
from globule.host.network import Network
from globule.world.places import UnknownPlace, address_of, region


def regional_client(network: Network, port: int) -> HttpClient[str]:
    """Its keys are region codes; it pays no distance."""

    async def connect(
        protocol_factory: Callable[[], asyncio.Protocol], code: str
    ) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        try:
            host = address_of(region(code))
        except UnknownPlace as error:
            raise OSError(str(error)) from error
        return await network.connect(protocol_factory, (host, port))

    return HttpClient(connect)
