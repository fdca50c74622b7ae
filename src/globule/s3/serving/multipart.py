"""Uploads in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html

Completing one copies nothing: the object's body is the list of its parts' files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from globule.s3.rules.checksums import (
    ALGORITHMS,
    FULL_OBJECT_ALGORITHMS,
    combined,
    composite,
    element_of,
    field_of,
)
from globule.s3.rules.conditions import Conditions, check_write
from globule.s3.rules.errors import s3_error
from globule.s3.rules.given import fields_to_keep, number_of, tags_of_header
from globule.s3.rules.ranges import range_of
from globule.s3.rules.records import Checksum, Part, Upload, Version
from globule.s3.rules.xml import Element, Node, parsed
from globule.s3.serving.answers import STANDARD, empty_answer, iso, owner, quoted, xml_answer
from globule.s3.serving.copying import Again, Source, copy_source, result_elements
from globule.s3.serving.core import DOCUMENT_LIMIT_BYTES, Call, Core, Handler
from globule.s3.serving.incoming import Incoming, content_codings
from globule.s3.serving.listings import encoder_of
from globule.wire.http import Response

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PARTS_LIMIT = 10_000
PART_LEAST_BYTES = 5 * 1024 * 1024
OBJECT_LIMIT_BYTES = 50 * 1024**4
PAGE_LIMIT = 1000

Kind = Literal["FULL_OBJECT", "COMPOSITE"]


class Uploads:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {
            "CreateMultipartUpload": self.create,
            "UploadPart": self.put_part,
            "UploadPartCopy": self.copy_part,
            "CompleteMultipartUpload": self.complete,
            "AbortMultipartUpload": self.abort,
            "ListParts": self.parts,
            "ListMultipartUploads": self.all,
        }

    async def create(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        headers = call.request.headers
        algorithm, kind = _wanted_checksum(call)
        upload = Upload(
            initiated_us=self._core.now_us(),
            fields=fields_to_keep(headers, content_codings(call.request)),
            tags=tags_of_header(headers.get("x-amz-tagging")),
            checksum_algorithm=algorithm,
            checksum_kind=kind,
        )
        upload_id = self._core.identifier()
        await self._core.index.begin_upload(call.bucket, call.key, upload_id, upload)
        fields = [(name, value) for name, value in upload.fields.items() if "encryption" in name]
        if algorithm is not None:
            fields += [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)]
        return xml_answer(
            "InitiateMultipartUploadResult",
            ("Bucket", call.bucket),
            ("Key", call.key),
            ("UploadId", upload_id),
            fields=fields,
        )

    async def put_part(self, call: Call) -> Response:
        upload, number = self._upload(call), _part_number(call)
        incoming = Incoming(call.request, algorithm=upload.checksum_algorithm)
        if incoming.given and upload.checksum_algorithm and incoming.algorithm != upload.checksum_algorithm:
            raise s3_error(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm.lower()}, "
                f"actual checksum Type: {str(incoming.algorithm).lower()}",
            )
        part = await self._store(call, number, incoming)
        fields = [("etag", quoted(part.etag)), *_part_checksum_fields(part)]
        return empty_answer(fields=fields)

    async def copy_part(self, call: Call) -> Response:
        upload, number = self._upload(call), _part_number(call)
        source = copy_source(self._core, call)
        start, end = _copied_range(call, source)
        body = self._core.blobs.read(source.version.pieces, start, end)
        part = await self._store(call, number, Again(body, upload.checksum_algorithm))
        told = Version(id="", modified_us=part.modified_us, etag=part.etag, checksum=part.checksum)
        elements = [element for element in result_elements(told) if element[0] != "ChecksumType"]
        return xml_answer("CopyPartResult", *elements, fields=source.fields())

    async def _store(self, call: Call, number: int, source: Incoming | Again) -> Part:
        core = self._core
        piece = await core.blobs.receive(source)
        part = Part(piece=piece, etag=source.etag, modified_us=core.now_us(), checksum=source.checksum)
        with core.recording([piece.blob]):
            freed = await core.index.put_part(call.bucket, call.key, call.query["uploadId"], number, part)
        core.blobs.discard(freed)
        return part

    async def complete(self, call: Call) -> Response:
        core, upload, upload_id = self._core, self._upload(call), call.query["uploadId"]
        conditions = Conditions(
            match=call.request.headers.get("if-match"), none_match=call.request.headers.get("if-none-match")
        )
        body = await Incoming(call.request, algorithm=None).read(DOCUMENT_LIMIT_BYTES)
        wanted = parsed(body, "CompleteMultipartUpload").all("Part")
        parts = _chosen(wanted, dict(core.index.parts(upload_id)), upload)
        version = _assembled(call, core, upload, parts)
        written = await core.index.complete(
            call.bucket,
            call.key,
            upload_id,
            version,
            check=lambda current: check_write(conditions, current),
        )
        core.blobs.discard(written.freed)
        fields = core.encryption_fields(version)
        if written.versioned:
            fields.append(("x-amz-version-id", written.version.id))
        elements: list[Element] = [
            ("Location", f"https://{call.bucket}.s3.{core.region}.amazonaws.com/{call.key}"),
            ("Bucket", call.bucket),
            ("Key", call.key),
            *(element for element in result_elements(version) if element[0] != "LastModified"),
        ]
        return xml_answer("CompleteMultipartUploadResult", *elements, fields=fields)

    async def abort(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        freed = await self._core.index.abort_upload(call.bucket, call.key, call.query["uploadId"])
        self._core.blobs.discard(freed)
        return empty_answer(204)

    async def parts(self, call: Call) -> Response:
        upload = self._upload(call)
        marker = number_of(call.query, "part-number-marker", PARTS_LIMIT) if "part-number-marker" in call.query else 0
        limit = number_of(call.query, "max-parts", PAGE_LIMIT)
        found = []
        for entry in self._core.index.parts(call.query["uploadId"], after=marker):
            found.append(entry)
            if len(found) > limit:
                break
        shown = found[:limit]
        return xml_answer(
            "ListPartsResult",
            ("Bucket", call.bucket),
            ("Key", encoder_of(call)(call.key)),
            ("UploadId", call.query["uploadId"]),
            ("Initiator", owner(self._core.account)),
            ("Owner", owner(self._core.account)),
            ("StorageClass", upload.fields.get("x-amz-storage-class", STANDARD)),
            ("PartNumberMarker", marker),
            ("NextPartNumberMarker", shown[-1][0] if shown else 0),
            ("MaxParts", limit),
            ("IsTruncated", len(found) > limit),
            ("ChecksumAlgorithm", upload.checksum_algorithm),
            ("ChecksumType", upload.checksum_kind if upload.checksum_algorithm else None),
            *(("Part", _part_elements(number, part)) for number, part in shown),
        )

    async def all(self, call: Call) -> Response:
        """With a delimiter, uploads are rolled up as objects are; a page is never cut inside a common prefix."""
        self._core.bucket(call.bucket)
        query, encode = call.query, encoder_of(call)
        limit = number_of(query, "max-uploads", PAGE_LIMIT)
        entries, prefixes, more, last = _page_of_uploads(self._core.index.uploads(call.bucket), query, limit)
        return xml_answer(
            "ListMultipartUploadsResult",
            ("Bucket", call.bucket),
            ("KeyMarker", encode(query.get("key-marker", ""))),
            ("UploadIdMarker", query.get("upload-id-marker", "")),
            ("NextKeyMarker", encode(last[0]) if more else None),
            ("NextUploadIdMarker", last[1] if more else None),
            ("Prefix", encode(query.get("prefix", ""))),
            ("Delimiter", encode(query.get("delimiter", "")) or None),
            ("MaxUploads", limit),
            ("EncodingType", query.get("encoding-type")),
            ("IsTruncated", more),
            *(("Upload", self._upload_elements(*entry, encode)) for entry in entries),
            *(("CommonPrefixes", (("Prefix", encode(prefix)),)) for prefix in prefixes),
        )

    def _upload(self, call: Call) -> Upload:
        self._core.bucket(call.bucket)
        return self._core.index.upload(call.bucket, call.key, call.query["uploadId"])

    def _upload_elements(self, key: str, upload_id: str, upload: Upload, encode: Callable[[str], str]) -> list[Element]:
        return [
            ("Key", encode(key)),
            ("UploadId", upload_id),
            ("Initiator", owner(self._core.account)),
            ("Owner", owner(self._core.account)),
            ("StorageClass", upload.fields.get("x-amz-storage-class", STANDARD)),
            ("Initiated", iso(upload.initiated_us)),
        ]


def _wanted_checksum(call: Call) -> tuple[str | None, Kind]:
    algorithm = call.request.headers.get("x-amz-checksum-algorithm")
    kind = call.request.headers.get("x-amz-checksum-type")
    if algorithm is None:
        if kind is not None:
            raise s3_error(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return None, "COMPOSITE"
    algorithm = algorithm.upper()
    if algorithm not in ALGORITHMS:
        raise s3_error(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(ALGORITHMS)}]",
        )
    wanted = (kind or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")).upper()
    fits = algorithm in FULL_OBJECT_ALGORITHMS if wanted == "FULL_OBJECT" else algorithm != "CRC64NVME"
    if wanted not in ("FULL_OBJECT", "COMPOSITE") or not fits:
        raise s3_error(
            "InvalidRequest",
            f"The {wanted} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
        )
    return algorithm, "FULL_OBJECT" if wanted == "FULL_OBJECT" else "COMPOSITE"


def _part_number(call: Call) -> int:
    text = call.query.get("partNumber", "")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:8]) <= PARTS_LIMIT):
        raise s3_error(
            "InvalidArgument",
            f"Part number must be an integer between 1 and {PARTS_LIMIT}, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=text,
        )
    return int(text)


def _copied_range(call: Call, source: Source) -> tuple[int, int]:
    field = call.request.headers.get("x-amz-copy-source-range")
    if field is None:
        return 0, source.version.size_bytes
    extent = range_of(field, source.version.size_bytes)
    if extent is None:
        raise s3_error(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
        )
    return extent


def _chosen(wanted: Sequence[Node], present: Mapping[int, Part], upload: Upload) -> list[Part]:
    """The parts that a client lists, checked against those that it sent. Raises AwsError."""
    if not wanted:
        raise s3_error("MalformedXML")
    chosen: list[Part] = []
    previous = 0
    for node in wanted:
        text = node.value("PartNumber") or ""
        if not (text.isascii() and text.isdecimal()):
            raise s3_error("MalformedXML")
        number = int(text[:8])
        if number <= previous:
            raise s3_error("InvalidPartOrder")
        previous = number
        part = present.get(number)
        if part is None or part.etag != (node.value("ETag") or "").strip().strip('"'):
            raise s3_error("InvalidPart", PartNumber=str(number))
        if part.checksum is not None:
            given = node.value(element_of(part.checksum.algorithm))
            if given is not None and given != part.checksum.value:
                raise s3_error("InvalidPart", PartNumber=str(number))
        chosen.append(part)
    for number, part in enumerate(chosen[:-1]):
        if part.piece.size_bytes < PART_LEAST_BYTES:
            raise s3_error(
                "EntityTooSmall",
                PartNumber=str(number + 1),
                ProposedSize=str(part.piece.size_bytes),
                MinSizeAllowed=str(PART_LEAST_BYTES),
            )
    return chosen


def _assembled(call: Call, core: Core, upload: Upload, parts: Sequence[Part]) -> Version:
    size_bytes = sum(part.piece.size_bytes for part in parts)
    given_size = call.request.headers.get("x-amz-mp-object-size")
    if given_size is not None and given_size != str(size_bytes):
        raise s3_error(
            "InvalidRequest", "The provided 'x-amz-mp-object-size' header value does not match what was computed."
        )
    if size_bytes > OBJECT_LIMIT_BYTES:
        raise s3_error("EntityTooLarge")
    etag = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False).hexdigest()
    checksum = _whole_checksum(upload, parts)
    if checksum is not None:
        given = call.request.headers.get(field_of(checksum.algorithm))
        if given is not None and given not in (checksum.value, checksum.value.partition("-")[0]):
            raise s3_error(
                "BadDigest", f"The {checksum.algorithm} you specified did not match the calculated checksum."
            )
    return Version(
        id=core.identifier(),
        modified_us=core.now_us(),
        size_bytes=size_bytes,
        etag=f"{etag}-{len(parts)}",
        pieces=tuple(part.piece for part in parts),
        parts=len(parts),
        fields=upload.fields,
        checksum=checksum,
        tags=upload.tags,
    )


def _whole_checksum(upload: Upload, parts: Sequence[Part]) -> Checksum | None:
    algorithm = upload.checksum_algorithm
    if algorithm is None:
        return None
    values = [(part.checksum.value if part.checksum else "", part.piece.size_bytes) for part in parts]
    if upload.checksum_kind == "FULL_OBJECT":
        return Checksum(algorithm, combined(algorithm, values))
    return Checksum(algorithm, composite(algorithm, [value for value, _ in values]), "COMPOSITE")


def _part_checksum_fields(part: Part) -> list[tuple[str, str]]:
    return [] if part.checksum is None else [(field_of(part.checksum.algorithm), part.checksum.value)]


def _part_elements(number: int, part: Part) -> list[Element]:
    elements: list[Element] = [
        ("PartNumber", number),
        ("LastModified", iso(part.modified_us)),
        ("ETag", quoted(part.etag)),
        ("Size", part.piece.size_bytes),
    ]
    if part.checksum is not None:
        elements.append((element_of(part.checksum.algorithm), part.checksum.value))
    return elements


def _page_of_uploads(
    uploads: Iterator[tuple[str, str, Upload]], query: Mapping[str, str], limit: int
) -> tuple[list[tuple[str, str, Upload]], list[str], bool, tuple[str, str]]:
    """Uploads, common prefixes, whether there are more, and the key and id that the next page comes after."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    key_marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    entries: list[tuple[str, str, Upload]] = []
    prefixes: list[str] = []
    last = ("", "")
    for key, upload_id, upload in uploads:
        passed = key < key_marker or (key == key_marker and (not id_marker or upload_id <= id_marker))
        if not key.startswith(prefix) or (key_marker and passed):
            continue
        found = key.find(delimiter, len(prefix)) if delimiter else -1
        common = key[: found + len(delimiter)] if found >= 0 else None
        if common is not None and common in (key_marker, *prefixes[-1:]):
            continue
        if len(entries) + len(prefixes) >= limit:
            return entries, prefixes, limit > 0, last
        if common is None:
            entries.append((key, upload_id, upload))
            last = (key, upload_id)
        else:
            prefixes.append(common)
            last = (common, "")
    return entries, prefixes, False, last
