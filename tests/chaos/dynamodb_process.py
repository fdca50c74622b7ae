"""One region's DynamoDB in a process of its own, to be killed:

    python dynamodb_process.py FOLDER REGION CLOCK_OFFSET_S

It serves on a port of its own, which it writes to FOLDER/REGION.port, and finds the other regions by theirs. It cannot
reach a region that FOLDER/REGION.cut or the other's file names.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec
import uvloop

from globule.dynamodb.model import GlobalTable, KeyAttribute, Keys, TableSpec
from globule.dynamodb.serving.service import DynamoDBService
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_client import HttpClient, HttpClientError
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.storage.opening import open_store
from globule.wire.http import BytesBody, Headers, Request, Response
from globule.world.snapshot import Deployed, World

REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
ONE_WAY_S = 0.01

SPEC = TableSpec(
    name="chat", keys=Keys((KeyAttribute("pk", "S"),)), stream="NEW_AND_OLD_IMAGES", billing="PAY_PER_REQUEST"
)
WORLD = World(
    regions=REGIONS,
    resources=(
        Deployed(
            stack="app",
            region=REGIONS[0],
            logical_id="Chat",
            type="AWS::DynamoDB::GlobalTable",
            physical_id="chat",
            resource=GlobalTable(home=REGIONS[0], replicas=dict.fromkeys(REGIONS, SPEC), identity="chat"),
        ),
    ),
)


class WrongClock(SystemClock):
    def __init__(self, offset_s: float) -> None:
        self._offset_s = offset_s

    def now(self) -> float:
        return super().now() + self._offset_s


class Others:
    """The other regions, at a short distance."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._client: HttpClient[str] = HttpClient(self._connect)

    async def call(self, region: str, message: bytes) -> bytes:
        await asyncio.sleep(ONE_WAY_S)
        if self._cut(self._region, region) or self._cut(region, self._region):
            await asyncio.sleep(60)
        try:
            request = Request(
                method="POST", target="/peer", headers=Headers([("host", region)]), body=BytesBody(message)
            )
            response = await self._client.request(region, request)
            answer = await response.body.read(1 << 30)
        except HttpClientError as problem:
            raise ConnectionError(str(problem)) from problem
        if response.status != 200:
            raise ConnectionError(f"{region} answered {response.status}")
        await asyncio.sleep(ONE_WAY_S)
        return answer

    def _cut(self, one: str, other: str) -> bool:
        file = self._folder / f"{one}.cut"
        return file.exists() and other in file.read_text()

    async def _connect(self, protocol_factory: object, region: str) -> object:
        file = self._folder / f"{region}.port"
        if not file.exists():
            raise ConnectionRefusedError(region)
        return await LoopbackNetwork().connect(protocol_factory, ("127.0.0.1", int(file.read_text())))  # type: ignore[arg-type]


async def main(folder: Path, region: str, offset_s: float) -> None:
    clock = WrongClock(offset_s)
    service = DynamoDBService(
        region=region,
        store=await open_store(folder / region),
        clock=clock,
        entropy=SystemEntropy(),
        tracer=Tracer(),
        peers=Others(folder, region),
    )

    async def answer(request: Request) -> Response:
        match request.path:
            case "/peer":
                try:
                    return Response(status=200, body=await service.receive(await request.body.read(1 << 30)))
                except ConnectionRefusedError as problem:
                    return Response(status=503, body=str(problem).encode())
            case "/conflicts":
                found = service.tables.conflicts(limit=1_000_000)
                return Response(status=200, body=msgspec.json.encode(found))
            case "/statistics":
                return Response(status=200, body=json.dumps(service.tables.statistics()).encode())
            case "/compare":
                try:
                    compared = await service.tables.compare("chat", request.query)
                except OSError as problem:
                    return Response(status=503, body=str(problem).encode())
                return Response(status=200, body=msgspec.json.encode(compared))
            case _:
                return await service.handle(request)

    server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), answer)
    (folder / f"{region}.new").write_text(str(server.address[1]))
    (folder / f"{region}.new").rename(folder / f"{region}.port")
    await service.follow(WORLD)
    await asyncio.Event().wait()


uvloop.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
