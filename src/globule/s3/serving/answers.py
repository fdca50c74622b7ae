"""Responses as S3 gives them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import formatdate

from globule.s3.rules.checksums import field_of
from globule.s3.rules.records import Version
from globule.s3.rules.xml import Element, document
from globule.wire.aws.errors import AwsError
from globule.wire.http import Headers, Request, Response

XML = "application/xml"
STANDARD = "STANDARD"


def xml_answer(name: str, *content: Element, fields: list[tuple[str, str]] | None = None) -> Response:
    return Response(
        status=200,
        headers=Headers([("content-type", XML), *(fields or ())]),
        body=document(name, *content),
    )


def empty_answer(status: int = 200, fields: list[tuple[str, str]] | None = None) -> Response:
    return Response(status=status, headers=Headers(fields or ()))


def error_answer(error: AwsError, request: Request, request_id: str) -> Response:
    """Details whose names begin with a small letter are header fields, the others elements."""
    fields = [(name, value) for name, value in error.details.items() if name[0].islower()]
    elements: list[Element] = [
        ("Code", error.code),
        ("Message", error.message),
        *((name, value) for name, value in error.details.items() if not name[0].islower()),
        ("Resource", request.path),
        ("RequestId", request_id),
        ("HostId", host_id(request_id)),
    ]
    return Response(
        status=error.status,
        headers=Headers([("content-type", XML), *fields]),
        body=b"" if request.method == "HEAD" else document("Error", *elements, namespace=False),
    )


def host_id(request_id: str) -> str:
    """The second id of a request, `x-amz-id-2`."""
    return hashlib.sha256(request_id.encode()).hexdigest()


def iso(microseconds: int) -> str:
    """As in XML: whole seconds, written with milliseconds."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_date(microseconds: int) -> str:
    return formatdate(microseconds // 1_000_000, usegmt=True)


def quoted(etag: str) -> str:
    return f'"{etag}"'


def object_fields(version: Version, *, versioned: bool) -> list[tuple[str, str]]:
    """The fields of GetObject and HeadObject that do not depend on what part of it is asked for."""
    fields = [
        ("last-modified", http_date(version.modified_us)),
        ("etag", quoted(version.etag)),
        ("accept-ranges", "bytes"),
        *version.fields.items(),
    ]
    if versioned:
        fields.append(("x-amz-version-id", version.id))
    if version.tags:
        fields.append(("x-amz-tagging-count", str(len(version.tags))))
    return fields


def checksum_fields(version: Version) -> list[tuple[str, str]]:
    if version.checksum is None:
        return []
    return [
        (field_of(version.checksum.algorithm), version.checksum.value),
        ("x-amz-checksum-type", version.checksum.kind),
    ]


def owner(account: str) -> tuple[Element, ...]:
    """An account's canonical user id."""
    return (("ID", hashlib.sha256(account.encode()).hexdigest()),)
