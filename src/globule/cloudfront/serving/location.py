"""One edge location: its cache, its connections to origins, its server."""

from __future__ import annotations

from typing import Any

from globule.cloudfront.rules import identifiers
from globule.cloudfront.rules.admission import HEAD_LIMIT_BYTES, Names
from globule.cloudfront.serving.cache import Budget, Cache
from globule.cloudfront.serving.errands import Errands
from globule.cloudfront.serving.express import Express
from globule.cloudfront.serving.fetching import Fetching
from globule.cloudfront.serving.functions import EdgeFunctions
from globule.cloudfront.serving.hot_files import HotFiles
from globule.cloudfront.serving.hot_path import HotPath
from globule.cloudfront.serving.origin_exchange import OriginExchange
from globule.cloudfront.serving.origins import Origins
from globule.cloudfront.serving.request_ids import RequestIds
from globule.cloudfront.serving.viewer_exchange import Identity, ViewerExchange
from globule.cloudfront.serving.viewers import Viewers
from globule.cloudfront.serving.websocket import Tunnels
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.functions import Invoker
from globule.host.http_server import Limits, Server, serve
from globule.host.network import Address, Network
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.naming import Resolver
from globule.world.places import Place, pop

# CloudFront closes a viewer's connection that is idle for ten minutes
# (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html).
IDLE_SECONDS = 600.0


class EdgeLocation:
    def __init__(
        self,
        place: Place,
        *,
        budget: Budget,
        files: HotFiles,
        dialer: Dialer,
        resolver: Resolver,
        invoker: Invoker,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
        key: str,
    ) -> None:
        self.place = place
        self.cache = Cache(budget)
        self._clock = clock
        self._origins = Origins(place, dialer=dialer, resolver=resolver, clock=clock, tracer=tracer)
        identity = Identity(name=place.name, pop=pop(place), via=identifiers.via(identifiers.via_host(place.name)))
        viewers, ids = Viewers(place, key), RequestIds(entropy)
        functions = EdgeFunctions(place=place.name, invoker=invoker, clock=clock, tracer=tracer)
        exchange = OriginExchange(origins=self._origins, functions=functions, via=identity.via)
        self._express = Express(identity=identity, origins=self._origins, exchange=exchange, ids=ids)
        self._errands = Errands()
        self._tunnels = Tunnels()
        fetching = Fetching(
            cache=self.cache,
            exchange=exchange,
            clock=clock,
            errands=self._errands,
        )
        self._exchange = ViewerExchange(
            identity=identity,
            viewers=viewers,
            fetching=fetching,
            functions=functions,
            tunnels=self._tunnels,
            ids=ids,
            clock=clock,
            entropy=entropy,
            tracer=tracer,
        )
        self._hot_path = HotPath(
            identity=identity,
            exchange=self._exchange,
            cache=self.cache,
            files=files,
            express=self._express,
            ids=ids,
            clock=clock,
        )
        self._server: Server | None = None

    def __repr__(self) -> str:
        return f"<EdgeLocation {self.place.name} {self.cache}>"

    async def listen(self, network: Network, address: Address) -> None:
        self._server = await serve(
            network,
            address,
            self._exchange.handle,
            parse=self._hot_path.parse,
            recall=self._hot_path.recall,
            refusal=self._exchange.refusal,
            limits=Limits(head_bytes=HEAD_LIMIT_BYTES, idle_seconds=IDLE_SECONDS),
            clock=self._clock,
        )

    @property
    def address(self) -> Address:
        assert self._server is not None
        return self._server.address

    def follow(self, names: Names) -> None:
        self._exchange.names = names
        self._hot_path.forget()

    def statistics(self) -> dict[str, Any]:
        served = self._server.statistics() if self._server is not None else {"connections": 0, "requests": 0}
        return {
            "connections": served["connections"],
            "requests": served["requests"] + self._hot_path.hits + self._express.relayed,
            "hot_hits": self._hot_path.hits,
            "express": self._express.relayed,
            "websockets": len(self._tunnels),
            "cache": self.cache.statistics(),
            "origins": self._origins.statistics(),
        }

    async def close(self) -> None:
        if self._server is not None:
            await self._server.aclose(grace_seconds=1.0)
        self._tunnels.close()
        await self._errands.close()
        self._origins.close()
