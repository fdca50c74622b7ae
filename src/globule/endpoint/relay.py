"""Hands a request on, as it is, and its response back: what the AWS endpoint and the regions do for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from typing import TypeVar

from globule.endpoint.refusals import refuse
from globule.host.http_client import ClientResponse, ConnectFailed, HttpClient, HttpClientError
from globule.wire.http import Headers, Request, Response

K = TypeVar("K", bound=Hashable)

# Fields that speak of one connection (RFC 9110 section 7.6.1). Content-Length stays: it is all that a response to HEAD
# says of its body.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)


async def relay(client: HttpClient[K], key: K, request: Request, *, to: str) -> Response:
    """Streams both ways. Where the other side (`to`, for people) cannot be reached: 503, as an AWS error."""
    request.headers = _end_to_end(request.headers)
    try:
        response = await client.request(key, request)
    except ConnectFailed:
        return refuse(request, 503, "ServiceUnavailable", f"{to} is not running")
    except HttpClientError as error:
        return refuse(request, 503, "ServiceUnavailable", f"{to} did not answer: {error}")
    return Response(
        status=response.status,
        reason=response.reason,
        headers=_end_to_end(response.headers),
        body=_Pieces(response),
    )


class _Pieces:
    """The body, as it arrives. Not a generator: one that nobody has begun to read would not be told of its end, and the
    connection behind it never be given back."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self._pieces = aiter(response.body)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        self._response.close()


def _end_to_end(headers: Headers) -> Headers:
    return Headers(field for field in headers if field[0] not in HOP_BY_HOP)
