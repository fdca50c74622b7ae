"""DNS over real sockets, asked by dig and dnspython; the resolver's cache; probes of real servers over distance."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from globule.host.clock import SystemClock
from globule.host.entropy import SeededEntropy
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.route53.model import HealthCheck, HostedZone, Latency, RecordSet, Weighted
from globule.route53.rules.owned import AtEdge, InRegion, Owned
from globule.route53.serving.dns_server import DnsServer
from globule.route53.serving.prober import Prober
from globule.route53.serving.service import Route53
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.wan.naming import NameNotFound
from globule.wire.http import Request, Response
from globule.world import places
from globule.world.aws_names import AwsName
from globule.world.faults import Faults, LinkFault
from globule.world.snapshot import Deployed, Scales, World
from globule.world.subnets import client_subnet

REGIONS = ("us-east-1", "ap-southeast-2", "sa-east-1")
CHECKERS = ("us-east-1", "eu-west-1", "ap-southeast-2")
# Waiting for something that takes milliseconds; only a failure ever waits so long.
PATIENCE_SECONDS = 10.0


def address(region: str) -> str:
    return places.address_of(places.region(region))


def latency(region: str, *, check: str | None = None) -> RecordSet:
    return RecordSet(
        name="chat.example.com",
        record_type="A",
        zone_id="Z1",
        ttl_seconds=60,
        policy=Latency(region),
        set_identifier=region,
        values=(address(region),),
        health_check=check,
    )


def world(*resources: Any, port_base: int = 4500, **more: Any) -> World:
    zone = HostedZone(id="Z1", name="example.com", name_servers=("ns-1.awsdns-01.com",))
    return World(
        port_base=port_base,
        regions=REGIONS,
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate((zone, *resources))
        ),
        **more,
    )


def owned(world: World, name: AwsName) -> Owned | None:
    return AtEdge() if name.service == "cloudfront" else InRegion(name.region or "")


class Running:
    """Route 53 in this process, with its dialer and links."""

    def __init__(self, world: World) -> None:
        self.links = Links(world)
        self.dialer = Dialer(LoopbackNetwork(), self.links)
        self.route53 = Route53(
            world, network=LoopbackNetwork(), dialer=self.dialer, owned=owned, entropy=SeededEntropy(1)
        )

    def follow(self, world: World) -> None:
        self.links.follow(world)
        self.route53.follow(world)


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[Running]:
    it = Running(world)
    try:
        yield it
    finally:
        await it.route53.close()
        it.dialer.close()


@contextlib.asynccontextmanager
async def serving(world: World) -> AsyncIterator[tuple[Running, DnsServer]]:
    async with running(world) as it:
        yield it, await it.route53.listen(("127.0.0.1", 0))


async def dig(server: DnsServer, *arguments: str) -> list[str]:
    """The lines of a short answer."""
    command = ("dig", "+short", "+time=5", "+tries=1", "-p", str(server.address[1]), "@127.0.0.1", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().split("\n")[:-1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody announces what the tests wait for
            await asyncio.sleep(0.01)


# DNS.


async def test_dig_with_a_client_subnet_gets_the_region_nearest_to_the_city() -> None:
    async with serving(world(*map(latency, REGIONS))) as (_, server):
        for city, region in (("sydney", "ap-southeast-2"), ("sao-paulo", "sa-east-1"), ("new-york", "us-east-1")):
            subnet = client_subnet(places.city(city))
            assert await dig(server, "chat.example.com", f"+subnet={subnet}") == [address(region)]
            assert await dig(server, "chat.example.com", f"+subnet={subnet}", "+tcp") == [address(region)]


async def test_dig_from_the_loopback_address_of_a_city_gets_the_region_nearest_to_it() -> None:
    async with serving(world(*map(latency, REGIONS))) as (_, server):
        sydney = places.address_of(places.city("sydney"))
        assert await dig(server, "chat.example.com", "-b", sydney) == [address("ap-southeast-2")]


async def test_a_client_that_does_not_say_where_it_is_stands_in_the_home_city() -> None:
    for home, region in (("sydney", "ap-southeast-2"), ("sao-paulo", "sa-east-1")):
        async with serving(world(*map(latency, REGIONS), home=home)) as (_, server):
            assert await dig(server, "chat.example.com") == [address(region)]
            assert await dig(server, "chat.example.com", "+subnet=203.0.113.0/24") == [address(region)]


async def test_the_answer_says_for_which_network_it_is() -> None:
    async with serving(world(*map(latency, REGIONS))) as (_, server):
        for subnet, scope in ((client_subnet(places.city("tokyo")), 24), ("203.0.113.0/24", 0)):
            option = dns.edns.ECSOption(subnet.partition("/")[0], 24)
            query = dns.message.make_query("chat.example.com", "A", use_edns=0, options=[option])
            reply = await dns.asyncquery.udp(query, "127.0.0.1", port=server.address[1], timeout=5)
            (echoed,) = reply.options
            assert isinstance(echoed, dns.edns.ECSOption)
            assert (echoed.address, echoed.srclen, echoed.scopelen) == (subnet.partition("/")[0], 24, scope)
            assert reply.flags & dns.flags.AA


async def test_an_answer_too_large_for_udp_is_truncated_and_whole_over_tcp() -> None:
    text = RecordSet(
        name="long.example.com", record_type="TXT", zone_id="Z1", ttl_seconds=1, values=(f'"{"x" * 255}" ' * 6,)
    )
    async with serving(world(text)) as (_, server):
        query = dns.message.make_query("long.example.com", "TXT")
        truncated = await dns.asyncquery.udp(query, "127.0.0.1", port=server.address[1], timeout=5)
        whole = await dns.asyncquery.tcp(query, "127.0.0.1", port=server.address[1], timeout=5)
        assert truncated.flags & dns.flags.TC and not truncated.answer
        assert len(whole.answer[0][0].strings) == 6


async def test_questions_on_one_tcp_connection_are_answered_in_order() -> None:
    async with serving(world(*map(latency, REGIONS))) as (_, server):
        reader, writer = await asyncio.open_connection(*server.address)
        queries = [dns.message.make_query(f"n{number}.example.com", "A") for number in range(5)]
        for query in queries:
            wire = query.to_wire()
            writer.write(len(wire).to_bytes(2) + wire)
        for query in queries:
            length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 5))
            reply = dns.message.from_wire(await reader.readexactly(length))
            assert (reply.id, reply.rcode()) == (query.id, dns.rcode.NXDOMAIN)
        writer.close()
        await writer.wait_closed()


async def test_hostile_datagrams_get_an_error_or_nothing_and_the_server_goes_on() -> None:
    async with serving(world(*map(latency, REGIONS))) as (it, server):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.setblocking(False)
            asker.connect(server.address)
            good = dns.message.make_query("chat.example.com", "A").to_wire()
            for silent in (b"", b"\0" * 11, good[:2] + b"\x80" + good[3:]):
                asker.send(silent)
            asker.send(good[:-3])
            formerr = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(asker, 2048), 5))
            asker.send(good[:2] + b"\x10" + good[3:])
            notimp = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(asker, 2048), 5))
            asker.send(good)
            answered = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(asker, 2048), 5))
        assert (formerr.rcode(), notimp.rcode(), answered.rcode()) == (1, 4, 0)
        assert it.route53.statistics()["dns"]["questions"] == 6


async def test_an_answer_is_remembered_only_until_the_world_changes() -> None:
    async with serving(world(latency("us-east-1"))) as (it, server):
        assert await dig(server, "chat.example.com") == [address("us-east-1")]
        it.follow(world(latency("sa-east-1")))
        assert await dig(server, "chat.example.com") == [address("sa-east-1")]


async def test_weighted_answers_are_drawn_anew_for_each_question() -> None:
    records = [
        RecordSet(
            name="w.example.com",
            record_type="A",
            zone_id="Z1",
            ttl_seconds=0,
            policy=Weighted(1),
            set_identifier=str(number),
            values=(f"192.0.2.{number}",),
        )
        for number in range(2)
    ]
    async with serving(world(*records)) as (_, server):
        query = dns.message.make_query("w.example.com", "A")
        seen = set()
        for _ in range(40):
            reply = await dns.asyncquery.udp(query, "127.0.0.1", port=server.address[1], timeout=5)
            seen.add(reply.answer[0][0].address)
        assert seen == {"192.0.2.0", "192.0.2.1"}


async def test_a_taken_port_is_an_error_of_the_operating_system() -> None:
    async with serving(world()) as (it, server):
        with pytest.raises(OSError):
            await DnsServer.listen(it.route53.names, LoopbackNetwork(), server.address)


# The resolver.


async def test_a_miss_pays_a_round_trip_to_the_nearest_edge_location_and_a_hit_nothing() -> None:
    async with running(world(*map(latency, REGIONS))) as it:
        loop = asyncio.get_running_loop()
        sydney = places.city("sydney")
        durations = []
        for _ in range(2):
            start = loop.time()
            (endpoint,) = await it.route53.resolver.resolve("chat.example.com", source=sydney)
            durations.append(loop.time() - start)
            assert endpoint.place == places.region("ap-southeast-2")
            assert endpoint.address == (address("ap-southeast-2"), 4580)
        link = it.links.link(sydney, places.edge_location("SYD"), "internet")
        assert durations[0] >= link.path.round_trip_seconds > durations[1]


async def test_an_answer_is_asked_for_again_after_its_ttl() -> None:
    record = latency("us-east-1")
    async with running(world(record, scales=Scales(wan=0, time=0))) as it:
        london = places.city("london")
        await it.route53.resolver.resolve("chat.example.com", source=london)
        await it.route53.resolver.resolve("chat.example.com", source=london)
        assert it.route53.resolver.statistics()["misses"] == 2


async def test_a_name_that_did_not_exist_is_found_as_soon_as_it_does() -> None:
    async with running(world(scales=Scales(wan=0))) as it:
        london = places.city("london")
        with pytest.raises(NameNotFound, match=r"chat\.example\.com does not exist"):
            await it.route53.resolver.resolve("chat.example.com", source=london)
        it.follow(world(latency("us-east-1"), version=1, scales=Scales(wan=0)))
        (endpoint,) = await it.route53.resolver.resolve("Chat.Example.com.", source=london)
        assert endpoint.place.name == "us-east-1"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out.example.com", "has the address 192.0.2.1, which is outside of this world"),
        ("lost.example.com", "leads to www.example.org, which does not exist"),
        ("bad..name", "a label has 1 to 63 bytes"),
        ("example.com", "exists, but has no address"),
    ],
)
async def test_a_name_without_endpoints_says_why(name: str, why: str) -> None:
    records = [
        RecordSet(name="out.example.com", record_type="A", zone_id="Z1", ttl_seconds=1, values=("192.0.2.1",)),
        RecordSet(
            name="lost.example.com", record_type="CNAME", zone_id="Z1", ttl_seconds=1, values=("www.example.org",)
        ),
    ]
    async with running(world(*records, scales=Scales(wan=0))) as it:
        with pytest.raises(NameNotFound, match=why):
            await it.route53.resolver.resolve(name, source=places.city("london"))


async def test_a_city_cut_off_from_its_name_server_waits_and_fails() -> None:
    faults = Faults(links=(LinkFault(between=("sydney", "*"), cut=True),))
    async with running(world(latency("us-east-1"), faults=faults)) as it:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await it.route53.resolver.resolve("chat.example.com", source=places.city("sydney"))


# Probes.


def checked(kind: str = "HTTP", **more: Any) -> HealthCheck:
    given = {"domain": "chat.example.com", "regions": CHECKERS, "path": "/health", **more}
    return HealthCheck(id="h", kind=kind, **given)


@contextlib.asynccontextmanager
async def region_server(handler: Callable[[Request], Any]) -> AsyncIterator[int]:
    """A server on the address of us-east-1; gives the port base that makes its port the internet's."""

    async def handle(request: Request) -> Response:
        found = handler(request)
        assert isinstance(found, Response)
        return found

    server = await serve(LoopbackNetwork(), (address("us-east-1"), 0), handle)
    try:
        yield server.address[1] - 80
    finally:
        await server.aclose()


@pytest.mark.parametrize(
    ("check", "response", "passed", "why"),
    [
        (checked("TCP"), Response(status=500), True, "connected"),
        (checked("HTTP"), Response(status=302), True, "HTTP status 302"),
        (checked("HTTPS", port=443), Response(status=200), True, "HTTP status 200"),
        (checked("HTTP"), Response(status=404), False, "HTTP status 404"),
        (checked("HTTP_STR_MATCH", search="well"), Response(status=200, body=b"all is well"), True, "in the body"),
        (checked("HTTP_STR_MATCH", search="well"), Response(status=200, body=b"x" * 5118 + b"well"), False, "not in"),
        (checked("HTTP_STR_MATCH", search="well"), Response(status=503, body=b"all is well"), False, "503"),
        (checked("HTTP", address="127.10.0.1", port=1), Response(status=200), False, ""),
        (checked("HTTP", domain="nope.example.com"), Response(status=200), False, "does not exist"),
    ],
)
async def test_a_probe_passes_as_route_53_documents(
    check: HealthCheck, response: Response, passed: bool, why: str
) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return response

    async with (
        region_server(handler) as base,
        running(world(latency("us-east-1"), port_base=base, scales=Scales(wan=0))) as it,
    ):
        prober = Prober(it.route53.names, it.route53.resolver, it.dialer, clock=SystemClock(), entropy=SeededEntropy(1))
        verdict = await prober.probe(check, places.region("eu-west-1"))
        assert verdict.passed == passed
        assert why in verdict.why
        for request in seen:
            assert (request.target, request.host) == ("/health", "chat.example.com")
            assert (request.headers.get("user-agent") or "").startswith("Amazon-Route53-Health-Check-Service (ref h;")


async def test_a_region_that_fails_loses_its_traffic_and_gets_it_back() -> None:
    status = 200
    async with region_server(lambda request: Response(status=status)) as base:
        check = checked(address=address("us-east-1"), domain=None, interval_seconds=10, failure_threshold=2)
        fast = Scales(wan=0, time=0.002)
        records = (latency("us-east-1", check="h"), latency("sa-east-1"))
        async with serving(world(check, *records, port_base=base, scales=fast, home="new-york")) as (it, server):
            await until(lambda: it.route53.statistics()["health"]["h"]["checkers"] == 3)
            assert await dig(server, "chat.example.com") == [address("us-east-1")]

            status = 500
            await until(lambda: not it.route53.board.statuses["h"])
            assert await dig(server, "chat.example.com") == [address("sa-east-1")]

            status = 200
            await until(lambda: it.route53.board.statuses["h"])
            assert await dig(server, "chat.example.com") == [address("us-east-1")]
            assert [change.healthy for change in it.route53.board.changes] == [False, True]
            assert "HTTP status 500" in it.route53.board.changes[0].why


async def test_an_endpoint_that_most_checkers_cannot_reach_is_still_healthy() -> None:
    """More than 18 % of three checkers is one."""
    cut = Faults(links=tuple(LinkFault(between=(checker, "us-east-1"), cut=True) for checker in CHECKERS[1:]))
    async with region_server(lambda request: Response(status=200)) as base:
        check = checked(address=address("us-east-1"), domain=None, interval_seconds=10, failure_threshold=1)
        given = world(check, port_base=base, scales=Scales(wan=0, time=0.002), faults=cut)
        async with serving(given) as (it, _):
            await until(lambda: it.route53.statistics()["health"].get("h", {}).get("checkers_healthy") == 1)
            assert it.route53.board.statuses == {"h": True}
