"""The health checkers: they stand in AWS's checker regions, probe over the shaped internet, and report to the board.

"Health checkers in different data centers don't coordinate with one another": each pair of check and checker is a task
of its own that starts at a random moment of its interval. HTTPS is probed as HTTP after the delay of a TLS hand-shake:
servers of this world speak plain HTTP inside of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.http_client import HttpClient, HttpClientError, PoolLimits, Timeouts
from globule.route53.model import HealthCheck
from globule.route53.serving.board import HealthBoard
from globule.route53.serving.names import Names
from globule.wan.dialer import Dialer
from globule.wan.naming import Endpoint, NameNotFound, Resolver
from globule.wire.http import Body, Headers, Request
from globule.wire.http_head import MalformedMessage
from globule.world import places
from globule.world.places import Place, place_of_address

logger = logging.getLogger(__name__)

# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
TCP_CONNECT_SECONDS = 10.0
HTTP_CONNECT_SECONDS = 4.0
HTTP_RESPONSE_SECONDS = 2.0
SEARCHED_BYTES = 5120
# Scaled time shortens the limits too, but not below what distance alone may take.
LEAST_LIMIT_SECONDS = 1.0
# A time scale near zero must not turn probes into a flood.
LEAST_INTERVAL_SECONDS = 0.05

# The ports of the internet, which every server of this world serves on its internet port.
INTERNET_PORTS = (80, 443)


class Verdict(msgspec.Struct, frozen=True):
    passed: bool
    why: str


class Prober:
    """`follow` starts and stops the probes; `close` ends them all."""

    def __init__(self, names: Names, resolver: Resolver, dialer: Dialer, *, clock: Clock, entropy: Entropy) -> None:
        self._names = names
        self._resolver = resolver
        self._dialer = dialer
        self._clock = clock
        self._entropy = entropy
        self._tasks: dict[tuple[HealthCheck, str, float], asyncio.Task[None]] = {}
        self._probes = 0

    def __repr__(self) -> str:
        return f"<Prober tasks={len(self._tasks)} probes={self._probes}>"

    @property
    def board(self) -> HealthBoard:
        return self._names.board

    def statistics(self) -> dict[str, Any]:
        return {"probing": len(self._tasks), "probes": self._probes}

    def follow(self) -> None:
        """Probe what the names say now."""
        scale = self._names.world.scales.time
        wanted = {
            (check, checker, scale)
            for check in self._names.probed.values()
            if not check.disabled
            for checker in check.regions
        }
        for key in [key for key in self._tasks if key not in wanted]:
            self._tasks.pop(key).cancel()
        for key in wanted - self._tasks.keys():
            self._tasks[key] = task = asyncio.get_running_loop().create_task(self._watch(*key))
            task.add_done_callback(_tell_of_failure)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, check: HealthCheck, checker: str, scale: float) -> None:
        """One checker's life: the interval runs from one response to the next request."""
        interval_seconds = max(check.interval_seconds * scale, LEAST_INTERVAL_SECONDS)
        await self._clock.sleep(interval_seconds * self._entropy.uniform())
        while True:
            self._probes += 1
            verdict = await self.probe(check, places.region(checker), scale=scale)
            self.board.report(check.id, checker, passed=verdict.passed, why=verdict.why)
            await self._clock.sleep(interval_seconds)

    async def probe(self, check: HealthCheck, checker: Place, *, scale: float = 1.0) -> Verdict:
        """One request of one checker."""
        try:
            endpoint = await self._endpoint(check, checker)
            if check.kind == "TCP":
                return await self._probe_tcp(check, checker, endpoint, scale)
            return await self._probe_http(check, checker, endpoint, scale)
        except NameNotFound as error:
            return Verdict(False, str(error))
        except TimeoutError as error:
            return Verdict(False, str(error) or "no answer in time")
        except (OSError, HttpClientError, MalformedMessage) as error:
            return Verdict(False, str(error) or type(error).__name__)

    async def _endpoint(self, check: HealthCheck, checker: Place) -> Endpoint:
        if check.address is not None:
            place = place_of_address(check.address)
            assert place is not None, "check_properties accepts only addresses of places"
            endpoint = Endpoint((check.address, self._names.internet_port), place)
        else:
            endpoint = (await self._resolver.resolve(check.domain or "", source=checker))[0]
        if check.port in INTERNET_PORTS:
            return endpoint
        return Endpoint((endpoint.address[0], check.port), endpoint.place)

    async def _probe_tcp(self, check: HealthCheck, checker: Place, endpoint: Endpoint, scale: float) -> Verdict:
        transport, _ = await self._dialer.connect(
            asyncio.Protocol,
            source=checker,
            destination=endpoint.place,
            address=endpoint.address,
            timeout_seconds=_limit(TCP_CONNECT_SECONDS, scale),
        )
        transport.close()
        return Verdict(True, "connected")

    async def _probe_http(self, check: HealthCheck, checker: Place, endpoint: Endpoint, scale: float) -> Verdict:
        async def connect(protocol_factory: Callable[[], asyncio.Protocol], key: None) -> object:
            return await self._dialer.connect(
                protocol_factory,
                source=checker,
                destination=endpoint.place,
                address=endpoint.address,
                secure=check.kind.startswith("HTTPS"),
                timeout_seconds=_limit(HTTP_CONNECT_SECONDS, scale),
            )

        client: HttpClient[None] = HttpClient(connect, limits=PoolLimits(idle_connections=0), clock=self._clock)
        response_seconds = _limit(HTTP_RESPONSE_SECONDS, scale)
        timeouts = Timeouts(connect_seconds=_limit(HTTP_CONNECT_SECONDS, scale), response_seconds=response_seconds)
        try:
            response = await client.request(None, _request(check), timeouts=timeouts)
            if not 200 <= response.status < 400:
                return Verdict(False, f"HTTP status {response.status}")
            if not check.kind.endswith("STR_MATCH"):
                return Verdict(True, f"HTTP status {response.status}")
            async with asyncio.timeout(response_seconds):
                found = check.search.encode() in await _beginning(response.body)
            return Verdict(found, f"the string is {'' if found else 'not '}in the body")
        finally:
            client.close()


async def _beginning(body: Body) -> bytes:
    """The part of a body that is searched."""
    found = b""
    async for piece in body:
        found += piece
        if len(found) >= SEARCHED_BYTES:
            break
    return found[:SEARCHED_BYTES]


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        logger.error("a health checker died", exc_info=failure)


def _limit(seconds: float, scale: float) -> float:
    return min(seconds, max(seconds * scale, LEAST_LIMIT_SECONDS))


def _request(check: HealthCheck) -> Request:
    """What Route 53's checkers send: the Host has the port where it is not the scheme's own."""
    host = check.domain or check.address or ""
    port = "" if check.port in INTERNET_PORTS else f":{check.port}"
    agent = f"Amazon-Route53-Health-Check-Service (ref {check.id}; report http://amzn.to/1vsZADi)"
    return Request(
        method="GET",
        target=check.path,
        headers=Headers([("host", host + port), ("user-agent", agent), ("accept", "*/*"), ("connection", "close")]),
    )
