"""Which headers CloudFront treats apart, from its documents. Names in lower case.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html
"""

from __future__ import annotations

from collections.abc import Sequence

# "Headers you can't include in a cache policy": they differ for nearly every viewer. Accept-Encoding has its own
# two settings there.
NOT_KEYED = frozenset(
    {
        "accept-encoding",
        "cloudfront-viewer-address",
        "cloudfront-viewer-asn",
        "cloudfront-viewer-tls",
        "cloudfront-viewer-ja3-fingerprint",
        "cloudfront-viewer-ja4-fingerprint",
        "cloudfront-viewer-header-order",
        "cloudfront-viewer-header-count",
        "cookie",
        "connection",
        "content-length",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "transfer-encoding",
        "upgrade",
        "via",
        "te",
        "trailer",
    }
)

# Of one connection only (RFC 9110 section 7.6.1): never passed on, in either direction.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

# A sender must not make these vanish by calling them hop-by-hop.
_NEVER_HOP_BY_HOP = frozenset(
    {"authorization", "cache-control", "content-length", "cookie", "host", "via", "x-forwarded-for"}
)


def end_to_end(fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without what is of one connection only, be it by name or because Connection says so."""
    options = [value.lower() for name, value in fields if name == "connection"]
    dropped = HOP_BY_HOP
    if options and options not in (["keep-alive"], ["close"]):
        named = {option.strip() for value in options for option in value.split(",")}
        dropped = HOP_BY_HOP | (named - _NEVER_HOP_BY_HOP)
    return [field for field in fields if field[0] not in dropped]


# Removed on the way to the origin unless a policy or the legacy list names them.
REMOVED_BY_DEFAULT = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-language",
        "authorization",
        "cookie",
        "expect",
        "referer",
        "x-forwarded-proto",
        "x-http-method-override",
        "x-real-ip",
    }
)

# What an origin gets without being asked for, because the message means nothing without it.
PASSED_WITH_POLICIES = frozenset(
    {
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "x-amzn-trace-id",
    }
)

# The viewer's own conditions and ranges: passed where the edge keeps nothing, else they are the edge's to answer.
CONDITIONS = frozenset({"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"})

_NOT_REMOVABLE = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "warning",
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)


def is_not_removable(name: str) -> bool:
    """Whether a response headers policy may not remove this one."""
    return name in _NOT_REMOVABLE or name.startswith(("x-amz-cf-", "x-amzn-", "x-edge-"))


_CUSTOM_DENIED = frozenset(
    {
        "cache-control",
        "connection",
        "content-length",
        "cookie",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "request-range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-real-ip",
    }
)


def is_custom_header_denied(name: str) -> bool:
    """Whether an origin's custom headers may not name this one."""
    return name in _CUSTOM_DENIED or name.startswith(("x-amz-", "x-edge-"))


_FUNCTION_FORBIDDEN = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-header-count",
        "x-amzn-header-order",
        "x-amzn-lambda-integration-tag",
        "x-amzn-requestid",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)


def is_forbidden_to_functions(name: str) -> bool:
    """Whether no Lambda@Edge function may set it, nor see it (except x-amz-cf-id, which origin events show)."""
    return name in _FUNCTION_FORBIDDEN or name.startswith(("x-amz-cf-", "x-edge-"))


READ_ONLY_TO_FUNCTIONS = {
    "viewer-request": frozenset({"content-length", "host", "transfer-encoding", "via"}),
    "origin-request": frozenset(
        {
            "accept-encoding",
            "content-length",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "transfer-encoding",
            "via",
        }
    ),
    "origin-response": frozenset({"transfer-encoding", "via"}),
    "viewer-response": frozenset({"content-encoding", "content-length", "transfer-encoding", "warning", "via"}),
}
