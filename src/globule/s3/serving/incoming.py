"""A body that a client sends: decoded, bounded, and checked against every digest that the client gave."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator

from globule.host.http_stream import BodyInterrupted
from globule.s3.rules.aws_chunked import AwsChunkedDecoder
from globule.s3.rules.checksums import ALGORITHMS, Digest, field_of, new_digest
from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import Checksum
from globule.wire.http import Request

# Of one PutObject or UploadPart: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
BODY_LIMIT_BYTES = 5 * 1024**3


class Incoming:
    """Iterate once; then `verify`. `algorithm` asks for a checksum also where the client sends none."""

    def __init__(self, request: Request, *, algorithm: str | None = None) -> None:
        """Raises AwsError where the fields that describe the body are wrong."""
        headers = request.headers
        self._body = request.body
        self._content_sha256 = headers.get("x-amz-content-sha256") or ""
        coded = self._content_sha256.startswith("STREAMING-") or "aws-chunked" in content_codings(request)
        self._decoder = AwsChunkedDecoder() if coded else None
        self._expected = _length(headers.get("x-amz-decoded-content-length")) if coded else request.body.length
        if self._expected is None and not coded and headers.get("transfer-encoding") is None:
            raise s3_error("MissingContentLength")
        if self._expected is not None and self._expected > BODY_LIMIT_BYTES:
            raise s3_error("EntityTooLarge", ProposedSize=str(self._expected), MaxSizeAllowed=str(BODY_LIMIT_BYTES))
        self._content_md5 = _digest_field(headers.get("content-md5"), 16)
        self.given = _given_checksum(request)
        """Algorithm and base64 value, the value None until the trailers are there; None where the client sends none."""
        self.algorithm = self.given[0] if self.given else algorithm
        self.size_bytes = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if len(self._content_sha256) == 64 else None
        self._checksum: Digest | None = new_digest(self.algorithm) if self.algorithm else None

    @property
    def etag(self) -> str:
        return self._md5.hexdigest()

    @property
    def checksum(self) -> Checksum | None:
        if self.algorithm is None or self._checksum is None:
            return None
        return Checksum(self.algorithm, base64.b64encode(self._checksum.digest()).decode())

    @property
    def is_protected(self) -> bool:
        """The client sent a digest of the body."""
        return self._content_md5 is not None or self.given is not None

    def digest(self, data: bytes) -> None:
        self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)
        if self._checksum is not None:
            self._checksum.update(data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._body:
                for data in self._decoder.feed(piece) if self._decoder else (piece,):
                    self.size_bytes += len(data)
                    if self.size_bytes > BODY_LIMIT_BYTES:
                        raise s3_error("EntityTooLarge", MaxSizeAllowed=str(BODY_LIMIT_BYTES))
                    if self._expected is not None and self.size_bytes > self._expected:
                        raise s3_error("IncompleteBody")
                    yield data
        except BodyInterrupted:
            raise s3_error("IncompleteBody") from None

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, verified. Raises AwsError."""
        pieces = []
        async for piece in self:
            self.digest(piece)
            if self.size_bytes > limit_bytes:
                raise s3_error("MaxMessageLengthExceeded", MaxMessageLengthBytes=str(limit_bytes))
            pieces.append(piece)
        self.verify()
        return b"".join(pieces)

    def verify(self) -> None:
        """Raises AwsError where the body is not what the client said."""
        if self._decoder is not None and not self._decoder.complete:
            raise s3_error("IncompleteBody")
        if self._expected is not None and self.size_bytes != self._expected:
            raise s3_error("IncompleteBody")
        if self._content_md5 is not None and not hmac.compare_digest(self._content_md5, self._md5.digest()):
            raise s3_error("BadDigest")
        if self._sha256 is not None and self._sha256.hexdigest() != self._content_sha256.lower():
            raise s3_error("XAmzContentSHA256Mismatch")
        if self.given is not None:
            self._verify_checksum(*self.given)

    def _verify_checksum(self, algorithm: str, value: str | None) -> None:
        if value is None:
            trailers = self._decoder.trailers if self._decoder else {}
            value = trailers.get(field_of(algorithm))
            if value is None:
                raise s3_error("InvalidRequest", "The trailer that x-amz-trailer names did not come.")
        checksum = self.checksum
        if checksum is None or checksum.value != value:
            raise s3_error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def content_codings(request: Request) -> list[str]:
    """The codings of Content-Encoding, in order, in lower case."""
    fields = ",".join(request.headers.all("content-encoding"))
    return [coding.strip().lower() for coding in fields.split(",") if coding.strip()]


def _given_checksum(request: Request) -> tuple[str, str | None] | None:
    trailer = (request.headers.get("x-amz-trailer") or "").strip().lower()
    found: list[tuple[str, str | None]] = []
    for algorithm in ALGORITHMS:
        value = request.headers.get(field_of(algorithm))
        if value is not None:
            size = len(new_digest(algorithm).digest())
            if _decoded(value, size) is None:
                raise s3_error("InvalidRequest", f"Value for {field_of(algorithm)} header is invalid.")
            found.append((algorithm, value))
        elif trailer == field_of(algorithm):
            found.append((algorithm, None))
    if len(found) > 1:
        raise s3_error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    if not found and trailer.startswith("x-amz-checksum-"):
        raise s3_error("InvalidRequest", f"The algorithm of {trailer} is not supported.")
    return found[0] if found else None


def _digest_field(value: str | None, size: int) -> bytes | None:
    if value is None:
        return None
    decoded = _decoded(value, size)
    if decoded is None:
        raise s3_error("InvalidDigest")
    return decoded


def _decoded(value: str, size: int) -> bytes | None:
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if len(decoded) == size else None


def _length(value: str | None) -> int:
    if value is None:
        raise s3_error("MissingContentLength")
    if not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise s3_error("InvalidArgument", "x-amz-decoded-content-length must be a number.")
    return int(value)
