"""Buckets as websites: https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html

GET and HEAD, HTML for errors, an index for folders.
"""

from __future__ import annotations

from html import escape

from globule.s3.rules.addressing import Target
from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import BucketRecord
from globule.s3.serving.core import Call, Core, Handler
from globule.wire.aws.errors import AwsError
from globule.wire.http import Headers, Request, Response

_HTML = "text/html; charset=utf-8"
_REDIRECT = "x-amz-website-redirect-location"


class Websites:
    """`get` is GetObject."""

    def __init__(self, core: Core, get: Handler) -> None:
        self._core = core
        self._get = get

    async def answer(self, request: Request, bucket: str) -> Response:
        record: BucketRecord | None = None
        try:
            if request.method not in ("GET", "HEAD"):
                raise s3_error("MethodNotAllowed")
            record = self._core.bucket(bucket)
            return await self._page(request, record)
        except AwsError as error:
            return await self._error(request, record, error)

    async def _page(self, request: Request, record: BucketRecord) -> Response:
        website = record.declared.website if record.declared else None
        if website is None:
            raise s3_error("NoSuchWebsiteConfiguration", BucketName=record.name)
        key = request.path.removeprefix("/")
        if key == "" or key.endswith("/"):
            return await self._object(request, record.name, key + website.index)
        if self._core.present(record.name, key) is None and self._core.present(record.name, f"{key}/{website.index}"):
            return _redirect(302, f"{request.raw_path}/")
        return await self._object(request, record.name, key)

    async def _object(self, request: Request, bucket: str, key: str) -> Response:
        response = await self._get(Call(request=request, target=Target(bucket=bucket, key=key, query={})))
        location = response.headers.get(_REDIRECT)
        return _redirect(301, location) if location is not None else response

    async def _error(self, request: Request, record: BucketRecord | None, error: AwsError) -> Response:
        website = record.declared.website if record and record.declared else None
        if record and website and website.error and self._core.present(record.name, website.error):
            plain = Request(method="GET", target="/", headers=Headers())
            target = Target(bucket=record.name, key=website.error, query={})
            response = await self._get(Call(request=plain, target=target))
            response.status = error.status
            return response
        text = f"{error.status} {error.code}"
        body = (
            f"<html>\n<head><title>{text}</title></head>\n<body>\n<h1>{text}</h1>\n"
            f"<ul>\n<li>Code: {error.code}</li>\n<li>Message: {escape(error.message)}</li>\n</ul>\n</body>\n</html>\n"
        )
        return Response(status=error.status, headers=Headers([("content-type", _HTML)]), body=body.encode())


def _redirect(status: int, location: str) -> Response:
    return Response(status=status, headers=Headers([("location", location)]))
