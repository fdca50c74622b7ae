"""What all operations of a region's S3 work with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import msgspec

from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.s3.rules.addressing import Target
from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import BucketRecord, Version
from globule.s3.serving.blobs import READ_BYTES, Blobs
from globule.s3.serving.index import Index
from globule.wire.http import Request, Response

# XML that clients send: a list of a thousand keys to delete, or of ten thousand parts.
DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024

_ENCRYPTION_PREFIX = "x-amz-server-side-encryption"

Handler = Callable[["Call"], Awaitable[Response]]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, taken apart."""

    request: Request
    target: Target

    @property
    def bucket(self) -> str:
        return self.target.bucket

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def query(self) -> Mapping[str, str]:
        return self.target.query


class Core:
    def __init__(
        self, *, region: str, account: str, index: Index, blobs: Blobs, clock: Clock, entropy: Entropy
    ) -> None:
        self.region = region
        self.account = account
        self.index = index
        self.blobs = blobs
        self.elsewhere: Mapping[str, str] = {}
        """Buckets of other regions that templates declare, and their regions."""
        self.listable: frozenset[str] = frozenset()
        """Buckets that others than the account may list."""
        self._clock = clock
        self._entropy = entropy

    def now(self) -> float:
        return self._clock.now()

    def now_us(self) -> int:
        return int(self._clock.now() * 1_000_000)

    def identifier(self) -> str:
        """32 characters: a version's or upload's id. Ids that are made later are greater."""
        return f"{self.now_us():014x}{self._entropy.bytes(9).hex()}"

    def request_id(self) -> str:
        return self._entropy.bytes(8).hex().upper()

    def bucket(self, name: str) -> BucketRecord:
        """Raises AwsError NoSuchBucket, or PermanentRedirect where it is in another region."""
        record = self.index.find_bucket(name)
        if record is not None:
            return record
        region = self.elsewhere.get(name)
        if region is None:
            raise s3_error("NoSuchBucket", BucketName=name)
        raise s3_error(
            "PermanentRedirect",
            Endpoint=f"{name}.s3.{region}.amazonaws.com",
            Bucket=name,
            **{"x-amz-bucket-region": region},
        )

    def version(self, bucket: str, key: str, version_id: str | None) -> Version:
        """A version that has a body. Raises AwsError NoSuchKey, NoSuchVersion, MethodNotAllowed."""
        if version_id is None:
            current = self.index.current(bucket, key)
            if current is None:
                raise s3_error("NoSuchKey", Key=key)
            if current.deleted:
                marker = {"x-amz-delete-marker": "true", "x-amz-version-id": current.id}
                raise s3_error("NoSuchKey", Key=key, **marker)
            return current
        version = self.index.version(bucket, key, version_id)
        if version is None:
            raise s3_error("NoSuchVersion", Key=key, VersionId=version_id)
        if version.deleted:
            marker = {"x-amz-delete-marker": "true", "x-amz-version-id": version.id, "allow": "DELETE"}
            raise s3_error("MethodNotAllowed", Method="GET", ResourceType="DeleteMarker", **marker)
        return version

    def present(self, bucket: str, key: str) -> Version | None:
        """The current object; None where there is none, or a delete marker."""
        current = self.index.current(bucket, key)
        return None if current is None or current.deleted else current

    def body(self, version: Version, start: int, end: int) -> bytes | AsyncIterator[bytes]:
        """A range of a version's body; a small one at once, so that its file cannot go meanwhile."""
        if end - start <= READ_BYTES:
            return self.blobs.read_small(version.pieces, start, end)
        return self.blobs.read(version.pieces, start, end)

    @contextlib.contextmanager
    def recording(self, blobs: Sequence[str]) -> Iterator[None]:
        """Around the change that records files. Where it fails, they are discarded; where it is cancelled, nobody
        knows whether it will be durable, so they are left to the next start's sweep."""
        try:
            yield
        except Exception:
            self.blobs.discard(blob for blob in blobs if not self.index.needs(blob))
            raise
        self.blobs.recorded(blobs)

    def encryption_fields(self, version: Version) -> list[tuple[str, str]]:
        """What an answer to a write says of encryption."""
        return [(name, value) for name, value in version.fields.items() if name.startswith(_ENCRYPTION_PREFIX)]
