"""The network between regions: every message takes its time, and some do not arrive, or arrive when nobody waits.

A caller that gives up does not take its message back: it may still be delivered, as on real connections. A message
that meets a partition is lost, or held until the link is whole again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from globule.host.entropy import Entropy

Handler = Callable[[bytes], Awaitable[bytes]]

# A lost segment is sent again after a while; seen from above, the message is late.
RETRANSMISSION_S = 0.3


class Link:
    """One pair of regions, both directions."""

    def __init__(self, one_way_s: float) -> None:
        self.one_way_s = one_way_s
        self.extra_s = 0.0
        self.loss = 0.0
        self.cut = False
        self.healed = asyncio.Event()


class Network:
    """All links, and who answers in each region."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._links: dict[frozenset[str], Link] = {}
        self._handlers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[tuple[str, str], asyncio.Future[bool]] = {}
        self.delivered = 0

    def link(self, one: str, other: str) -> Link:
        return self._links.setdefault(frozenset((one, other)), Link(0.005 + 0.1 * self._entropy.uniform()))

    def links(self) -> list[Link]:
        return list(self._links.values())

    def attach(self, region: str, handler: Handler) -> None:
        self._handlers[region] = handler

    def detach(self, region: str) -> None:
        """Calls to it are refused from now on."""
        self._handlers.pop(region, None)

    def cut(self, one: str, other: str) -> None:
        self.link(one, other).cut = True

    def heal(self, one: str, other: str) -> None:
        link = self.link(one, other)
        if link.cut:
            link.cut = False
            link.healed.set()
            link.healed = asyncio.Event()

    def hold(self, source: str, destination: str) -> None:
        """Keep what goes in this direction, until `release`."""
        if (source, destination) not in self._held:
            self._held[source, destination] = asyncio.get_running_loop().create_future()

    def release(self, source: str, destination: str, *, lose: bool = False) -> None:
        """Let what was kept go on, or lose it."""
        held = self._held.pop((source, destination), None)
        if held is not None:
            held.set_result(not lose)

    async def call(self, source: str, destination: str, message: bytes) -> bytes:
        """Raises OSError where the destination is down. May never return: callers have time limits."""
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._carry(source, destination, message, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await reply

    async def _carry(self, source: str, destination: str, message: bytes, reply: asyncio.Future[bytes]) -> None:
        if not await self._travel(source, destination):
            return
        handler = self._handlers.get(destination)
        if handler is None:
            if not reply.done():
                reply.set_exception(ConnectionRefusedError(destination))
            return
        self.delivered += 1
        try:
            answer = await handler(message)
        except asyncio.CancelledError:
            return  # the destination lost power; nobody answers
        if await self._travel(destination, source) and not reply.done():
            reply.set_result(answer)

    async def _travel(self, source: str, destination: str) -> bool:
        """Whether the message arrives."""
        link = self.link(source, destination)
        if (held := self._held.get((source, destination))) is not None and not await held:
            return False
        if link.cut:
            if self._entropy.uniform() < 0.5:
                return False
            await link.healed.wait()
        delay_s = link.one_way_s * (1 + 0.2 * self._entropy.uniform()) + link.extra_s
        while self._entropy.uniform() < link.loss:
            delay_s += RETRANSMISSION_S
        await asyncio.sleep(delay_s)
        return not link.cut


class Phone:
    """One region's end: implements the port `dynamodb.serving.replication.peers.Peers`."""

    def __init__(self, network: Network, region: str) -> None:
        self._network = network
        self._region = region

    async def call(self, region: str, message: bytes) -> bytes:
        return await self._network.call(self._region, region, message)
