"""Objects: written, read, tagged."""

from __future__ import annotations

from collections.abc import Mapping

from globule.s3.rules.conditions import NotModified, check_read, check_write, conditions_of
from globule.s3.rules.errors import s3_error
from globule.s3.rules.given import TAGS_LIMIT, fields_to_keep, tags_of_document, tags_of_header
from globule.s3.rules.ranges import range_of
from globule.s3.rules.records import Version
from globule.s3.rules.xml import parsed
from globule.s3.serving.answers import (
    checksum_fields,
    empty_answer,
    http_date,
    object_fields,
    quoted,
    xml_answer,
)
from globule.s3.serving.buckets import tag_elements
from globule.s3.serving.core import DOCUMENT_LIMIT_BYTES, Call, Core, Handler
from globule.s3.serving.incoming import Incoming, content_codings
from globule.wire.http import Headers, Response

# The fields that a reader may have given back with other values: `?response-content-type=text/plain`.
_OVERRIDES = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
# What a 304 repeats (RFC 9110 section 15.4.5).
_NOT_MODIFIED_FIELDS = ("cache-control", "expires")


class Objects:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {
            "PutObject": self.put,
            "GetObject": self.get,
            "HeadObject": self.get,
            "GetObjectTagging": self.tagging,
            "PutObjectTagging": self.put_tagging,
            "DeleteObjectTagging": self.delete_tagging,
        }

    async def put(self, call: Call) -> Response:
        core, headers = self._core, call.request.headers
        core.bucket(call.bucket)
        fields = fields_to_keep(
            headers, [coding for coding in content_codings(call.request) if coding != "aws-chunked"]
        )
        tags = tags_of_header(headers.get("x-amz-tagging"))
        conditions = conditions_of(headers)
        check_write(conditions, core.present(call.bucket, call.key))  # before the body, to spare it; again at the end
        incoming = Incoming(call.request)
        piece = await core.blobs.receive(incoming)
        version = Version(
            id=core.identifier(),
            modified_us=core.now_us(),
            size_bytes=piece.size_bytes,
            etag=incoming.etag,
            pieces=(piece,),
            fields=fields,
            checksum=incoming.checksum,
            tags=tags,
        )
        with core.recording(version.blobs):
            written = await core.index.put(
                call.bucket, call.key, version, check=lambda current: check_write(conditions, current)
            )
        core.blobs.discard(written.freed)
        answer = [("etag", quoted(version.etag)), *checksum_fields(version), *core.encryption_fields(version)]
        if written.versioned:
            answer.append(("x-amz-version-id", written.version.id))
        return empty_answer(fields=answer)

    async def get(self, call: Call) -> Response:
        """Also HeadObject."""
        core, headers = self._core, call.request.headers
        record = core.bucket(call.bucket)
        version = core.version(call.bucket, call.key, call.query.get("versionId"))
        versioned = record.versioning != ""
        try:
            check_read(conditions_of(headers), version)
        except NotModified:
            return _not_modified(version, versioned=versioned)
        fields = Headers(object_fields(version, versioned=versioned))
        for name in _OVERRIDES:
            override = call.query.get(f"response-{name}")
            if override is not None:
                fields.set(name, override)
        start, end, partial = self._extent(call, version, fields)
        if partial:
            fields.set("content-range", f"bytes {start}-{end - 1}/{version.size_bytes}")
        elif (headers.get("x-amz-checksum-mode") or "").upper() == "ENABLED":
            fields.fields.extend(checksum_fields(version))
        fields.set("content-length", str(end - start))
        return Response(
            status=206 if partial else 200,
            headers=fields,
            body=b"" if call.request.method == "HEAD" else core.body(version, start, end),
        )

    def _extent(self, call: Call, version: Version, fields: Headers) -> tuple[int, int, bool]:
        """From which byte to which, and whether that makes the answer a partial one."""
        number = call.query.get("partNumber")
        if number is None:
            extent = range_of(call.request.headers.get("range"), version.size_bytes)
            return (0, version.size_bytes, False) if extent is None else (*extent, True)
        if "range" in call.request.headers:
            raise s3_error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        if not number.isdecimal() or not 1 <= int(number[:6]) <= max(version.parts, 1):
            raise s3_error("InvalidPartNumber")
        if version.parts == 0:
            return 0, version.size_bytes, False
        fields.set("x-amz-mp-parts-count", str(version.parts))
        before = sum(piece.size_bytes for piece in version.pieces[: int(number) - 1])
        end = before + version.pieces[int(number) - 1].size_bytes
        return before, end, end > before

    async def tagging(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        version = self._core.version(call.bucket, call.key, call.query.get("versionId"))
        return xml_answer("Tagging", ("TagSet", tag_elements(version.tags)))

    async def put_tagging(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        version = self._core.version(call.bucket, call.key, call.query.get("versionId"))
        body = await Incoming(call.request).read(DOCUMENT_LIMIT_BYTES)
        tags = tags_of_document(parsed(body, "Tagging"), TAGS_LIMIT)
        await self._core.index.retag(call.bucket, call.key, version, tags)
        return empty_answer()

    async def delete_tagging(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        version = self._core.version(call.bucket, call.key, call.query.get("versionId"))
        await self._core.index.retag(call.bucket, call.key, version, {})
        return empty_answer(204)


def _not_modified(version: Version, *, versioned: bool) -> Response:
    fields = [("etag", quoted(version.etag)), ("last-modified", http_date(version.modified_us))]
    fields += [(name, version.fields[name]) for name in _NOT_MODIFIED_FIELDS if name in version.fields]
    if versioned:
        fields.append(("x-amz-version-id", version.id))
    return empty_answer(304, fields)
