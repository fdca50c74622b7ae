"""ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote_plus

from globule.s3.rules.errors import s3_error
from globule.s3.rules.given import number_of
from globule.s3.rules.listing import PAGE_LIMIT, Entry, Page, page_of_objects, page_of_versions
from globule.s3.rules.xml import Element
from globule.s3.serving.answers import STANDARD, iso, owner, quoted, xml_answer
from globule.s3.serving.core import Call, Core, Handler
from globule.wire.http import Response

# What encoding-type=url leaves as it is, besides letters and digits.
_LEFT = "/*-._"


class Listings:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {
            "ListObjects": self.first,
            "ListObjectsV2": self.second,
            "ListObjectVersions": self.versions,
        }

    async def first(self, call: Call) -> Response:
        marker = call.query.get("marker", "")
        page, limit = self._objects(call, marker)
        encode = encoder_of(call)
        delimiter = call.query.get("delimiter", "")
        return xml_answer(
            "ListBucketResult",
            ("Name", call.bucket),
            ("Prefix", encode(call.query.get("prefix", ""))),
            ("Marker", encode(marker)),
            ("NextMarker", encode(page.last) if page.more and delimiter else None),
            ("MaxKeys", limit),
            ("Delimiter", encode(delimiter) or None),
            ("EncodingType", call.query.get("encoding-type")),
            ("IsTruncated", page.more),
            *(self._contents(entry, encode, owned=True) for entry in page.entries),
            *common_prefixes(page, encode),
        )

    async def second(self, call: Call) -> Response:
        token = call.query.get("continuation-token")
        start_after = call.query.get("start-after", "")
        page, limit = self._objects(call, start_after if token is None else _read_token(token))
        encode = encoder_of(call)
        owned = call.query.get("fetch-owner", "").lower() == "true"
        return xml_answer(
            "ListBucketResult",
            ("Name", call.bucket),
            ("Prefix", encode(call.query.get("prefix", ""))),
            ("Delimiter", encode(call.query.get("delimiter", "")) or None),
            ("MaxKeys", limit),
            ("EncodingType", call.query.get("encoding-type")),
            ("KeyCount", len(page.entries) + len(page.prefixes)),
            ("IsTruncated", page.more),
            ("ContinuationToken", token),
            ("NextContinuationToken", _token(page.last) if page.more else None),
            ("StartAfter", encode(start_after) or None),
            *(self._contents(entry, encode, owned=owned) for entry in page.entries),
            *common_prefixes(page, encode),
        )

    async def versions(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        query, encode = call.query, encoder_of(call)
        key_marker, id_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
        if id_marker and not key_marker:
            raise s3_error("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
        limit = number_of(query, "max-keys", PAGE_LIMIT)
        page = page_of_versions(
            self._core.index.scan,
            call.bucket,
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            after=key_marker,
            after_version=self._core.index.version(call.bucket, key_marker, id_marker) if id_marker else None,
            limit=limit,
        )
        return xml_answer(
            "ListVersionsResult",
            ("Name", call.bucket),
            ("Prefix", encode(query.get("prefix", ""))),
            ("KeyMarker", encode(key_marker)),
            ("VersionIdMarker", id_marker),
            ("NextKeyMarker", encode(page.last) if page.more else None),
            ("NextVersionIdMarker", page.last_version or None if page.more else None),
            ("MaxKeys", limit),
            ("Delimiter", encode(query.get("delimiter", "")) or None),
            ("EncodingType", query.get("encoding-type")),
            ("IsTruncated", page.more),
            *(self._version(entry, encode) for entry in page.entries),
            *common_prefixes(page, encode),
        )

    def _objects(self, call: Call, after: str) -> tuple[Page, int]:
        self._core.bucket(call.bucket)
        limit = number_of(call.query, "max-keys", PAGE_LIMIT)
        page = page_of_objects(
            self._core.index.scan,
            call.bucket,
            prefix=call.query.get("prefix", ""),
            delimiter=call.query.get("delimiter", ""),
            after=after,
            limit=limit,
        )
        return page, limit

    def _contents(self, entry: Entry, encode: Callable[[str], str], *, owned: bool) -> Element:
        return ("Contents", [("Key", encode(entry.key)), *self._described(entry, owned=owned)])

    def _version(self, entry: Entry, encode: Callable[[str], str]) -> Element:
        identity: list[Element] = [
            ("Key", encode(entry.key)),
            ("VersionId", entry.version.id),
            ("IsLatest", entry.latest),
        ]
        if entry.version.deleted:
            changed: list[Element] = [("LastModified", iso(entry.version.modified_us))]
            return ("DeleteMarker", [*identity, *changed, ("Owner", owner(self._core.account))])
        return ("Version", [*identity, *self._described(entry, owned=True)])

    def _described(self, entry: Entry, *, owned: bool) -> Iterator[Element]:
        version = entry.version
        yield "LastModified", iso(version.modified_us)
        yield "ETag", quoted(version.etag)
        if version.checksum is not None:
            yield "ChecksumAlgorithm", version.checksum.algorithm
            yield "ChecksumType", version.checksum.kind
        yield "Size", version.size_bytes
        yield "StorageClass", version.fields.get("x-amz-storage-class", STANDARD)
        if owned:
            yield "Owner", owner(self._core.account)


def encoder_of(call: Call) -> Callable[[str], str]:
    """How keys are written. Raises AwsError InvalidArgument."""
    kind = call.query.get("encoding-type")
    if kind is None:
        return str
    if kind != "url":
        raise s3_error("InvalidArgument", "Invalid Encoding Method specified in Request", ArgumentName="encoding-type")
    return lambda key: quote_plus(key, safe=_LEFT)


def common_prefixes(page: Page, encode: Callable[[str], str]) -> Iterator[Element]:
    for prefix in page.prefixes:
        yield "CommonPrefixes", (("Prefix", encode(prefix)),)


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read_token(token: str) -> str:
    try:
        last = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        last = ""
    if not last:
        raise s3_error(
            "InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token"
        )
    return last
