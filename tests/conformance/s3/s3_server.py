"""An S3 of one region on a real socket, in a thread of its own, so that boto3 can be its client."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import Server, serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.s3.model import Bucket, BucketPolicy
from globule.s3.serving.service import S3Service
from globule.storage.opening import open_store
from globule.storage.store import Store
from globule.world.snapshot import Deployed, World

T = TypeVar("T")
REGION = "eu-west-1"


class S3Server:
    service: S3Service
    store: Store
    address: tuple[str, int]

    def __init__(self, folder: Path, region: str = REGION) -> None:
        self.folder = folder
        self.region = region
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def running(self) -> Iterator[S3Server]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        server = self.run(self._open)
        try:
            yield self
        finally:
            self.run(lambda: self._close(server))
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """On the server's own event loop."""

        async def do() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(60)

    def follow(
        self,
        *buckets: Bucket,
        elsewhere: tuple[Bucket, ...] = (),
        policies: tuple[BucketPolicy, ...] = (),
        version: int = 1,
    ) -> None:
        """As after a deployment of these buckets, here and in another region."""
        resources = [(self.region, bucket) for bucket in buckets] + [("us-west-2", bucket) for bucket in elsewhere]
        world = World(
            version=version,
            regions=(self.region, "us-west-2"),
            resources=tuple(
                Deployed(
                    stack="s",
                    region=region,
                    logical_id=bucket.name.title(),
                    type="AWS::S3::Bucket",
                    physical_id=bucket.name,
                    resource=bucket,
                )
                for region, bucket in resources
            )
            + tuple(
                Deployed(
                    stack="s",
                    region=self.region,
                    logical_id=f"{policy.bucket.title()}Policy",
                    type="AWS::S3::BucketPolicy",
                    physical_id=policy.bucket,
                    resource=policy,
                )
                for policy in policies
            ),
        )
        self.run(lambda: self.service.follow(world))

    def client(self, **settings: Any) -> Any:
        host, port = self.address
        return boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **settings),
        )

    async def _open(self) -> Server:
        self.store = await open_store(self.folder / "store")
        self.service = S3Service(
            region=self.region,
            store=self.store,
            folder=self.folder / "objects",
            clock=SystemClock(),
            entropy=SystemEntropy(),
            tracer=Tracer(),
        )
        server = await serve(LoopbackNetwork(), ("127.0.0.1", 0), self.service.handle)
        self.address = server.address
        return server

    async def _close(self, server: Server) -> None:
        await server.aclose()
        await self.service.close()
        await self.store.close()


def code_of(call: Any, **parameters: Any) -> tuple[str, int]:
    """The error that a boto3 call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def keys(listing: dict[str, Any]) -> list[str]:
    return [entry["Key"] for entry in listing.get("Contents", [])]
