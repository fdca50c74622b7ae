"""A distribution, out of template properties."""

from __future__ import annotations

import re
from typing import Any, cast

from globule.cloudfront.model import (
    CacheBehavior,
    CustomErrorResponse,
    CustomOrigin,
    Distribution,
    EdgeFunction,
    ForwardedValues,
    GeoRestriction,
    Origin,
    OriginGroup,
    S3Origin,
    Selection,
)
from globule.cloudfront.policy_properties import TTL_LIMIT
from globule.cloudfront.properties import Properties
from globule.cloudfront.rules.header_lists import is_custom_header_denied

METHOD_SETS = (
    frozenset({"GET", "HEAD"}),
    frozenset({"GET", "HEAD", "OPTIONS"}),
    frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}),
)
EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CustomErrorResponse.html
ERROR_CODES = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_StatusCodes.html, 400 by the newer schema
FAILOVER_CODES = (400, 403, 404, 416, 429, 500, 502, 503, 504)
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
BEHAVIORS_LIMIT = 75
ORIGINS_LIMIT = 100
ALIASES_LIMIT = 100

# What changes nothing of what a viewer gets here, for the reason given in the README.
RECORDED = (
    "HttpVersion",
    "IPV6Enabled",
    "Logging",
    "PriceClass",
    "ViewerCertificate",
    "WebACLId",
)


def distribution(config: Properties, *, id: str, domain_name: str, account: str) -> Distribution:
    """Raises PropertyProblem. `config.recorded` then lists what does nothing here."""
    config.ignore("Comment")
    config.record(*RECORDED)
    origins = tuple(_origin(item) for item in config.objects("Origins"))
    groups = _origin_groups(config.object("OriginGroups"))
    behaviors = tuple(_behavior(item, item.required_text("PathPattern")) for item in config.objects("CacheBehaviors"))
    default_root_object = config.text("DefaultRootObject")
    if default_root_object.startswith("/"):
        raise config.problem("DefaultRootObject", "must not begin with a slash")
    found = Distribution(
        id=id,
        arn=f"arn:aws:cloudfront::{account}:distribution/{id}",
        domain_name=domain_name,
        enabled=config.boolean("Enabled"),
        aliases=tuple(alias.lower() for alias in config.texts("Aliases")),
        default_root_object=default_root_object,
        origins=origins,
        origin_groups=groups,
        default_behavior=_behavior(config.required_object("DefaultCacheBehavior"), "*"),
        behaviors=behaviors,
        error_responses=tuple(_error_response(item) for item in config.objects("CustomErrorResponses")),
        geo_restriction=_geo_restriction(config.object("Restrictions")),
    )
    config.refuse("ContinuousDeploymentPolicyId", "continuous deployment is not supported here")
    config.refuse("Staging", "continuous deployment is not supported here")
    config.done()
    _check(found, config)
    return found


def _check(found: Distribution, config: Properties) -> None:
    """What holds between the parts of a distribution."""
    for name, items, limit in (
        ("Origins", found.origins, ORIGINS_LIMIT),
        ("CacheBehaviors", found.behaviors, BEHAVIORS_LIMIT),
        ("Aliases", found.aliases, ALIASES_LIMIT),
    ):
        if len(items) > limit:
            raise config.problem(name, f"has more than {limit} entries")
    if not found.origins:
        raise config.problem("Origins", "is required")
    origins = {origin.id for origin in found.origins}
    for group in found.origin_groups:
        for member in group.members:
            if member not in origins:
                raise config.problem("OriginGroups", f"{group.id} names the origin {member}, which does not exist")
    targets = origins | {group.id for group in found.origin_groups}
    for behavior in (found.default_behavior, *found.behaviors):
        if behavior.target_origin_id not in targets:
            where = f"the behavior for {behavior.path_pattern}"
            raise config.problem(
                "Origins", f"{where} names the target {behavior.target_origin_id}, which does not exist"
            )


def _origin(item: Properties) -> Origin:
    path = item.text("OriginPath")
    if path and (not path.startswith("/") or path.endswith("/")):
        raise item.problem("OriginPath", "must begin with a slash and not end with one")
    item.refuse("VpcOriginConfig", "VPC origins are not supported here: there is no VPC")
    item.record("OriginShield", "ResponseCompletionTimeout")
    s3, custom = item.object("S3OriginConfig"), item.object("CustomOriginConfig")
    if (s3 is None) == (custom is None):
        raise item.problem("S3OriginConfig", "exactly one of S3OriginConfig and CustomOriginConfig is needed")
    attempts = item.integer("ConnectionAttempts", 3, least=1, most=3)
    origin = Origin(
        id=item.required_text("Id"),
        domain_name=item.required_text("DomainName").lower(),
        path=path,
        custom_headers=tuple(_custom_header(header) for header in item.objects("OriginCustomHeaders")),
        config=_s3_origin(s3) if s3 is not None else _custom_origin(cast(Properties, custom)),
        access_control_id=item.text("OriginAccessControlId"),
        connection_attempts=attempts,
        connection_timeout=item.number("ConnectionTimeout", 10, least=1, most=10),
    )
    item.done()
    return origin


def _custom_header(item: Properties) -> tuple[str, str]:
    name, value = item.required_text("HeaderName"), item.text("HeaderValue")
    if is_custom_header_denied(name.lower()):
        raise item.problem("HeaderName", f"{name} cannot be an origin custom header")
    item.done()
    return name, value


def _s3_origin(config: Properties) -> S3Origin:
    origin = S3Origin(
        origin_access_identity=config.text("OriginAccessIdentity"),
        read_timeout=config.number("OriginReadTimeout", 30, least=1, most=120),
    )
    config.done()
    return origin


def _custom_origin(config: Properties) -> CustomOrigin:
    config.record("IpAddressType")
    config.refuse("OriginMtlsConfig", "client certificates are not supported here")
    policy = config.one_of("OriginProtocolPolicy", ("http-only", "https-only", "match-viewer"))
    origin = CustomOrigin(
        protocol_policy=cast(Any, policy),
        http_port=_port(config, "HTTPPort", 80),
        https_port=_port(config, "HTTPSPort", 443),
        ssl_protocols=config.texts("OriginSSLProtocols") or ("TLSv1", "SSLv3"),
        read_timeout=config.number("OriginReadTimeout", 30, least=1, most=120),
        keepalive_timeout=config.number("OriginKeepaliveTimeout", 5, least=1, most=120),
    )
    config.done()
    return origin


def _port(config: Properties, name: str, default: int) -> int:
    port = config.integer(name, default, least=80, most=65535)
    if port not in (80, 443) and port < 1024:
        raise config.problem(name, "must be 80, 443, or from 1024 to 65535")
    return port


def _origin_groups(config: Properties | None) -> tuple[OriginGroup, ...]:
    if config is None:
        return ()
    config.ignore("Quantity")
    groups = tuple(_origin_group(item) for item in config.objects("Items"))
    config.done()
    return groups


def _origin_group(item: Properties) -> OriginGroup:
    item.record("SelectionCriteria")
    members = item.required_object("Members")
    members.ignore("Quantity")
    ids = []
    for member in members.objects("Items"):
        ids.append(member.required_text("OriginId"))
        member.done()
    members.done()
    if len(ids) != 2:
        raise item.problem("Members", "an origin group has exactly two members")
    criteria = item.required_object("FailoverCriteria")
    codes = criteria.required_object("StatusCodes")
    codes.ignore("Quantity")
    listed = codes.integers("Items")
    if not listed or any(code not in FAILOVER_CODES for code in listed):
        raise codes.problem("Items", f"must be some of {', '.join(map(str, FAILOVER_CODES))}")
    codes.done()
    criteria.done()
    group = OriginGroup(id=item.required_text("Id"), members=(ids[0], ids[1]), status_codes=frozenset(listed))
    item.done()
    return group


_PATTERN = re.compile(r"[A-Za-z0-9_\-.*$/~\"'@:+&?%!(),;=#\[\]{}|^\\ ]{1,255}")


def _behavior(item: Properties, pattern: str) -> CacheBehavior:
    if not _PATTERN.fullmatch(pattern):
        raise item.problem("PathPattern", "must be 1 to 255 characters of those that CloudFront allows")
    item.refuse("FunctionAssociations", "CloudFront Functions do not run here; use Lambda@Edge")
    item.refuse("TrustedKeyGroups", "signed URLs and cookies are not supported here")
    item.refuse("TrustedSigners", "signed URLs and cookies are not supported here")
    item.refuse("FieldLevelEncryptionId", "field-level encryption is not supported here")
    item.refuse("SmoothStreaming", "Smooth Streaming is not supported here")
    item.refuse("RealtimeLogConfigArn", "real-time logs are not supported here")
    grpc = item.object("GrpcConfig")
    if grpc is not None and grpc.boolean("Enabled"):
        raise item.problem("GrpcConfig", "gRPC is not supported here")
    allowed = _methods(item, "AllowedMethods", METHOD_SETS)
    policy, legacy = item.text("CachePolicyId"), _forwarded_values(item)
    if bool(policy) == (legacy is not None):
        raise item.problem("CachePolicyId", "exactly one of CachePolicyId and ForwardedValues is needed")
    if legacy is not None and item.text("OriginRequestPolicyId"):
        raise item.problem("OriginRequestPolicyId", "needs a CachePolicyId")
    behavior = CacheBehavior(
        path_pattern=pattern,
        target_origin_id=item.required_text("TargetOriginId"),
        viewer_protocol_policy=cast(
            Any, item.one_of("ViewerProtocolPolicy", ("allow-all", "https-only", "redirect-to-https"))
        ),
        allowed_methods=allowed,
        cached_methods=_methods(item, "CachedMethods", METHOD_SETS[:2]),
        compress=item.boolean("Compress"),
        cache_policy_id=policy,
        forwarded_values=legacy,
        origin_request_policy_id=item.text("OriginRequestPolicyId"),
        response_headers_policy_id=item.text("ResponseHeadersPolicyId"),
        functions=_functions(item),
    )
    item.done()
    return behavior


def _methods(item: Properties, name: str, choices: tuple[frozenset[str], ...]) -> frozenset[str]:
    methods = frozenset(item.texts(name)) or METHOD_SETS[0]
    if methods not in choices:
        listed = "; ".join(", ".join(sorted(choice)) for choice in choices)
        raise item.problem(name, f"must be one of these sets: {listed}")
    return methods


def _forwarded_values(item: Properties) -> ForwardedValues | None:
    minimum = item.number("MinTTL", 0, least=0, most=TTL_LIMIT)
    default = max(item.number("DefaultTTL", 86_400, least=0, most=TTL_LIMIT), minimum)
    maximum = max(item.number("MaxTTL", 31_536_000, least=0, most=TTL_LIMIT), default)
    config = item.object("ForwardedValues")
    if config is None:
        return None
    headers = config.texts("Headers")
    if "*" in headers and minimum > 0:
        raise item.problem("MinTTL", "must be 0 where all headers are forwarded")
    found = ForwardedValues(
        query_string=config.boolean("QueryString"),
        query_string_cache_keys=config.texts("QueryStringCacheKeys"),
        cookies=_legacy_cookies(config.object("Cookies")),
        headers=headers,
        minimum_ttl=minimum,
        default_ttl=default,
        maximum_ttl=maximum,
    )
    config.done()
    return found


def _legacy_cookies(config: Properties | None) -> Selection:
    if config is None:
        return Selection()
    forward = config.one_of("Forward", ("none", "whitelist", "all"))
    names = config.texts("WhitelistedNames")
    config.done()
    return Selection(behavior=cast(Any, forward), names=names)


def _functions(item: Properties) -> tuple[EdgeFunction, ...]:
    found: dict[str, EdgeFunction] = {}
    for part in item.objects("LambdaFunctionAssociations"):
        event = part.one_of("EventType", EVENTS)
        if event in found:
            raise part.problem("EventType", f"a behavior has one function for {event}")
        include_body = part.boolean("IncludeBody")
        if include_body and event.endswith("response"):
            raise part.problem("IncludeBody", "is for request events")
        arn = part.required_text("LambdaFunctionARN")
        _check_function_arn(part, arn)
        found[event] = EdgeFunction(event=cast(Any, event), arn=arn, include_body=include_body)
        part.done()
    return tuple(found.values())


_FUNCTION_ARN = re.compile(r"arn:aws:lambda:([a-z0-9-]+):\d{12}:function:[A-Za-z0-9_-]+(?::([A-Za-z0-9$_-]+))?")


def _check_function_arn(part: Properties, arn: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html"""
    match = _FUNCTION_ARN.fullmatch(arn)
    if match is None:
        raise part.problem("LambdaFunctionARN", "is not the ARN of a function")
    region, version = match.groups()
    if region != "us-east-1":
        raise part.problem("LambdaFunctionARN", f"The function must be in region 'us-east-1'. ARN: {arn}")
    if version is None or not version.isdigit():
        raise part.problem(
            "LambdaFunctionARN",
            f"The function ARN must reference a specific function version. (The ARN must end with the version "
            f"number.) ARN: {arn}",
        )


def _error_response(item: Properties) -> CustomErrorResponse:
    code = item.integer("ErrorCode", 0, least=0, most=599)
    response_code = item.integer("ResponseCode", 0, least=0, most=599) or None
    page = item.text("ResponsePagePath") or None
    if code not in ERROR_CODES:
        raise item.problem("ErrorCode", f"must be one of {', '.join(map(str, ERROR_CODES))}")
    if response_code not in (None, 200, *ERROR_CODES):
        raise item.problem("ResponseCode", f"must be one of 200, {', '.join(map(str, ERROR_CODES))}")
    if (page is None) != (response_code is None):
        raise item.problem("ResponsePagePath", "ResponsePagePath and ResponseCode come together")
    found = CustomErrorResponse(
        error_code=code,
        minimum_ttl=item.number("ErrorCachingMinTTL", 10, least=0, most=TTL_LIMIT),
        response_code=response_code,
        page_path=page,
    )
    item.done()
    return found


def _geo_restriction(config: Properties | None) -> GeoRestriction:
    if config is None:
        return GeoRestriction()
    part = config.required_object("GeoRestriction")
    kind = part.one_of("RestrictionType", ("none", "whitelist", "blacklist"))
    found = GeoRestriction(kind=cast(Any, kind), countries=frozenset(part.texts("Locations")))
    part.done()
    config.done()
    return found
