"""Policies, out of template properties."""

from __future__ import annotations

from typing import Any, cast

from globule.cloudfront.model import (
    CachePolicy,
    Cors,
    OriginRequestPolicy,
    ResponseHeader,
    ResponseHeadersPolicy,
    Selection,
)
from globule.cloudfront.properties import Properties
from globule.cloudfront.rules.header_lists import NOT_KEYED, is_not_removable

# "All capped at 100 years" (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html).
TTL_LIMIT = 3_153_600_000.0
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-policies
NAMES_LIMIT = 10


def cache_policy(config: Properties, *, id: str) -> CachePolicy:
    config.ignore("Comment")
    minimum = config.number("MinTTL", 0, least=0, most=TTL_LIMIT)
    default = max(config.number("DefaultTTL", 86_400, least=0, most=TTL_LIMIT), minimum)
    maximum = max(config.number("MaxTTL", 31_536_000, least=0, most=TTL_LIMIT), default)
    keyed = config.required_object("ParametersInCacheKeyAndForwardedToOrigin")
    policy = CachePolicy(
        id=id,
        name=config.required_text("Name"),
        minimum_ttl=minimum,
        default_ttl=default,
        maximum_ttl=maximum,
        gzip=keyed.boolean("EnableAcceptEncodingGzip"),
        brotli=keyed.boolean("EnableAcceptEncodingBrotli"),
        headers=_selection(keyed, "HeadersConfig", "HeaderBehavior", "Headers", ("none", "whitelist")),
        cookies=_selection(keyed, "CookiesConfig", "CookieBehavior", "Cookies", _ANY),
        query_strings=_selection(keyed, "QueryStringsConfig", "QueryStringBehavior", "QueryStrings", _ANY),
    )
    for name in policy.headers.names:
        if name.lower() in NOT_KEYED:
            raise keyed.problem("HeadersConfig", f"{name} cannot be in a cache policy")
    if maximum == 0:
        _refuse_key_without_caching(policy, keyed)
    keyed.done()
    config.done()
    return policy


def _refuse_key_without_caching(policy: CachePolicy, keyed: Properties) -> None:
    """CreateCachePolicy's own check."""
    given = {
        "HeaderBehavior": policy.headers.behavior != "none",
        "CookieBehavior": policy.cookies.behavior != "none",
        "QueryStringBehavior": policy.query_strings.behavior != "none",
        "EnableAcceptEncodingGzip": policy.gzip,
        "EnableAcceptEncodingBrotli": policy.brotli,
    }
    for parameter, is_given in given.items():
        if is_given:
            raise keyed.problem(parameter, f"The parameter {parameter} is invalid for policy with caching disabled.")


def origin_request_policy(config: Properties, *, id: str) -> OriginRequestPolicy:
    config.ignore("Comment")
    headers = _selection(
        config,
        "HeadersConfig",
        "HeaderBehavior",
        "Headers",
        ("none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept"),
    )
    for name in headers.names:
        if headers.behavior == "whitelist" and name.lower() in ("authorization", "accept-encoding"):
            raise config.problem("HeadersConfig", f"{name} cannot be listed in an origin request policy")
    policy = OriginRequestPolicy(
        id=id,
        name=config.required_text("Name"),
        headers=headers,
        cookies=_selection(config, "CookiesConfig", "CookieBehavior", "Cookies", _ANY),
        query_strings=_selection(config, "QueryStringsConfig", "QueryStringBehavior", "QueryStrings", _ANY),
    )
    config.done()
    return policy


_ANY = ("none", "whitelist", "allExcept", "all")


def _selection(owner: Properties, name: str, behavior: str, names: str, choices: tuple[str, ...]) -> Selection:
    config = owner.required_object(name)
    chosen = config.one_of(behavior, choices)
    listed = config.texts(names)
    needs_names = chosen in ("whitelist", "allExcept", "allViewerAndWhitelistCloudFront")
    if needs_names != bool(listed):
        raise config.problem(names, f"{'is required' if needs_names else 'must be empty'} with {behavior} {chosen}")
    if len(listed) > NAMES_LIMIT and chosen != "allViewerAndWhitelistCloudFront":
        raise config.problem(names, f"has more than {NAMES_LIMIT} names")
    config.done()
    return Selection(behavior=cast(Any, chosen), names=listed)


def response_headers_policy(config: Properties, *, id: str) -> ResponseHeadersPolicy:
    config.ignore("Comment")
    policy = ResponseHeadersPolicy(
        id=id,
        name=config.required_text("Name"),
        cors=_cors(config.object("CorsConfig")),
        added=(*_security(config.object("SecurityHeadersConfig")), *_custom(config.object("CustomHeadersConfig"))),
        removed=_removed(config.object("RemoveHeadersConfig")),
        server_timing_rate=_server_timing(config.object("ServerTimingHeadersConfig")),
    )
    config.done()
    return policy


def _items(owner: Properties, name: str) -> tuple[str, ...]:
    config = owner.object(name)
    if config is None:
        return ()
    items = config.texts("Items")
    config.done()
    return items


def _cors(config: Properties | None) -> Cors | None:
    if config is None:
        return None
    cors = Cors(
        allow_origins=_items(config, "AccessControlAllowOrigins"),
        allow_headers=_items(config, "AccessControlAllowHeaders"),
        allow_methods=_items(config, "AccessControlAllowMethods"),
        expose_headers=_items(config, "AccessControlExposeHeaders"),
        allow_credentials=config.boolean("AccessControlAllowCredentials"),
        max_age=config.integer("AccessControlMaxAgeSec", 0, least=0, most=2**31 - 1)
        if "AccessControlMaxAgeSec" in config
        else None,
        override=config.boolean("OriginOverride"),
    )
    config.done()
    return cors


def _security(config: Properties | None) -> list[ResponseHeader]:
    if config is None:
        return []
    found = []

    def add(header: str, member: str, value: Any) -> None:
        part = config.object(member)
        if part is not None:
            found.append(ResponseHeader(name=header, value=value(part), override=part.boolean("Override")))
            part.done()

    add("Strict-Transport-Security", "StrictTransportSecurity", _strict_transport_security)
    add("X-Content-Type-Options", "ContentTypeOptions", lambda part: "nosniff")
    add("X-Frame-Options", "FrameOptions", lambda part: part.one_of("FrameOption", ("DENY", "SAMEORIGIN")))
    add("Referrer-Policy", "ReferrerPolicy", lambda part: part.required_text("ReferrerPolicy"))
    add("X-XSS-Protection", "XSSProtection", _xss_protection)
    add("Content-Security-Policy", "ContentSecurityPolicy", lambda part: part.required_text("ContentSecurityPolicy"))
    config.done()
    return found


def _strict_transport_security(part: Properties) -> str:
    value = f"max-age={part.integer('AccessControlMaxAgeSec', 0, least=0, most=2**31 - 1)}"
    value += "; includeSubDomains" if part.boolean("IncludeSubdomains") else ""
    return value + ("; preload" if part.boolean("Preload") else "")


def _xss_protection(part: Properties) -> str:
    protection, block, report = part.boolean("Protection"), part.boolean("ModeBlock"), part.text("ReportUri")
    if not protection:
        return "0"
    return "1" + ("; mode=block" if block else "") + (f"; report={report}" if report else "")


def _custom(config: Properties | None) -> list[ResponseHeader]:
    if config is None:
        return []
    found = []
    for item in config.objects("Items"):
        header = ResponseHeader(
            name=item.required_text("Header"), value=item.text("Value"), override=item.boolean("Override")
        )
        item.done()
        found.append(header)
    config.done()
    return found


def _removed(config: Properties | None) -> tuple[str, ...]:
    if config is None:
        return ()
    names = []
    for item in config.objects("Items"):
        name = item.required_text("Header")
        if is_not_removable(name.lower()):
            raise item.problem("Header", f"{name} cannot be removed")
        item.done()
        names.append(name.lower())
    config.done()
    return tuple(names)


def _server_timing(config: Properties | None) -> float:
    if config is None:
        return 0.0
    enabled, rate = config.boolean("Enabled"), config.number("SamplingRate", 0, least=0, most=100)
    config.done()
    return rate / 100 if enabled else 0.0
