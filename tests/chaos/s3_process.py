"""An S3 of one region in a process of its own, to be killed: `python s3_process.py FOLDER` prints its port."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.s3.serving.service import S3Service
from globule.storage.opening import open_store
from globule.world.snapshot import World


async def main(folder: Path) -> None:
    service = S3Service(
        region="us-east-1",
        store=await open_store(folder / "store"),
        folder=folder / "objects",
        clock=SystemClock(),
        entropy=SystemEntropy(),
        tracer=Tracer(),
    )
    await service.follow(World())
    server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), service.handle)
    print(server.address[1], flush=True)  # noqa: T201  the test reads it
    await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1])))
