"""What an edge location sends to an origin.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-headers-behavior
for what is added, changed and removed; .../controlling-origin-requests.html for what policies ask for.
"""

from __future__ import annotations

from globule.cloudfront.model import CustomOrigin, Origin, OriginAccessControl
from globule.cloudfront.rules import selection
from globule.cloudfront.rules.configuration import AccessControls, Settings
from globule.cloudfront.rules.header_lists import (
    CONDITIONS,
    HOP_BY_HOP,
    PASSED_WITH_POLICIES,
    REMOVED_BY_DEFAULT,
)
from globule.cloudfront.rules.key import accepted_encodings
from globule.cloudfront.rules.requests import ViewerRequest
from globule.wire.aws.signers import CLOUDFRONT

# Headers that have rules of their own below.
_APART = HOP_BY_HOP | {"accept-encoding", "content-length", "cookie", "host", "user-agent", "via", "x-forwarded-for"}
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Fields = list[tuple[str, str]]


def origin_query(settings: Settings, request: ViewerRequest) -> str:
    return selection.query_string(request.query, settings.sent_query_strings)


def origin_fields(settings: Settings, request: ViewerRequest, *, cacheable: bool, via: str) -> Fields:
    """All but Host and custom headers, which depend on the origin, and X-Amz-Cf-Id. `cacheable`: the answer may be
    kept, so conditions and ranges are the edge's own to send."""
    fields = [field for field in request.fields if _is_sent(field[0], settings, request.method, cacheable=cacheable)]
    fields += _cloudfront_headers(settings, request)
    cookies = selection.cookies(request.fields_named("cookie"), settings.sent_cookies)
    if cookies:
        fields.append(("cookie", cookies))
    encoding = _accept_encoding(settings, request)
    if encoding is not None:
        fields.append(("accept-encoding", encoding))
    agent = request.field("user-agent")
    asked = agent is not None and _is_asked_for("user-agent", settings)
    fields.append(("user-agent", agent if asked and agent is not None else "Amazon CloudFront"))
    fields.append(("x-forwarded-for", ", ".join([*request.fields_named("x-forwarded-for"), request.viewer.address])))
    fields.append(("via", ", ".join([*request.fields_named("via"), via])))
    return fields


def origin_host(settings: Settings, request: ViewerRequest, origin: Origin) -> str:
    """The viewer's Host where a policy asks for it, else the origin's domain."""
    host = request.field("host")
    return host if host is not None and _is_asked_for("host", settings) else origin.domain_name


def origin_scheme(origin: Origin, viewer_scheme: str) -> str:
    """How the edge speaks to an origin; S3 origins take the viewer's protocol."""
    if isinstance(origin.config, CustomOrigin):
        match origin.config.protocol_policy:
            case "http-only":
                return "http"
            case "https-only":
                return "https"
    return viewer_scheme


def with_custom_headers(fields: Fields, custom: tuple[tuple[str, str], ...]) -> Fields:
    """The origin's custom headers replace the viewer's of the same name."""
    if not custom:
        return fields
    names = {name.lower() for name, _ in custom}
    return [field for field in fields if field[0] not in names] + [(name.lower(), value) for name, value in custom]


def signed(fields: Fields, origin: Origin, controls: AccessControls) -> Fields:
    """With the signature that the origin's access control asks for. It says who signed; nobody here checks more.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
    """
    control = controls.get(origin.access_control_id)
    if control is None or control.signing_behavior == "never":
        return fields
    others = [field for field in fields if field[0] != "authorization"]
    if control.signing_behavior == "no-override" and len(others) < len(fields):
        return fields
    return [*others, ("authorization", _signature(control))]


def _signature(control: OriginAccessControl) -> str:
    scope = f"{CLOUDFRONT}/20080101/us-east-1/{control.origin_type}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"


def _is_asked_for(name: str, settings: Settings) -> bool:
    """Whether a policy (or the legacy list) sends this header."""
    return any(selection.takes(wanted, name) for wanted in settings.sent_headers)


def _is_sent(name: str, settings: Settings, method: str, *, cacheable: bool) -> bool:
    if name in _APART or name.startswith(("cloudfront-", "x-amz-cf-", "x-edge-")):
        return False
    if name in CONDITIONS:
        return not cacheable
    if _is_asked_for(name, settings):
        return True
    if not settings.legacy:
        return name in PASSED_WITH_POLICIES
    return name not in REMOVED_BY_DEFAULT or (name == "authorization" and method in _WRITING)


def _cloudfront_headers(settings: Settings, request: ViewerRequest) -> Fields:
    """Those that are named; a policy that takes all of the viewer's headers takes none of these."""
    found: Fields = []
    for wanted in settings.sent_headers:
        if wanted.behavior not in ("whitelist", "allViewerAndWhitelistCloudFront"):
            continue
        for name in wanted.names:
            value = request.field(name) if name.startswith("cloudfront-") else None
            if value is not None and (name, value) not in found:
                found.append((name, value))
    return found


def _accept_encoding(settings: Settings, request: ViewerRequest) -> str | None:
    header = request.field("accept-encoding")
    if settings.gzip or settings.brotli:
        return accepted_encodings(header, settings)[1]
    return header if _is_asked_for("accept-encoding", settings) else None
