"""Reading request heads at the door: as every server, except that a proxy's absolute form may ask for https.

`GET https://chat.example.com/ HTTP/1.1` over a plain connection asks the proxy to speak TLS to the server. The
parser makes it origin form, so the scheme is kept in our own field, which clients cannot set themselves.
"""

from __future__ import annotations

import msgspec

from globule.wire import own_fields
from globule.wire.http_head import RequestHead, parse_request_head


def parse_door_head(head: bytes) -> RequestHead:
    """Raises MalformedMessage."""
    parsed = parse_request_head(head)
    fields = [field for field in parsed.fields if field[0] not in (own_fields.SCHEME, own_fields.KEY)]
    target = head.partition(b"\r\n")[0].split(b" ")[1]
    if target[:8].lower() == b"https://":
        fields.append((own_fields.SCHEME, "https"))
    return msgspec.structs.replace(parsed, fields=fields)
