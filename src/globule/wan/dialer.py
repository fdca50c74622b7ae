"""Connections between places: the one way that anything here pays for distance.

`connect` is `loop.create_connection` with two places: the TCP hand-shake costs a round trip, TLS another (its delay
alone: the bytes stay the caller's), and the transport that comes back shapes what follows (`wan.transport`).
`pay_round_trip` is for exchanges of datagrams. A link that is cut answers nothing: both end in TimeoutError.

With `scales.wan` at 0 and no fault, bytes pass through at once, at the cost of a call; faults still bite.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from globule.host.entropy import Entropy, SeededEntropy, SystemEntropy
from globule.host.network import Address, Network
from globule.host.timers import Timers, open_timers, sleep_until
from globule.wan.links import Link, Links
from globule.wan.transport import ShapedTransport
from globule.world import distance
from globule.world.places import Place

P = TypeVar("P", bound=asyncio.Protocol)

# CloudFront's own: "connection timeout 1-10 seconds, the default is 10" (https://docs.aws.amazon.com/
# AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#origin-connection-timeout).
CONNECT_TIMEOUT_SECONDS = 10.0

# What resolvers wait for an answer (resolv.conf(5), `timeout`).
DATAGRAM_TIMEOUT_SECONDS = 5.0

# RFC 6298: a SYN is sent again after a second, then after twice as long each time.
SYN_TIMEOUT_SECONDS = 1.0

# Enough that no two processes draw the same jitter.
SEED_BYTES = 16

# Round trips before the first byte of the application: TCP's one; TLS 1.3's one more (RFC 8446, section 2).
TCP_ROUND_TRIPS = 1
TLS_ROUND_TRIPS = 1


class Dialer:
    """Dials over the links of a world. One for each process; close it before the loop."""

    def __init__(
        self, network: Network, links: Links, *, timers: Timers | None = None, entropy: Entropy | None = None
    ) -> None:
        """`timers` default to the most exact ones of the running loop, opened when first needed."""
        self._network = network
        self._links = links
        self._timers_in_use = timers
        self._owns_timers = timers is None
        if entropy is None:  # one call to the system a process: one for each burst would cost more than the burst
            entropy = SeededEntropy(int.from_bytes(SystemEntropy().bytes(SEED_BYTES)))
        self._uniform = entropy.uniform
        self._live: set[ShapedTransport] = set()
        self._counts = {"connected": 0, "refused": 0, "timed_out": 0, "exchanged": 0}

    def __repr__(self) -> str:
        return f"<Dialer over {self._links}: {self._counts}>"

    def statistics(self) -> dict[str, Any]:
        """Connections and datagram exchanges, by how they went."""
        return {"open": len(self._live), **self._counts}

    def close(self) -> None:
        """Sever every connection; what is still on its way never arrives."""
        for shaped in tuple(self._live):
            shaped.sever()
        if self._owns_timers and self._timers_in_use is not None:
            self._timers_in_use.close()
            self._timers_in_use = None

    async def connect(
        self,
        protocol_factory: Callable[[], P],
        *,
        source: Place,
        destination: Place,
        address: Address,
        secure: bool = False,
        network: distance.Network = "internet",
        timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
    ) -> tuple[asyncio.Transport, P]:
        """Connect from `source` to the server at `address`, which stands at `destination`. Return when the client
        would know of it: after one round trip, or two with TLS (`secure`).

        Raises OSError as the operating system does (a refusal takes a round trip), and TimeoutError.
        """
        link = self._links.link(source, destination, network)
        try:
            async with asyncio.timeout(timeout_seconds):
                shaped = await self._shake_hands(link, address, TCP_ROUND_TRIPS + (TLS_ROUND_TRIPS if secure else 0))
        except TimeoutError:
            self._counts["timed_out"] += 1
            raise TimeoutError(f"no answer from {destination.name} to {source.name} in {timeout_seconds:g} s") from None
        except OSError:
            self._counts["refused"] += 1
            raise
        self._counts["connected"] += 1
        try:
            protocol = protocol_factory()
            shaped.begin(protocol)
        except BaseException:
            shaped.sever()
            raise
        return shaped, protocol

    async def pay_round_trip(
        self,
        source: Place,
        destination: Place,
        *,
        network: distance.Network = "internet",
        timeout_seconds: float = DATAGRAM_TIMEOUT_SECONDS,
    ) -> None:
        """Wait as long as a datagram and its answer travel. Raises TimeoutError where one of them is lost."""
        timers = self._timers()
        sent = timers.now()
        link = self._links.link(source, destination, network)
        there_seconds, back_seconds = self._way_seconds(link), self._way_seconds(link)
        if there_seconds is not None and back_seconds is not None and (there_seconds + back_seconds < timeout_seconds):
            await sleep_until(timers, sent + there_seconds + back_seconds)
            if not link.is_cut():
                self._counts["exchanged"] += 1
                return
        await sleep_until(timers, sent + timeout_seconds)
        self._counts["timed_out"] += 1
        raise TimeoutError(f"no answer from {destination.name} to {source.name} in {timeout_seconds:g} s")

    async def _shake_hands(self, link: Link, address: Address, round_trips: int) -> ShapedTransport:
        """Try until it succeeds, is refused, or the caller gives up."""
        timers = self._timers()
        wait_seconds = SYN_TIMEOUT_SECONDS
        while True:
            sent = timers.now()
            shaped = await self._attempt(link, address, sent, round_trips)
            if shaped is not None:
                return shaped
            await sleep_until(timers, sent + wait_seconds)
            wait_seconds *= 2

    async def _attempt(self, link: Link, address: Address, sent: float, round_trips: int) -> ShapedTransport | None:
        """One hand-shake; None where the link swallowed it."""
        timers = self._timers()
        there_seconds, back_seconds = self._way_seconds(link), self._way_seconds(link)
        if there_seconds is None or back_seconds is None:
            return None
        await sleep_until(timers, sent + there_seconds)
        if link.is_cut():
            return None
        done = sent + there_seconds + back_seconds + (round_trips - 1) * link.path.round_trip_seconds
        shaped = ShapedTransport(link, timers, self._uniform, self._live)
        try:
            await self._network.connect(shaped.plain_protocol, address)
        except OSError:
            await sleep_until(timers, sent + there_seconds + back_seconds)
            raise
        except asyncio.CancelledError:
            shaped.forget()
            raise
        try:
            await sleep_until(timers, done)
        except asyncio.CancelledError:
            shaped.abort()
            raise
        if link.is_cut():
            shaped.abort()
            return None
        return shaped

    def _way_seconds(self, link: Link) -> float | None:
        """How long a packet takes one way; None where it is lost."""
        path = link.path
        if path.cut or (path.loss and self._uniform() < path.loss):
            return None
        return path.one_way_seconds + path.jitter(self._uniform)

    def _timers(self) -> Timers:
        if self._timers_in_use is None:
            self._timers_in_use = open_timers(asyncio.get_running_loop())
        return self._timers_in_use
