"""How a response is framed: which body follows its head, and which fields say so (RFC 9112 section 6)."""

from __future__ import annotations

import msgspec

from globule.wire.http import Response
from globule.wire.http_head import RequestHead


class Framing(msgspec.Struct):
    """How a response is framed."""

    fields: list[tuple[str, str]]
    with_body: bool
    keep_alive: bool
    length: int | None
    """Of the body that is sent; None where it is chunked or ends with the connection."""
    chunked: bool


# Framing and connection management are the server's; a handler's own fields of these names are dropped.
_OWN_FIELDS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


def framing(response: Response, head: RequestHead, *, keep_alive: bool) -> Framing:
    """`keep_alive`: whether the server would keep the connection, as far as it is concerned."""
    with_body = head.method != "HEAD" and response.status >= 200 and response.status not in (204, 304)
    declared = response.headers.get("content-length")
    if isinstance(response.body, bytes) and (with_body or (declared is None and response.status != 304)):
        declared = str(len(response.body))
    if response.status == 204 or response.status < 200:
        declared = None
    chunked = with_body and declared is None and head.minor == 1
    if with_body and declared is None and head.minor == 0:
        keep_alive = False
    if any(name == "connection" and "close" in value.lower() for name, value in response.headers):
        keep_alive = False
    fields = [field for field in response.headers if field[0] not in _OWN_FIELDS]
    if declared is not None:
        fields.append(("content-length", declared))
    if chunked:
        fields.append(("transfer-encoding", "chunked"))
    if not keep_alive:
        fields.append(("connection", "close"))
    elif head.minor == 0:
        fields.append(("connection", "keep-alive"))
    length = int(declared) if declared is not None and with_body else None
    return Framing(fields=fields, with_body=with_body, keep_alive=keep_alive, length=length, chunked=chunked)
