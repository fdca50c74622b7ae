"""The identifiers that CloudFront makes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import md5

# A request id is 56 characters of URL-safe base64 that end in `==`. Each is cut from what this many random bytes
# give, so that they can be encoded many at a time.
REQUEST_ID_BYTES = 42
_ENCODED_CHARACTERS = 56


def request_ids(entropy: bytes) -> list[bytes]:
    """As many ids as the entropy is for. An id is X-Amz-Cf-Id, and `requestId` in the event of an edge function."""
    assert len(entropy) % REQUEST_ID_BYTES == 0
    encoded = urlsafe_b64encode(entropy)
    starts = range(0, len(encoded), _ENCODED_CHARACTERS)
    return [encoded[start : start + _ENCODED_CHARACTERS - 2] + b"==" for start in starts]


def via(host: str, version: str = "1.1") -> str:
    """What one edge location calls itself in Via: protocol version, 32 hex digits, `(CloudFront)`."""
    return f"{version} {host} (CloudFront)"


def via_host(place: str) -> str:
    return md5(place.encode(), usedforsecurity=False).hexdigest() + ".cloudfront.net"


def boundary(request_id: str) -> str:
    """Between the parts of a multipart response."""
    return f"CloudFront:{request_id[:32]}"
