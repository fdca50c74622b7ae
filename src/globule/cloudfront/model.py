"""CloudFront's resources, as its API has them (https://docs.aws.amazon.com/cloudfront/latest/APIReference/).

Frozen data: `resources.py` makes it from templates, `rules.configuration` turns it into what a request needs.
Times are in seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

# https://docs.aws.amazon.com/general/latest/gr/cf_region.html: the zone of every distribution's alias records.
HOSTED_ZONE_ID = "Z2FDTNDATAQYW2"

Event = Literal["viewer-request", "origin-request", "origin-response", "viewer-response"]
ProtocolPolicy = Literal["allow-all", "https-only", "redirect-to-https"]
OriginProtocolPolicy = Literal["http-only", "https-only", "match-viewer"]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which headers, cookies or query strings a policy takes."""

    behavior: Literal["none", "whitelist", "allExcept", "all", "allViewer", "allViewerAndWhitelistCloudFront"] = "none"
    """The last two are for headers of origin request policies only."""
    names: tuple[str, ...] = ()


NONE = Selection()


class CachePolicy(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::CachePolicy"):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicyConfig.html"""

    id: str
    name: str
    minimum_ttl: float
    default_ttl: float
    maximum_ttl: float
    gzip: bool = False
    brotli: bool = False
    headers: Selection = NONE
    cookies: Selection = NONE
    query_strings: Selection = NONE


class OriginRequestPolicy(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::OriginRequestPolicy"):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginRequestPolicyConfig.html"""

    id: str
    name: str
    headers: Selection = NONE
    cookies: Selection = NONE
    query_strings: Selection = NONE


class Cors(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyCorsConfig.html"""

    allow_origins: tuple[str, ...]
    allow_headers: tuple[str, ...]
    allow_methods: tuple[str, ...]
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int | None = None
    override: bool = False


class ResponseHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A header that a policy adds; without `override` only where the response has none of that name."""

    name: str
    value: str
    override: bool = False


class ResponseHeadersPolicy(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::ResponseHeadersPolicy"):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyConfig.html"""

    id: str
    name: str
    cors: Cors | None = None
    added: tuple[ResponseHeader, ...] = ()
    """Security headers, then custom ones."""
    removed: tuple[str, ...] = ()
    """In lower case."""
    server_timing_rate: float = 0.0
    """Chance that a response gets a Server-Timing header, from 0 to 1."""


class OriginAccessControl(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::OriginAccessControl"):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginAccessControlConfig.html"""

    id: str
    name: str
    origin_type: str
    signing_behavior: Literal["never", "always", "no-override"]


class CloudFrontOriginAccessIdentity(
    msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::CloudFrontOriginAccessIdentity"
):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CloudFrontOriginAccessIdentityConfig.html"""

    id: str
    s3_canonical_user_id: str
    comment: str = ""


class S3Origin(msgspec.Struct, frozen=True, kw_only=True, tag="s3"):
    origin_access_identity: str = ""
    """`origin-access-identity/cloudfront/ID`, or empty."""
    read_timeout: float = 30.0


class CustomOrigin(msgspec.Struct, frozen=True, kw_only=True, tag="custom"):
    protocol_policy: OriginProtocolPolicy
    http_port: int = 80
    https_port: int = 443
    ssl_protocols: tuple[str, ...] = ("TLSv1", "SSLv3")
    read_timeout: float = 30.0
    keepalive_timeout: float = 5.0


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Origin.html"""

    id: str
    domain_name: str
    path: str = ""
    """Put before the request's path; begins with a slash and does not end with one, or is empty."""
    custom_headers: tuple[tuple[str, str], ...] = ()
    config: S3Origin | CustomOrigin
    access_control_id: str = ""
    connection_attempts: int = 3
    connection_timeout: float = 10.0


class OriginGroup(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginGroup.html"""

    id: str
    members: tuple[str, str]
    """Ids of the primary and the secondary origin."""
    status_codes: frozenset[int]


class EdgeFunction(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_LambdaFunctionAssociation.html"""

    event: Event
    arn: str
    include_body: bool = False


class ForwardedValues(msgspec.Struct, frozen=True, kw_only=True):
    """The settings before policies (https://docs.aws.amazon.com/cloudfront/latest/APIReference/
    API_ForwardedValues.html), with the three TTLs that belong to them."""

    query_string: bool
    query_string_cache_keys: tuple[str, ...] = ()
    cookies: Selection = NONE
    headers: tuple[str, ...] = ()
    """`("*",)` forwards all, and then nothing is cached."""
    minimum_ttl: float = 0.0
    default_ttl: float = 86_400.0
    maximum_ttl: float = 31_536_000.0


class CacheBehavior(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CacheBehavior.html"""

    path_pattern: str = "*"
    target_origin_id: str
    """An origin's, or an origin group's."""
    viewer_protocol_policy: ProtocolPolicy
    allowed_methods: frozenset[str] = frozenset({"GET", "HEAD"})
    cached_methods: frozenset[str] = frozenset({"GET", "HEAD"})
    compress: bool = False
    cache_policy_id: str = ""
    """Empty where `forwarded_values` are given."""
    forwarded_values: ForwardedValues | None = None
    origin_request_policy_id: str = ""
    response_headers_policy_id: str = ""
    functions: tuple[EdgeFunction, ...] = ()


class CustomErrorResponse(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CustomErrorResponse.html"""

    error_code: int
    minimum_ttl: float = 10.0
    response_code: int | None = None
    page_path: str | None = None


class GeoRestriction(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GeoRestriction.html"""

    kind: Literal["none", "whitelist", "blacklist"] = "none"
    countries: frozenset[str] = frozenset()


class Distribution(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::CloudFront::Distribution"):
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html"""

    id: str
    arn: str
    domain_name: str
    enabled: bool = True
    aliases: tuple[str, ...] = ()
    """In lower case; `*.example.com` stands for one or more labels."""
    default_root_object: str = ""
    origins: tuple[Origin, ...]
    origin_groups: tuple[OriginGroup, ...] = ()
    default_behavior: CacheBehavior
    behaviors: tuple[CacheBehavior, ...] = ()
    """In order of precedence."""
    error_responses: tuple[CustomErrorResponse, ...] = ()
    geo_restriction: GeoRestriction = GeoRestriction()
