"""A region goes down: clients that go through the door are answered by the next one, as soon as AWS's arithmetic says.

Two regions with latency records and health checks, real probes, real DNS answers, real requests; only the distance is
off and the waiting is scaled.
"""

from __future__ import annotations

import asyncio
import http.client
from typing import Any

from globule.host.entropy import SeededEntropy
from globule.host.http_server import Server, serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.route53.model import HealthCheck, HostedZone, Latency, RecordSet
from globule.route53.rules.health import CHECKER_REGIONS
from globule.route53.serving.service import Route53
from globule.wan.dialer import Dialer
from globule.wan.door.door import InternetDoor
from globule.wan.links import Links
from globule.wire.http import Request, Response
from globule.world import places
from globule.world.snapshot import Deployed, Scales, World

TIME = 0.02
INTERVAL_SECONDS, THRESHOLD, TTL_SECONDS = 10, 3, 60
# The machine is shared: what the arithmetic allows, and this much for everybody else's work.
GRACE_SECONDS = 1.0


def address(region: str) -> str:
    return places.address_of(places.region(region))


def world(port_base: int) -> World:
    resources: list[Any] = [HostedZone(id="Z1", name="example.com", name_servers=("ns-1.awsdns-01.com",))]
    for region in ("eu-west-1", "us-east-1"):
        resources += [
            HealthCheck(
                id=f"check-{region}",
                kind="HTTP",
                address=address(region),
                path="/health",
                interval_seconds=INTERVAL_SECONDS,
                failure_threshold=THRESHOLD,
                regions=CHECKER_REGIONS,
            ),
            RecordSet(
                name="chat.example.com",
                record_type="A",
                zone_id="Z1",
                ttl_seconds=TTL_SECONDS,
                policy=Latency(region),
                set_identifier=region,
                values=(address(region),),
                health_check=f"check-{region}",
            ),
        ]
    return World(
        port_base=port_base,
        regions=("eu-west-1", "us-east-1"),
        scales=Scales(wan=0, time=TIME),
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate(resources)
        ),
    )


async def listen(region: str, port: int) -> Server:
    async def handle(request: Request) -> Response:
        return Response(status=200, body=region.encode())

    return await serve(LoopbackNetwork(), (address(region), port), handle)


async def get(port: int) -> str:
    """What a new client in London gets; the status where it is not a page."""

    def ask() -> str:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "http://chat.example.com/", headers={"X-Globule-From": "london"})
        response = client.getresponse()
        body = response.read().decode()
        client.close()
        return body if response.status == 200 else str(response.status)

    return await asyncio.to_thread(ask)


async def test_a_lost_region_is_left_after_interval_times_threshold_and_ttl_and_found_again() -> None:
    loop = asyncio.get_running_loop()
    virginia = await listen("us-east-1", 0)
    port = virginia.address[1]
    ireland = await listen("eu-west-1", port)
    network, links = LoopbackNetwork(), Links(world(port - 80))
    dialer = Dialer(network, links)
    route53 = Route53(
        world(port - 80), network=network, dialer=dialer, owned=lambda world, name: None, entropy=SeededEntropy(7)
    )
    door = InternetDoor(
        network=network,
        dialer=dialer,
        resolver=route53.resolver,
        directory=route53.names,
        key="secret",
        tracer=Tracer(),
    )
    await route53.listen(("127.0.0.1", 0))
    await door.listen(("127.0.0.1", 0))
    limit_seconds = (INTERVAL_SECONDS * THRESHOLD + INTERVAL_SECONDS + TTL_SECONDS) * TIME + GRACE_SECONDS
    try:
        assert await get(door.address[1]) == "eu-west-1"

        lost = loop.time()
        await ireland.aclose()
        seen = await get(door.address[1])
        assert seen == "502", "until the checkers know, clients are sent to the dead region"
        while seen != "us-east-1":
            assert loop.time() - lost < limit_seconds
            seen = await get(door.address[1])

        found = loop.time()
        ireland = await listen("eu-west-1", port)
        while seen != "eu-west-1":
            assert seen == "us-east-1", "coming back costs nobody a request"
            assert loop.time() - found < limit_seconds
            seen = await get(door.address[1])
    finally:
        await door.close()
        await route53.close()
        await asyncio.gather(ireland.aclose(), virginia.aclose())
        dialer.close()
