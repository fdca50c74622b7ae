"""An answer that is not kept: an origin's body goes through as it comes."""

from __future__ import annotations

from globule.cloudfront.rules import conditions, responses
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.origin_exchange import OriginAnswer
from globule.cloudfront.serving.wanted import Wanted
from globule.wire.http import BytesBody


def relayed(got: OriginAnswer, wanted: Wanted) -> Answer:
    x_cache = answers.LAMBDA_GENERATED if got.generated else answers.MISS
    fields = responses.kept_fields(got.fields, forwards_cookies=wanted.settings.forwards_cookies)
    answer = answers.from_origin(got.status, got.reason, fields, x_cache)
    answer.age = responses.stated_age(got.fields)
    if wanted.request.method == "HEAD":
        declared = conditions.get(got.fields, "content-length")
        answer.length = None if declared is None else int(declared)
    elif isinstance(got.body, BytesBody):
        answer.body = got.body.data
    else:
        answer.body, answer.length = _Relay(got), got.body.length
    return answer


class _Relay:
    """An origin's body, piece by piece; the connection is given up where the viewer leaves before the end."""

    def __init__(self, got: OriginAnswer) -> None:
        self._pieces = aiter(got.body)
        self._got = got

    def __aiter__(self) -> _Relay:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        self._got.close()
