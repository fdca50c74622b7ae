"""A distribution with its policies looked up: everything that a request needs to know about its behavior.

Settings from before policies (ForwardedValues) become the same selections, so nothing after this module tells the
two apart but `legacy`, for headers that are forwarded by default there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from globule.cloudfront.managed_policies import CACHE_POLICIES, ORIGIN_REQUEST_POLICIES, RESPONSE_HEADERS_POLICIES
from globule.cloudfront.model import (
    NONE,
    CacheBehavior,
    CachePolicy,
    CustomErrorResponse,
    Distribution,
    EdgeFunction,
    Event,
    Origin,
    OriginAccessControl,
    OriginRequestPolicy,
    ResponseHeadersPolicy,
    Selection,
)
from globule.cloudfront.rules.lifetime import Ttls
from globule.cloudfront.rules.paths import compile_pattern
from globule.cloudfront.rules.selection import both

Policy = TypeVar("Policy", CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy)
AccessControls = Mapping[str, OriginAccessControl]


class UnknownPolicy(Exception):
    """A behavior names a policy that is neither in the world nor AWS's own, or an origin an access control."""


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """The policies of a world, by id; AWS's managed ones come by themselves."""

    cache: Mapping[str, CachePolicy] = {}
    origin_request: Mapping[str, OriginRequestPolicy] = {}
    response_headers: Mapping[str, ResponseHeadersPolicy] = {}
    access_controls: AccessControls = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One behavior, ready to use."""

    number: int
    """Its position in order of precedence; the default behavior comes last."""
    behavior: CacheBehavior
    pattern: re.Pattern[str]
    ttls: Ttls
    caching: bool
    """Whether anything may be kept, were its response to allow it."""
    legacy: bool
    keyed_headers: tuple[str, ...]
    """Lower case, sorted."""
    keyed_cookies: Selection
    keyed_query_strings: Selection
    sent_headers: tuple[Selection, ...]
    """What goes to the origin: what any of these takes. The same for the next two."""
    sent_cookies: Selection
    sent_query_strings: Selection
    gzip: bool
    brotli: bool
    """Whether Accept-Encoding is normalised and keyed, with this coding in it."""
    origins: tuple[Origin, ...]
    """One, or an origin group's primary and secondary."""
    failover_codes: frozenset[int]
    functions: Mapping[Event, EdgeFunction]
    response_headers: ResponseHeadersPolicy | None
    forwards_cookies: bool
    collapses: bool
    """Whether simultaneous requests for one key wait for one fetch ("Simultaneous requests for the same object
    (request collapsing)", https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
    RequestAndResponseBehaviorCustomOrigin.html)."""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution, ready to use."""

    distribution: Distribution
    settings: tuple[Settings, ...]
    """In order of precedence; the last one matches everything."""
    errors: Mapping[int, CustomErrorResponse]
    access_controls: AccessControls = {}

    def settings_for(self, path: str) -> Settings:
        """The behavior of a path (normalised, see `paths.normalised`)."""
        for settings in self.settings:
            if settings.pattern.fullmatch(path):
                return settings
        raise AssertionError("the default behavior matches everything")

    def error_minimum_ttl(self, status: int) -> float:
        """Error Caching Minimum TTL of a status, 10 seconds where nothing is configured."""
        error = self.errors.get(status)
        return 10.0 if error is None else error.minimum_ttl


def configure(distribution: Distribution, policies: Policies) -> Configuration:
    """Raises UnknownPolicy."""
    for origin in distribution.origins:
        if origin.access_control_id and origin.access_control_id not in policies.access_controls:
            raise UnknownPolicy(
                f"the origin {origin.id} names the access control {origin.access_control_id}, which does not exist"
            )
    behaviors = (*distribution.behaviors, distribution.default_behavior)
    return Configuration(
        distribution=distribution,
        settings=tuple(
            _settings(number, behavior, distribution, policies) for number, behavior in enumerate(behaviors)
        ),
        errors={error.error_code: error for error in distribution.error_responses},
        access_controls=policies.access_controls,
    )


def _settings(number: int, behavior: CacheBehavior, distribution: Distribution, policies: Policies) -> Settings:
    cache = _cache_policy(behavior, policies)
    request = _find(behavior.origin_request_policy_id, policies.origin_request, ORIGIN_REQUEST_POLICIES, behavior)
    everything = behavior.forwarded_values is not None and "*" in behavior.forwarded_values.headers
    origins, failover_codes = _target(behavior, distribution)
    caching = cache.maximum_ttl > 0 and not everything
    sent_cookies = both(cache.cookies, NONE if request is None else request.cookies)
    forwards_cookies = sent_cookies.behavior != "none"
    return Settings(
        number=number,
        behavior=behavior,
        pattern=compile_pattern(behavior.path_pattern),
        ttls=Ttls(minimum=cache.minimum_ttl, default=cache.default_ttl, maximum=cache.maximum_ttl),
        caching=caching,
        legacy=behavior.forwarded_values is not None,
        keyed_headers=tuple(sorted(name.lower() for name in cache.headers.names if name != "*")),
        keyed_cookies=cache.cookies,
        keyed_query_strings=cache.query_strings,
        sent_headers=tuple(
            Selection(behavior=selection.behavior, names=tuple(name.lower() for name in selection.names))
            for selection in (cache.headers, NONE if request is None else request.headers)
            if selection.behavior != "none"
        ),
        sent_cookies=sent_cookies,
        sent_query_strings=both(
            _sent_query_strings(behavior, cache), NONE if request is None else request.query_strings
        ),
        gzip=cache.gzip,
        brotli=cache.brotli,
        origins=origins,
        failover_codes=failover_codes,
        functions={function.event: function for function in behavior.functions},
        response_headers=_find(
            behavior.response_headers_policy_id, policies.response_headers, RESPONSE_HEADERS_POLICIES, behavior
        ),
        forwards_cookies=forwards_cookies,
        collapses=caching and not forwards_cookies,
    )


def _cache_policy(behavior: CacheBehavior, policies: Policies) -> CachePolicy:
    """The behavior's cache policy, or its older settings in the form of one."""
    old = behavior.forwarded_values
    if old is None:
        found = _find(behavior.cache_policy_id, policies.cache, CACHE_POLICIES, behavior)
        assert found is not None, "resources.py asks for one of the two"
        return found
    query_strings = NONE
    if old.query_string:
        keys = old.query_string_cache_keys
        query_strings = Selection(behavior="whitelist", names=keys) if keys else Selection(behavior="all")
    headers = Selection(behavior="allViewer") if "*" in old.headers else NONE
    if old.headers and "*" not in old.headers:
        headers = Selection(behavior="whitelist", names=old.headers)
    return CachePolicy(
        id="",
        name="",
        minimum_ttl=old.minimum_ttl,
        default_ttl=old.default_ttl,
        maximum_ttl=old.maximum_ttl,
        gzip=True,
        headers=headers,
        cookies=old.cookies,
        query_strings=query_strings,
    )


def _sent_query_strings(behavior: CacheBehavior, cache: CachePolicy) -> Selection:
    """Older settings send all query strings where they send any, also those that are not keyed."""
    old = behavior.forwarded_values
    return Selection(behavior="all") if old is not None and old.query_string else cache.query_strings


def _find(id: str, own: Mapping[str, Policy], managed: Mapping[str, Policy], behavior: CacheBehavior) -> Policy | None:
    if not id:
        return None
    found = own.get(id) or managed.get(id)
    if found is None:
        raise UnknownPolicy(f"the behavior for {behavior.path_pattern} names the policy {id}, which does not exist")
    return found


def _target(behavior: CacheBehavior, distribution: Distribution) -> tuple[tuple[Origin, ...], frozenset[int]]:
    origins = {origin.id: origin for origin in distribution.origins}
    if behavior.target_origin_id in origins:
        return (origins[behavior.target_origin_id],), frozenset()
    group = next(group for group in distribution.origin_groups if group.id == behavior.target_origin_id)
    return tuple(origins[member] for member in group.members), group.status_codes
