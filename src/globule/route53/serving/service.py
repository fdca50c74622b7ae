"""Route 53 as the edge process runs it: names, health, resolver and DNS server, brought from world to world."""

from __future__ import annotations

from typing import Any

from globule.host.clock import Clock, SystemClock
from globule.host.entropy import Entropy, SystemEntropy
from globule.host.network import Address, Network
from globule.route53.rules.owned import OwnedLookup
from globule.route53.serving.board import HealthBoard
from globule.route53.serving.dns_server import DnsServer
from globule.route53.serving.names import Names
from globule.route53.serving.prober import Prober
from globule.route53.serving.resolver import CachingResolver
from globule.wan.dialer import Dialer
from globule.world.snapshot import World


class Route53:
    """`owned` says where names of AWS's own are served. `follow` the world, `listen` once, `close` at the end."""

    def __init__(
        self,
        world: World,
        *,
        network: Network,
        dialer: Dialer,
        owned: OwnedLookup,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
        self._network = network
        self.board = HealthBoard(clock)
        self.names = Names(world, owned=owned, board=self.board, entropy=entropy)
        self.resolver = CachingResolver(self.names, dialer, clock)
        self._prober = Prober(self.names, self.resolver, dialer, clock=clock, entropy=entropy)
        self._server: DnsServer | None = None

    def __repr__(self) -> str:
        return f"<Route53 {self.names} {self.board}>"

    async def listen(self, address: Address) -> DnsServer:
        """Answer over UDP and TCP, and start the health checkers. Raises OSError where the port is taken."""
        self._server = await DnsServer.listen(self.names, self._network, address)
        self._prober.follow()
        return self._server

    def follow(self, world: World) -> None:
        """Answer from this world. The links of the dialer follow by themselves."""
        self.names.follow(world)
        if self._server is not None:
            self._prober.follow()

    def problems(self) -> list[str]:
        return self.names.problems()

    def statistics(self) -> dict[str, Any]:
        return {
            "zones": len(self.names.zones.by_name),
            "health": self.board.statistics(),
            "prober": self._prober.statistics(),
            "resolver": self.resolver.statistics(),
            "dns": {} if self._server is None else self._server.statistics(),
        }

    async def close(self) -> None:
        await self._prober.close()
        if self._server is not None:
            self._server.close()
