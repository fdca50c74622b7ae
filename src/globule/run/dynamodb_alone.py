"""DynamoDB of one region, alone on a port: for conformance suites and benchmarks.

    python -m globule.run.dynamodb_alone --port 8000 --state DIR [--region us-east-1]

No templates, no distance, no other regions: a program that talks to DynamoDB, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from globule.dynamodb.serving.service import DynamoDBService
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import Server, serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.storage.opening import open_store
from globule.storage.store import Store
from globule.world.snapshot import World


class NobodyElse:
    """There are no other regions."""

    async def call(self, region: str, message: bytes) -> bytes:
        raise ConnectionRefusedError(f"{region} does not run")


class Alone:
    """The service, its store and its server."""

    def __init__(self, store: Store, service: DynamoDBService, server: Server) -> None:
        self._store = store
        self.service = service
        self.server = server

    @classmethod
    async def open(cls, folder: Path, *, port: int, region: str = "us-east-1", throttles: bool = False) -> Alone:
        """Raises OSError where the port is taken."""
        store = await open_store(folder)
        service = DynamoDBService(
            region=region,
            store=store,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            tracer=Tracer(),
            peers=NobodyElse(),
            throttles=throttles,
        )
        await service.follow(World(regions=(region,)))
        server = await serve(LoopbackNetwork(), ("127.0.0.1", port), service.handle)
        return cls(store, service, server)

    async def close(self) -> None:
        await self.server.aclose()
        await self.service.close()
        await self._store.close()


async def run(folder: Path, port: int, region: str, throttles: bool) -> None:
    alone = await Alone.open(folder, port=port, region=region, throttles=throttles)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    print(f"DynamoDB of {region} on http://127.0.0.1:{alone.server.address[1]}", flush=True)  # noqa: T201 - says where
    await stopped.wait()
    await alone.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.dynamodb_alone")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--state", required=True, type=Path, help="a folder; what it holds is served again")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--throttle", action="store_true", help="hold tables to their provisioned capacity")
    arguments = parser.parse_args()
    uvloop.run(run(arguments.state, arguments.port, arguments.region, arguments.throttle))


if __name__ == "__main__":
    main()
