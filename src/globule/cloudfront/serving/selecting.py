"""From a whole answer to what the viewer needs of it: nothing new (304), a part or several (206), or all."""

from __future__ import annotations

from globule.cloudfront.rules import conditions, identifiers, ranges
from globule.cloudfront.rules.failures import ERROR
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.wanted import Wanted


async def select(answer: Answer, wanted: Wanted, request_id: str) -> Answer:
    """ "Conditional requests are not supported where cookies are forwarded"."""
    if answer.status != 200:
        return answer
    field = wanted.request.field
    if not wanted.settings.forwards_cookies and conditions.not_modified(field, answer.fields):
        await answer.abandon()
        answer.status, answer.reason, answer.body, answer.length = 304, None, b"", None
        answer.fields = conditions.not_modified_fields(answer.fields)
        return answer
    range_header = field("range") if wanted.request.method == "GET" else None
    if range_header is None or not isinstance(answer.body, bytes):
        return answer
    if not conditions.range_still_applies(field("if-range"), answer.fields):
        return answer
    return _part(answer, answer.body, range_header, request_id)


def _part(answer: Answer, body: bytes, range_header: str, request_id: str) -> Answer:
    parts = ranges.parts(range_header, len(body))
    if parts == "whole":
        return answer
    answer.fields = [field for field in answer.fields if field[0] != "content-length"]
    if parts == "unsatisfiable":
        answer.status, answer.reason, answer.body, answer.x_cache = 416, None, b"", ERROR
        answer.fields.append(("content-range", f"bytes */{len(body)}"))
        return answer
    answer.status, answer.reason = 206, None
    if len(parts) == 1:
        (part,) = parts
        answer.body = body[part.first : part.last + 1]
        answer.fields.append(("content-range", part.content_range(len(body))))
        return answer
    boundary = identifiers.boundary(request_id)
    content_type = conditions.get(answer.fields, "content-type") or "application/octet-stream"
    answer.body = ranges.multipart(body, parts, content_type=content_type, boundary=boundary)
    answer.fields = [field for field in answer.fields if field[0] != "content-type"]
    answer.fields.append(("content-type", f"multipart/byteranges; boundary={boundary}"))
    return answer
