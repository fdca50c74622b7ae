"""The identifiers that CloudFront makes."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from hashlib import md5

# A request id is this many random bytes: 56 characters of URL-safe base64 that end in `==`.
REQUEST_ID_BYTES = 40


def request_id(entropy: bytes) -> str:
    """X-Amz-Cf-Id, which is also `requestId` in the event of an edge function."""
    assert len(entropy) == REQUEST_ID_BYTES
    return urlsafe_b64encode(entropy).decode("ascii")


def via(host: str, version: str = "1.1") -> str:
    """What one edge location calls itself in Via: protocol version, 32 hex digits, `(CloudFront)`."""
    return f"{version} {host} (CloudFront)"


def via_host(place: str) -> str:
    return md5(place.encode(), usedforsecurity=False).hexdigest() + ".cloudfront.net"


def boundary(entropy: bytes) -> str:
    """Between the parts of a multipart response."""
    return "CloudFront:" + b64encode(entropy[:24], altchars=b"-_").decode("ascii")
