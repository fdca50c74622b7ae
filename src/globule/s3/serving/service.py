"""A region's S3: takes requests apart, finds the operation, answers in S3's XML. Satisfies `host.service.Service`."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.tracing import HEADER, Tracer, sampled
from globule.s3.model import Bucket, BucketPolicy, Versioning
from globule.s3.rules.addressing import Target, bucket_of_host, target_of
from globule.s3.rules.callers import is_the_account
from globule.s3.rules.cors import cors_fields
from globule.s3.rules.errors import s3_error
from globule.s3.rules.operations import operation_of
from globule.s3.rules.presigned import check_not_expired
from globule.s3.rules.records import BucketRecord
from globule.s3.serving.answers import empty_answer, error_answer, host_id
from globule.s3.serving.blobs import Blobs
from globule.s3.serving.buckets import Buckets
from globule.s3.serving.copying import Copying
from globule.s3.serving.core import Call, Core, Handler
from globule.s3.serving.deleting import Deleting
from globule.s3.serving.index import Index
from globule.s3.serving.listings import Listings
from globule.s3.serving.multipart import Uploads
from globule.s3.serving.objects import Objects
from globule.s3.serving.website import Websites
from globule.storage.store import Store, StoreFull
from globule.wire.aws.errors import AwsError
from globule.wire.http import Request, Response
from globule.world.aws_names import parse_aws_name
from globule.world.snapshot import World

log = logging.getLogger(__name__)

_SERVER = "AmazonS3"
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


class S3Service:
    def __init__(
        self,
        *,
        region: str,
        store: Store,
        folder: Path,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
        account: str = "000000000000",
    ) -> None:
        self._region = region
        self._tracer = tracer
        self._blobs = Blobs(folder, entropy)
        self._blobs.open()
        self._core = Core(
            region=region, account=account, index=Index(store), blobs=self._blobs, clock=clock, entropy=entropy
        )
        objects = Objects(self._core)
        self._websites = Websites(self._core, objects.get)
        self._handlers: Mapping[str, Handler] = {
            **Buckets(self._core).operations,
            **objects.operations,
            **Copying(self._core).operations,
            **Deleting(self._core).operations,
            **Listings(self._core).operations,
            **Uploads(self._core).operations,
        }
        self._requests = 0
        self._problems: list[str] = []
        self._swept: int | None = None
        self._sweep: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<S3Service {self._region} requests={self._requests}>"

    # As a service.

    async def follow(self, world: World) -> None:
        self._core.account = world.account
        declared: dict[str, Bucket] = {}
        elsewhere: dict[str, str] = {}
        for deployed in world.deployed(Bucket):
            if deployed.region == self._region:
                declared[deployed.resource.name] = deployed.resource
            else:
                elsewhere[deployed.resource.name] = deployed.region
        self._core.elsewhere = elsewhere
        self._core.listable = frozenset(policy.bucket for policy in world.of(BucketPolicy) if policy.allows_listing)
        self._problems = []
        for bucket in declared.values():
            try:
                await self._declare(bucket)
            except StoreFull as full:
                self._problems.append(f"bucket {bucket.name}: {full}")
        for record in self._core.index.buckets():
            if record.declared is not None and record.name not in declared:
                await self._undeclare(record)
        if self._sweep is None:
            self._sweep = asyncio.create_task(self._sweep_blobs())

    def problems(self) -> list[str]:
        return self._problems

    def statistics(self) -> dict[str, Any]:
        return {"buckets": len(self._core.index.buckets()), "requests": self._requests, "files_swept": self._swept}

    async def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.wait([self._sweep])

    def serves(self, host: str) -> bool:
        """Whether a host is one of this region's buckets, or of its websites."""
        name = parse_aws_name(host)
        if name is None or not name.label or name.region not in (None, self._region):
            return False
        if name.service == "s3-website":
            return True
        return name.service == "s3" and (
            name.region is not None or self._core.index.find_bucket(name.label) is not None
        )

    async def handle(self, request: Request) -> Response:
        self._requests += 1
        request_id = self._core.request_id()
        name = parse_aws_name(request.host)
        if name is not None and name.service == "s3-website":
            response = await self._websites.answer(request, name.label)
        else:
            response = await self._answered(request, request_id)
        response.headers.set("x-amz-request-id", request_id)
        response.headers.set("x-amz-id-2", host_id(request_id))
        response.headers.set("server", _SERVER)
        return response

    # Requests.

    async def _answered(self, request: Request, request_id: str) -> Response:
        try:
            response = await self._operated(request)
        except AwsError as error:
            response = error_answer(error, request, request_id)
        except StoreFull as full:
            response = error_answer(s3_error("ServiceUnavailable", str(full)), request, request_id)
        except OSError as error:
            if error.errno not in _DISK_IS_FULL:
                raise
            full_disk = s3_error("ServiceUnavailable", "The disk has no room for this object.")
            response = error_answer(full_disk, request, request_id)
        if "origin" in request.headers:
            response.headers.fields.extend(self._cors_fields(request, request.method))
        return response

    async def _operated(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._preflight(request)
        target = target_of(request)
        check_not_expired(target.query, self._core.now())
        operation = operation_of(request, target)
        trace = sampled(request.headers.get(HEADER))
        with self._tracer.span(trace, operation.name, place=self._region, note=target.bucket):
            try:
                return await self._handlers[operation.name](Call(request=request, target=target))
            except AwsError as error:
                if error.code == "NoSuchKey" and self._is_hidden(request, target):
                    raise s3_error("AccessDenied") from None
                raise

    def _is_hidden(self, request: Request, target: Target) -> bool:
        """Whether the caller must not see that a key is missing."""
        reads = request.method in ("GET", "HEAD")
        return reads and target.bucket not in self._core.listable and not is_the_account(request, target.query)

    def _preflight(self, request: Request) -> Response:
        method = request.headers.get("access-control-request-method")
        if method is None or "origin" not in request.headers:
            raise s3_error("InvalidRequest", "Insufficient information. Origin request header needed.")
        if not self._cors_fields(request, method):
            raise s3_error(
                "AccessDenied",
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
                "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not "
                "whitelisted by the resource's CORS spec.",
            )
        return empty_answer(fields=self._cors_fields(request, method))

    def _cors_fields(self, request: Request, method: str) -> list[tuple[str, str]]:
        bucket = bucket_of_host(request.host)
        if bucket is None:
            bucket = request.path.removeprefix("/").partition("/")[0]
        record = self._core.index.find_bucket(bucket)
        return [] if record is None else cors_fields(record.cors, request.headers, method)

    # Buckets of templates.

    async def _declare(self, bucket: Bucket) -> None:
        """Bring a bucket into the state that a template asks for. What clients have changed since stays, until the
        template changes."""
        record = self._core.index.find_bucket(bucket.name)
        if record is None:
            record = BucketRecord(name=bucket.name, created_us=self._core.now_us())
            await self._core.index.create_bucket(record)
        if record.declared != bucket:
            await self._core.index.change_bucket(bucket.name, lambda present: _settled(present, bucket))

    async def _undeclare(self, record: BucketRecord) -> None:
        """A template's bucket that is no longer asked for goes if it is empty, and stays as it is if it is not."""
        try:
            self._blobs.discard(await self._core.index.delete_bucket(record.name))
        except AwsError as error:
            log.info("bucket %s stays: %s", record.name, error.message)
            await self._core.index.change_bucket(
                record.name, lambda present: msgspec.structs.replace(present, declared=None)
            )

    async def _sweep_blobs(self) -> None:
        try:
            self._swept = await self._blobs.sweep(self._core.index.needs)
        except OSError as error:
            log.warning("files of lost uploads could not be swept: %s", error)


def _settled(record: BucketRecord, bucket: Bucket) -> BucketRecord:
    # Versioning that was on can only be suspended.
    versioning: Versioning = bucket.versioning or ("Suspended" if record.versioning else "")
    return msgspec.structs.replace(record, declared=bucket, versioning=versioning, cors=bucket.cors, tags=bucket.tags)
