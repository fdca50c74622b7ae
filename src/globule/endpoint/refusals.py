"""Errors of the front door itself, in the protocol that the caller's client reads."""

from __future__ import annotations

from xml.sax.saxutils import escape

import msgspec

from globule.wire.http import Headers, Request, Response


def refuse(request: Request, status: int, code: str, message: str) -> Response:
    """JSON for clients of the JSON protocols (they send X-Amz-Target, or JSON), else XML as S3 and the query protocol
    answer: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    target = request.headers.get("x-amz-target")
    if target is not None or "json" in (request.headers.get("content-type") or ""):
        version = "1.0" if (target or "").startswith("DynamoDB") else "1.1"
        return Response(
            status=status,
            headers=Headers([("content-type", f"application/x-amz-json-{version}"), ("x-amzn-errortype", code)]),
            body=msgspec.json.encode({"__type": code, "message": message}),
        )
    return Response(
        status=status,
        headers=Headers([("content-type", "application/xml")]),
        body=(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        ).encode(),
    )
