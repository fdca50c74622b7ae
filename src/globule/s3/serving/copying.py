"""CopyObject and UploadPartCopy's source.

A copy of a plain object shares its file's bytes on the disk; one of an object that came in parts is written anew,
since its entity tag is that of the whole: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from globule.s3.rules.checksums import ALGORITHMS, Digest, element_of, new_digest
from globule.s3.rules.conditions import Conditions, check_copy, check_write, conditions_of
from globule.s3.rules.errors import s3_error
from globule.s3.rules.given import fields_to_keep, tags_of_header
from globule.s3.rules.records import Checksum, Version
from globule.s3.rules.xml import Element
from globule.s3.serving.answers import iso, quoted, xml_answer
from globule.s3.serving.core import Call, Core, Handler
from globule.s3.serving.incoming import BODY_LIMIT_BYTES, content_codings
from globule.wire.http import Response

SOURCE = "x-amz-copy-source"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    bucket: str
    key: str
    version: Version
    versioned: bool

    def fields(self) -> list[tuple[str, str]]:
        return [("x-amz-copy-source-version-id", self.version.id)] if self.versioned else []


class Again:
    """A stored body on its way to another file."""

    def __init__(self, body: AsyncIterator[bytes], algorithm: str | None) -> None:
        self._body = body
        self._algorithm = algorithm
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum: Digest | None = new_digest(algorithm) if algorithm else None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body

    def digest(self, data: bytes) -> None:
        self._md5.update(data)
        if self._checksum is not None:
            self._checksum.update(data)

    def verify(self) -> None:
        """It was verified when it came."""

    @property
    def etag(self) -> str:
        return self._md5.hexdigest()

    @property
    def checksum(self) -> Checksum | None:
        if self._algorithm is None or self._checksum is None:
            return None
        return Checksum(self._algorithm, base64.b64encode(self._checksum.digest()).decode())


class Copying:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {"CopyObject": self.copy}

    async def copy(self, call: Call) -> Response:
        core, headers = self._core, call.request.headers
        core.bucket(call.bucket)
        source = copy_source(core, call)
        if source.version.size_bytes > BODY_LIMIT_BYTES:
            raise s3_error(
                "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{BODY_LIMIT_BYTES}",
            )
        draft = _draft(core, call, source)
        conditions = Conditions(match=headers.get("if-match"), none_match=headers.get("if-none-match"))
        check_write(conditions, core.present(call.bucket, call.key))
        version = await self._bodied(draft, source.version, _wanted_algorithm(call) or _algorithm_of(source.version))
        with core.recording(version.blobs):
            written = await core.index.put(
                call.bucket, call.key, version, check=lambda current: check_write(conditions, current)
            )
        core.blobs.discard(written.freed)
        fields = [*source.fields(), *core.encryption_fields(version)]
        if written.versioned:
            fields.append(("x-amz-version-id", written.version.id))
        return xml_answer("CopyObjectResult", *result_elements(written.version), fields=fields)

    async def _bodied(self, draft: Version, original: Version, algorithm: str | None) -> Version:
        if original.parts == 0 and algorithm == _algorithm_of(original):
            pieces = await self._core.blobs.link(original.pieces)
            return msgspec.structs.replace(draft, pieces=pieces, etag=original.etag, checksum=original.checksum)
        again = Again(self._core.blobs.read(original.pieces, 0, original.size_bytes), algorithm)
        piece = await self._core.blobs.receive(again)
        return msgspec.structs.replace(draft, pieces=(piece,), etag=again.etag, checksum=again.checksum)


def copy_source(core: Core, call: Call) -> Source:
    """The version that a request copies from, its conditions checked. Raises AwsError."""
    text, _, version_id = (call.request.headers.get(SOURCE) or "").partition("?versionId=")
    bucket, _, key = unquote(text).removeprefix("/").partition("/")
    if bucket.startswith("arn:"):
        raise s3_error("NotImplemented", "Copying from an access point is not implemented here.")
    if not bucket or not key:
        raise s3_error("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    if core.index.find_bucket(bucket) is None and bucket in core.elsewhere:
        raise s3_error(
            "NotImplemented", f"Copying from another region ({core.elsewhere[bucket]}) is not implemented here."
        )
    record = core.bucket(bucket)
    version = core.version(bucket, key, unquote(version_id) or None)
    check_copy(conditions_of(call.request.headers, f"{SOURCE}-"), version)
    return Source(bucket=bucket, key=key, version=version, versioned=record.versioning != "")


def result_elements(version: Version) -> list[Element]:
    """Of CopyObjectResult and CopyPartResult."""
    elements: list[Element] = [("LastModified", iso(version.modified_us)), ("ETag", quoted(version.etag))]
    if version.checksum is not None:
        elements.append((element_of(version.checksum.algorithm), version.checksum.value))
        elements.append(("ChecksumType", version.checksum.kind))
    return elements


def _draft(core: Core, call: Call, source: Source) -> Version:
    """The copy without its body."""
    headers = call.request.headers
    directive = (headers.get("x-amz-metadata-directive") or "COPY").upper()
    tagging = (headers.get("x-amz-tagging-directive") or "COPY").upper()
    if directive not in ("COPY", "REPLACE") or tagging not in ("COPY", "REPLACE"):
        raise s3_error("InvalidArgument", "Unknown directive.")
    given = fields_to_keep(headers, content_codings(call.request))
    kept: dict[str, Any] = given if directive == "REPLACE" else {**source.version.fields, **_attributes(given)}
    if (
        (source.bucket, source.key) == (call.bucket, call.key)
        and source.version.id == getattr(core.index.current(call.bucket, call.key), "id", None)
        and directive == "COPY"
        and kept == source.version.fields
    ):
        raise s3_error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )
    return Version(
        id=core.identifier(),
        modified_us=core.now_us(),
        size_bytes=source.version.size_bytes,
        fields=kept,
        tags=tags_of_header(headers.get("x-amz-tagging")) if tagging == "REPLACE" else source.version.tags,
    )


def _attributes(given: Mapping[str, str]) -> dict[str, str]:
    """What a copy says for itself even where metadata is copied."""
    return {
        name: value
        for name, value in given.items()
        if name in ("x-amz-storage-class", "x-amz-website-redirect-location")
    }


def _wanted_algorithm(call: Call) -> str | None:
    wanted = call.request.headers.get("x-amz-checksum-algorithm")
    if wanted is not None and wanted.upper() not in ALGORITHMS:
        raise s3_error("InvalidRequest", "Checksum algorithm provided is unsupported.")
    return wanted.upper() if wanted else None


def _algorithm_of(version: Version) -> str | None:
    return version.checksum.algorithm if version.checksum else None
