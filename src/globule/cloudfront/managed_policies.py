"""AWS's managed policies, by id.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping

from globule.cloudfront.model import (
    CachePolicy,
    Cors,
    OriginRequestPolicy,
    ResponseHeader,
    ResponseHeadersPolicy,
    Selection,
)

DAY = 86_400.0
YEAR = 31_536_000.0

ALL = Selection(behavior="all")


def _some(*names: str) -> Selection:
    return Selection(behavior="whitelist", names=names)


_METHOD_OVERRIDES = ("Host", "Origin", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override")

CACHE_POLICIES: Mapping[str, CachePolicy] = {
    policy.id: policy
    for policy in (
        CachePolicy(
            id="658327ea-f89d-4fab-a63d-7e88639e58f6",
            name="Managed-CachingOptimized",
            minimum_ttl=1,
            default_ttl=DAY,
            maximum_ttl=YEAR,
            gzip=True,
            brotli=True,
        ),
        CachePolicy(
            id="b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
            name="Managed-CachingOptimizedForUncompressedObjects",
            minimum_ttl=1,
            default_ttl=DAY,
            maximum_ttl=YEAR,
        ),
        CachePolicy(
            id="4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            name="Managed-CachingDisabled",
            minimum_ttl=0,
            default_ttl=0,
            maximum_ttl=0,
        ),
        CachePolicy(
            id="2e54312d-136d-493c-8eb9-b001f22f67d2",
            name="Managed-Amplify",
            minimum_ttl=2,
            default_ttl=2,
            maximum_ttl=600,
            gzip=True,
            headers=_some("Authorization", "CloudFront-Viewer-Country", "Host"),
            cookies=ALL,
            query_strings=ALL,
        ),
        CachePolicy(
            id="08627262-05a9-4f76-9ded-b50ca2e3a84f",
            name="Managed-Elemental-MediaPackage",
            minimum_ttl=0,
            default_ttl=DAY,
            maximum_ttl=YEAR,
            gzip=True,
            headers=_some("Origin"),
            query_strings=_some("aws.manifestfilter", "start", "end", "m"),
        ),
        CachePolicy(
            id="83da9c7e-98b4-4e11-a168-04f0df8e2c65",
            name="Managed-UseOriginCacheControlHeaders",
            minimum_ttl=0,
            default_ttl=0,
            maximum_ttl=YEAR,
            gzip=True,
            brotli=True,
            headers=_some(*_METHOD_OVERRIDES),
            cookies=ALL,
        ),
        CachePolicy(
            id="4cc15a8a-d715-48a4-82b8-cc0b614638fe",
            name="Managed-UseOriginCacheControlHeaders-QueryStrings",
            minimum_ttl=0,
            default_ttl=0,
            maximum_ttl=YEAR,
            gzip=True,
            brotli=True,
            headers=_some(*_METHOD_OVERRIDES),
            cookies=ALL,
            query_strings=ALL,
        ),
    )
}

# What AllViewerAndCloudFrontHeaders-2022-06 adds.
_CLOUDFRONT_HEADERS_2022_06 = (
    "CloudFront-Forwarded-Proto",
    "CloudFront-Is-Android-Viewer",
    "CloudFront-Is-Desktop-Viewer",
    "CloudFront-Is-IOS-Viewer",
    "CloudFront-Is-Mobile-Viewer",
    "CloudFront-Is-SmartTV-Viewer",
    "CloudFront-Is-Tablet-Viewer",
    "CloudFront-Viewer-Address",
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-Http-Version",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Longitude",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-Time-Zone",
    "CloudFront-Viewer-TLS",
)
_PREFLIGHT = ("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method")
_ALL_VIEWER = Selection(behavior="allViewer")

ORIGIN_REQUEST_POLICIES: Mapping[str, OriginRequestPolicy] = {
    policy.id: policy
    for policy in (
        OriginRequestPolicy(
            id="216adef6-5c7f-47e4-b989-5492eafa07d3",
            name="Managed-AllViewer",
            headers=_ALL_VIEWER,
            cookies=ALL,
            query_strings=ALL,
        ),
        OriginRequestPolicy(
            id="b689b0a8-53d0-40ab-baf2-68738e2966ac",
            name="Managed-AllViewerExceptHostHeader",
            headers=Selection(behavior="allExcept", names=("Host",)),
            cookies=ALL,
            query_strings=ALL,
        ),
        OriginRequestPolicy(
            id="33f36d7e-f396-46d9-90e0-52428a34d9dc",
            name="Managed-AllViewerAndCloudFrontHeaders-2022-06",
            headers=Selection(behavior="allViewerAndWhitelistCloudFront", names=_CLOUDFRONT_HEADERS_2022_06),
            cookies=ALL,
            query_strings=ALL,
        ),
        OriginRequestPolicy(
            id="88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", name="Managed-CORS-S3Origin", headers=_some(*_PREFLIGHT)
        ),
        OriginRequestPolicy(
            id="59781a5b-3903-41f3-afcb-af62929ccde1", name="Managed-CORS-CustomOrigin", headers=_some("Origin")
        ),
        OriginRequestPolicy(
            id="acba4595-bd28-49b8-b9fe-13317c0390fa",
            name="Managed-UserAgentRefererHeaders",
            headers=_some("User-Agent", "Referer"),
        ),
        OriginRequestPolicy(
            id="bf0718e1-ba1e-49d1-88b1-f726733018ae", name="Managed-HostHeaderOnly", headers=_some("Host")
        ),
        OriginRequestPolicy(
            id="775133bc-15f2-49f9-abea-afb2e0bf67d2",
            name="Managed-Elemental-MediaTailor-PersonalizedManifests",
            headers=_some(*_PREFLIGHT, "User-Agent", "X-Forwarded-For"),
            query_strings=ALL,
        ),
    )
}

_SECURITY = (
    ResponseHeader(name="Strict-Transport-Security", value="max-age=31536000"),
    ResponseHeader(name="X-Content-Type-Options", value="nosniff", override=True),
    ResponseHeader(name="X-Frame-Options", value="SAMEORIGIN"),
    ResponseHeader(name="Referrer-Policy", value="strict-origin-when-cross-origin"),
    ResponseHeader(name="X-XSS-Protection", value="1; mode=block"),
)
_SIMPLE_CORS = Cors(allow_origins=("*",), allow_headers=(), allow_methods=())
_PREFLIGHT_CORS = Cors(
    allow_origins=("*",),
    allow_headers=(),
    allow_methods=("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"),
    expose_headers=("*",),
)

RESPONSE_HEADERS_POLICIES: Mapping[str, ResponseHeadersPolicy] = {
    policy.id: policy
    for policy in (
        ResponseHeadersPolicy(id="60669652-455b-4ae9-85a4-c4c02393f86c", name="Managed-SimpleCORS", cors=_SIMPLE_CORS),
        ResponseHeadersPolicy(
            id="5cc3b908-e619-4b99-88e5-2cf7f45965bd", name="Managed-CORS-With-Preflight", cors=_PREFLIGHT_CORS
        ),
        ResponseHeadersPolicy(
            id="67f7725c-6f97-4210-82d7-5512b31e9d03", name="Managed-SecurityHeadersPolicy", added=_SECURITY
        ),
        ResponseHeadersPolicy(
            id="e61eb60c-9c35-4d20-a928-2b84e02af89c",
            name="Managed-CORS-and-SecurityHeadersPolicy",
            cors=_SIMPLE_CORS,
            added=_SECURITY,
        ),
        ResponseHeadersPolicy(
            id="eaab4381-ed33-4a86-88ca-d9558dc6cd63",
            name="Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
            cors=_PREFLIGHT_CORS,
            added=_SECURITY,
        ),
    )
}
