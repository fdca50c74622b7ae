"""Showing the beginning of a request's body to an edge function, while all of it still goes to the origin."""

from __future__ import annotations

from collections.abc import AsyncIterator

from globule.wire.http import Body, BodyTooLarge, BytesBody


async def exposed(body: Body, limit_bytes: int) -> tuple[bytes, Body]:
    """The first bytes of a body, one more than the limit where there are more; and the body whole, to be read in
    its place."""
    if isinstance(body, BytesBody):
        return await body.read(body.length), body
    pieces = aiter(body)
    prefix = b""
    async for piece in pieces:
        prefix += piece
        if len(prefix) > limit_bytes:
            return prefix[: limit_bytes + 1], _Resumed(prefix, pieces, body.length)
    return prefix, BytesBody(prefix)


class _Resumed:
    """A body of which the beginning has been read."""

    def __init__(self, prefix: bytes, rest: AsyncIterator[bytes], length: int | None) -> None:
        self._prefix = prefix
        self._rest = rest
        self.length = length

    async def read(self, limit_bytes: int) -> bytes:
        data = b""
        async for piece in self:
            data += piece
            if len(data) > limit_bytes:
                raise BodyTooLarge
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._prefix
        async for piece in self._rest:
            yield piece
