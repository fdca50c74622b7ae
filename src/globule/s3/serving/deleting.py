"""DeleteObject and DeleteObjects."""

from __future__ import annotations

from collections.abc import Mapping

from globule.s3.rules.conditions import Conditions, check_write
from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import Version
from globule.s3.rules.xml import Element, parsed
from globule.s3.serving.answers import empty_answer, xml_answer
from globule.s3.serving.core import DOCUMENT_LIMIT_BYTES, Call, Core, Handler
from globule.s3.serving.incoming import Incoming
from globule.s3.serving.index import Deleted
from globule.wire.http import Response

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
KEYS_LIMIT = 1000


class Deleting:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {"DeleteObject": self.one, "DeleteObjects": self.many}

    async def one(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        conditions = Conditions(match=call.request.headers.get("if-match"))
        (deleted,) = await self._core.index.delete(
            call.bucket,
            [(call.key, call.query.get("versionId"))],
            self._marker(),
            check=lambda current: check_write(conditions, current),
        )
        self._core.blobs.discard(deleted.freed)
        fields = [("x-amz-version-id", deleted.version_id)] if deleted.version_id is not None else []
        if deleted.marker is not None:
            fields.append(("x-amz-delete-marker", "true"))
        return empty_answer(204, fields)

    async def many(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        incoming = Incoming(call.request)
        if not incoming.is_protected:
            raise s3_error("InvalidRequest", "Missing required header for this request: Content-MD5")
        request = parsed(await incoming.read(DOCUMENT_LIMIT_BYTES), "Delete")
        requests = [(node.value("Key") or "", node.value("VersionId")) for node in request.all("Object")]
        if not 1 <= len(requests) <= KEYS_LIMIT or not all(key for key, _ in requests):
            raise s3_error("MalformedXML")
        if any(node.find("ETag") is not None for node in request.all("Object")):
            raise s3_error("NotImplemented", "Conditions on the keys of DeleteObjects are not implemented here.")
        done = await self._core.index.delete(call.bucket, requests, self._marker())
        for deleted in done:
            self._core.blobs.discard(deleted.freed)
        if request.value("Quiet") == "true":
            return xml_answer("DeleteResult")
        return xml_answer(
            "DeleteResult", *(_told(*request, deleted) for request, deleted in zip(requests, done, strict=True))
        )

    def _marker(self) -> Version:
        return Version(id=self._core.identifier(), modified_us=self._core.now_us(), deleted=True)


def _told(key: str, version_id: str | None, deleted: Deleted) -> Element:
    marker = deleted.marker
    return (
        "Deleted",
        (
            ("Key", key),
            ("VersionId", version_id),
            ("DeleteMarker", True if marker is not None else None),
            ("DeleteMarkerVersionId", marker.id if marker is not None else None),
        ),
    )
