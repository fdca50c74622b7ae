"""Static files to buckets, by the S3 API of the bucket's own region: what `aws s3 sync --delete` would do.

A file whose MD5 is the stored object's ETag is not sent again.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from globule.cloudformation.prepared import Upload
from globule.host.http_client import HttpClient, HttpClientError
from globule.wire.http import BodyTooLarge, BytesBody, Headers, Request
from globule.wire.http_head import MalformedMessage

# A static site's files; larger things are uploaded by the AWS CLI.
FILE_LIMIT_BYTES = 256 * 1024 * 1024
LISTING_LIMIT_BYTES = 8 * 1024 * 1024
_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class UploadProblem(Exception):
    """Files could not be brought to their bucket."""


async def synchronise(client: HttpClient[str], upload: Upload) -> int:
    """Bring a bucket into the state of a folder; return how many objects were written or deleted.

    `client` connects to the region that is its key. Raises UploadProblem.
    """
    try:
        there = await _listed(client, upload)
        changes = 0
        for key, path in _files(upload.folder):
            data = path.read_bytes()
            if there.pop(key, None) != hashlib.md5(data, usedforsecurity=False).hexdigest():
                kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
                await _ask(client, upload, "PUT", quote(f"/{upload.bucket}/{key}"), data, kind)
                changes += 1
        for key in there:
            await _ask(client, upload, "DELETE", quote(f"/{upload.bucket}/{key}"))
    except (HttpClientError, MalformedMessage, BodyTooLarge, ElementTree.ParseError, OSError) as error:
        raise UploadProblem(f"{upload.folder.name} to {upload.bucket} in {upload.region}: {error}") from error
    return changes + len(there)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            if path.stat().st_size > FILE_LIMIT_BYTES:
                raise UploadProblem(f"{path} is larger than {FILE_LIMIT_BYTES} bytes")
            yield inside.as_posix(), path


async def _listed(client: HttpClient[str], upload: Upload) -> dict[str, str]:
    """ETags by key: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""
    found: dict[str, str] = {}
    query = {"list-type": "2"}
    while True:
        listing = ElementTree.fromstring(await _ask(client, upload, "GET", f"/{upload.bucket}?{urlencode(query)}"))
        for entry in listing.iter(f"{_S3}Contents"):
            found[entry.findtext(f"{_S3}Key", "")] = entry.findtext(f"{_S3}ETag", "").strip('"')
        token = listing.findtext(f"{_S3}NextContinuationToken")
        if token is None:
            return found
        query["continuation-token"] = token


async def _ask(
    client: HttpClient[str], upload: Upload, method: str, target: str, data: bytes = b"", kind: str | None = None
) -> bytes:
    headers = Headers([("host", f"s3.{upload.region}.amazonaws.com")])
    if kind is not None:
        headers.add("content-type", kind)
    request = Request(method=method, target=target, headers=headers, body=BytesBody(data))
    response = await client.request(upload.region, request)
    content = await response.body.read(LISTING_LIMIT_BYTES)
    if response.status >= 300:
        raise UploadProblem(f"{method} {target}: {response.status} {content[:200].decode(errors='replace')}")
    return content
