"""WebSocket connections through an edge location: the hand-shake is a request like any other that is never kept; once
the origin agrees, the two connections become one.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html: always
on, no setting. Here a connection may be idle for as long as its two ends like; CloudFront ends it after ten minutes.
"""

from __future__ import annotations

import asyncio

from globule.cloudfront.rules.requests import ViewerRequest
from globule.cloudfront.serving.origin_exchange import OriginAnswer
from globule.host.http_server import Upgrade
from globule.wan.door.splice import splice
from globule.wire.http import Headers, Response

Fields = list[tuple[str, str]]


def is_hand_shake(method: str, headers: Headers) -> bool:
    """RFC 6455 section 4.1."""
    return method == "GET" and (headers.get("upgrade") or "").lower() == "websocket"


def hand_shake_fields(request: ViewerRequest) -> Fields:
    """What goes to the origin whatever the policies say: without it there is no hand-shake."""
    return [("upgrade", "websocket"), *(field for field in request.fields if field[0].startswith("sec-websocket-"))]


class Tunnels:
    """The WebSocket connections through one edge location."""

    def __init__(self) -> None:
        self._open: set[asyncio.Transport] = set()

    def __len__(self) -> int:
        return len(self._open) // 2

    def join(self, got: OriginAnswer, fields: Fields) -> Upgrade:
        """The answer to a viewer whose origin has said 101."""
        response = got.response
        assert response is not None

        def take_over(viewer: asyncio.Transport, early: bytes) -> asyncio.Protocol:
            origin, first = response.detach(asyncio.Protocol())
            ends = {viewer, origin}
            viewer_end, origin_end = splice(viewer, origin, lambda: self._open.difference_update(ends))
            self._open |= ends
            origin.set_protocol(origin_end)
            if first:
                viewer.write(first)
            if early:
                origin.write(early)
            return viewer_end

        switching = [("upgrade", "websocket"), ("connection", "upgrade")]
        return Upgrade(Response(status=101, headers=Headers([*fields, *switching])), take_over)

    def close(self) -> None:
        for transport in self._open:
            transport.abort()
