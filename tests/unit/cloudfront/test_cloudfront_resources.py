"""From template properties to models: what is accepted, what is refused, and what Ref and Fn::GetAtt give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from globule.cloudfront.model import CustomOrigin, Distribution, S3Origin, Selection
from globule.cloudfront.resources import RESOURCE_TYPES
from globule.cloudfront.rules.configuration import Policies, configure
from globule.world.resource_type import Built, Declaration, PropertyProblem
from globule.world.snapshot import Deployed, World, WorldDecoder, encode_world

VERSION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f:1"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"

ORIGIN: dict[str, Any] = {
    "Id": "api",
    "DomainName": "API.example.com",
    "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
}
BEHAVIOR: dict[str, Any] = {
    "TargetOriginId": "api",
    "ViewerProtocolPolicy": "redirect-to-https",
    "CachePolicyId": CACHING_OPTIMIZED,
}
CONFIG: dict[str, Any] = {"Enabled": True, "Origins": [ORIGIN], "DefaultCacheBehavior": BEHAVIOR}


def build(kind: str, properties: dict[str, Any]) -> Built:
    found = next(known for known in RESOURCE_TYPES if known.name == f"AWS::CloudFront::{kind}")
    return found.build(
        Declaration(
            stack="edge",
            region="us-east-1",
            account="123456789012",
            logical_id="It",
            properties=properties,
            folder=Path("/"),
            token="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        )
    )


def distribution(**changes: Any) -> Built:
    return build("Distribution", {"DistributionConfig": {**CONFIG, **changes}})


def model(**changes: Any) -> Distribution:
    found = distribution(**changes).resource
    assert isinstance(found, Distribution)
    return found


def test_a_distribution_has_an_id_a_domain_name_and_an_arn() -> None:
    built = distribution()
    assert built.physical_id == built.attributes["Id"] == "EABCDEFGHIJKLM"
    assert re.fullmatch(r"d[a-z0-9]{13}\.cloudfront\.net", built.attributes["DomainName"])
    assert built.resource.arn == "arn:aws:cloudfront::123456789012:distribution/EABCDEFGHIJKLM"


def test_every_model_survives_the_journey_through_the_world() -> None:
    resources = [
        distribution(),
        build("CachePolicy", {"CachePolicyConfig": policy()}),
        build("OriginRequestPolicy", {"OriginRequestPolicyConfig": request_policy()}),
        build("ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": {"Name": "n"}}),
        build("OriginAccessControl", {"OriginAccessControlConfig": ACCESS_CONTROL}),
        build("CloudFrontOriginAccessIdentity", {"CloudFrontOriginAccessIdentityConfig": {"Comment": "c"}}),
    ]
    world = World(
        resources=tuple(
            Deployed(
                stack="s",
                region="us-east-1",
                logical_id="L",
                type="T",
                physical_id=built.physical_id,
                resource=built.resource,
            )
            for built in resources
        )
    )
    decoder = WorldDecoder([kind.model for kind in RESOURCE_TYPES if kind.model is not None])
    assert decoder.decode(encode_world(world)) == world


def test_defaults_are_cloudfronts() -> None:
    found = model()
    (origin,) = found.origins
    assert (origin.domain_name, origin.connection_attempts, origin.connection_timeout) == ("api.example.com", 3, 10)
    assert isinstance(origin.config, CustomOrigin)
    assert (origin.config.read_timeout, origin.config.keepalive_timeout) == (30, 5)
    assert found.default_behavior.allowed_methods == {"GET", "HEAD"}
    assert configure(found, Policies()).error_minimum_ttl(404) == 10


def test_what_does_nothing_here_is_listed() -> None:
    built = distribution(
        WebACLId="arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/b",
        Comment="quiet",
        Logging={"Bucket": "b.s3.amazonaws.com"},
        Origins=[{**ORIGIN, "OriginShield": {"Enabled": True, "OriginShieldRegion": "us-east-1"}}],
    )
    assert built.not_running == (
        "DistributionConfig.Logging",
        "DistributionConfig.WebACLId",
        "DistributionConfig.Origins.0.OriginShield",
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"Origins": []}, "Origins"),
        ({"Origins": [{**ORIGIN, "S3OriginConfig": {}}]}, "Origins.0.S3OriginConfig"),
        ({"Origins": [{**ORIGIN, "OriginPath": "/a/"}]}, "Origins.0.OriginPath"),
        ({"Origins": [{**ORIGIN, "ConnectionTimeout": 11}]}, "Origins.0.ConnectionTimeout"),
        ({"Origins": [{**ORIGIN, "Surprise": 1}]}, "Origins.0.Surprise"),
        ({"Origins": [{**ORIGIN, "VpcOriginConfig": {"VpcOriginId": "v"}}]}, "Origins.0.VpcOriginConfig"),
        (
            {"Origins": [{**ORIGIN, "OriginCustomHeaders": [{"HeaderName": "Host", "HeaderValue": "x"}]}]},
            "Origins.0.OriginCustomHeaders.0.HeaderName",
        ),
        ({"DefaultRootObject": "/index.html"}, "DefaultRootObject"),
        ({"Staging": True}, "Staging"),
        ({"DefaultCacheBehavior": {**BEHAVIOR, "TargetOriginId": "none"}}, "Origins"),
        ({"DefaultCacheBehavior": {**BEHAVIOR, "CachePolicyId": ""}}, "DefaultCacheBehavior.CachePolicyId"),
        (
            {"DefaultCacheBehavior": {**BEHAVIOR, "ForwardedValues": {"QueryString": True}}},
            "DefaultCacheBehavior.CachePolicyId",
        ),
        ({"DefaultCacheBehavior": {**BEHAVIOR, "AllowedMethods": ["GET"]}}, "DefaultCacheBehavior.AllowedMethods"),
        (
            {"DefaultCacheBehavior": {**BEHAVIOR, "FunctionAssociations": [{"EventType": "viewer-request"}]}},
            "DefaultCacheBehavior.FunctionAssociations",
        ),
        ({"DefaultCacheBehavior": {**BEHAVIOR, "TrustedKeyGroups": ["k"]}}, "DefaultCacheBehavior.TrustedKeyGroups"),
        (
            {"CacheBehaviors": [{**BEHAVIOR, "PathPattern": "/a", "ViewerProtocolPolicy": "none"}]},
            "CacheBehaviors.0.ViewerProtocolPolicy",
        ),
        ({"CacheBehaviors": [{**BEHAVIOR, "PathPattern": "/é"}]}, "CacheBehaviors.0.PathPattern"),
        ({"CustomErrorResponses": [{"ErrorCode": 401}]}, "CustomErrorResponses.0.ErrorCode"),
        (
            {"CustomErrorResponses": [{"ErrorCode": 404, "ResponseCode": 200}]},
            "CustomErrorResponses.0.ResponsePagePath",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(PropertyProblem) as caught:
        distribution(**changes)
    assert ".".join(map(str, caught.value.path)) == f"DistributionConfig.{path}"


@pytest.mark.parametrize(
    "association",
    [
        {"EventType": "viewer-request", "LambdaFunctionARN": "arn:aws:lambda:eu-west-1:000000000000:function:f:1"},
        {"EventType": "viewer-request", "LambdaFunctionARN": "arn:aws:lambda:us-east-1:000000000000:function:f"},
        {
            "EventType": "viewer-request",
            "LambdaFunctionARN": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
        },
        {"EventType": "viewer-request", "LambdaFunctionARN": "arn:aws:lambda:us-east-1:000000000000:function:f:live"},
        {"EventType": "viewer-request", "LambdaFunctionARN": "f"},
        {"EventType": "origin-response", "LambdaFunctionARN": VERSION_ARN, "IncludeBody": True},
        {"EventType": "other", "LambdaFunctionARN": VERSION_ARN},
    ],
)
def test_a_function_must_be_a_numbered_version_in_us_east_1(association: dict[str, Any]) -> None:
    with pytest.raises(PropertyProblem):
        distribution(DefaultCacheBehavior={**BEHAVIOR, "LambdaFunctionAssociations": [association]})


def test_one_function_for_each_event() -> None:
    one = {"EventType": "viewer-request", "LambdaFunctionARN": VERSION_ARN}
    found = model(DefaultCacheBehavior={**BEHAVIOR, "LambdaFunctionAssociations": [one]})
    assert found.default_behavior.functions[0].arn == VERSION_ARN
    with pytest.raises(PropertyProblem):
        distribution(DefaultCacheBehavior={**BEHAVIOR, "LambdaFunctionAssociations": [one, one]})


def test_an_s3_origin_with_access_control() -> None:
    site = {
        "Id": "api",
        "DomainName": "b.s3.eu-west-1.amazonaws.com",
        "OriginAccessControlId": "E1",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    (origin,) = model(Origins=[site]).origins
    assert (origin.config, origin.access_control_id) == (S3Origin(), "E1")


def test_an_origin_group_has_two_members_and_codes() -> None:
    group = {
        "Id": "group",
        "Members": {"Quantity": 2, "Items": [{"OriginId": "api"}, {"OriginId": "two"}]},
        "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [500, 503]}},
    }
    origins = [ORIGIN, {**ORIGIN, "Id": "two"}]
    behavior = {**BEHAVIOR, "TargetOriginId": "group"}
    found = model(Origins=origins, OriginGroups={"Quantity": 1, "Items": [group]}, DefaultCacheBehavior=behavior)
    (settings,) = configure(found, Policies()).settings
    assert ([origin.id for origin in settings.origins], settings.failover_codes) == (["api", "two"], {500, 503})
    for change in (
        {"Members": {"Quantity": 1, "Items": [{"OriginId": "api"}]}},
        {"Members": {"Quantity": 2, "Items": [{"OriginId": "api"}, {"OriginId": "three"}]}},
        {"FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [401]}}},
    ):
        with pytest.raises(PropertyProblem):
            distribution(Origins=origins, OriginGroups={"Quantity": 1, "Items": [{**group, **change}]})


def policy(**changes: Any) -> dict[str, Any]:
    keyed = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
        **changes.pop("keyed", {}),
    }
    return {
        "Name": "n",
        "MinTTL": 1,
        "DefaultTTL": 60,
        "MaxTTL": 3600,
        "ParametersInCacheKeyAndForwardedToOrigin": keyed,
        **changes,
    }


def request_policy(**changes: Any) -> dict[str, Any]:
    return {
        "Name": "n",
        "HeadersConfig": {"HeaderBehavior": "allViewer"},
        "CookiesConfig": {"CookieBehavior": "all"},
        "QueryStringsConfig": {"QueryStringBehavior": "allExcept", "QueryStrings": ["a"]},
        **changes,
    }


def test_a_cache_policy() -> None:
    built = build("CachePolicy", {"CachePolicyConfig": policy(MinTTL=100, DefaultTTL=60, MaxTTL=10)})
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", built.physical_id)
    found = built.resource
    assert (found.minimum_ttl, found.default_ttl, found.maximum_ttl) == (100, 100, 100)


@pytest.mark.parametrize(
    "config",
    [
        policy(MinTTL=0, DefaultTTL=0, MaxTTL=0),
        policy(keyed={"HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": ["Accept-Encoding"]}}),
        policy(keyed={"HeadersConfig": {"HeaderBehavior": "whitelist"}}),
        policy(keyed={"HeadersConfig": {"HeaderBehavior": "all"}}),
        policy(keyed={"CookiesConfig": {"CookieBehavior": "none", "Cookies": ["a"]}}),
        policy(keyed={"CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": list("abcdefghijk")}}),
    ],
)
def test_a_cache_policy_that_amazon_refuses_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(PropertyProblem):
        build("CachePolicy", {"CachePolicyConfig": config})


def test_an_origin_request_policy() -> None:
    found = build("OriginRequestPolicy", {"OriginRequestPolicyConfig": request_policy()}).resource
    assert found.headers == Selection(behavior="allViewer")
    assert found.query_strings == Selection(behavior="allExcept", names=("a",))
    with pytest.raises(PropertyProblem):
        headers = {"HeaderBehavior": "whitelist", "Headers": ["Authorization"]}
        build("OriginRequestPolicy", {"OriginRequestPolicyConfig": request_policy(HeadersConfig=headers)})


def test_a_response_headers_policy() -> None:
    config = {
        "Name": "n",
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {
                "AccessControlMaxAgeSec": 31536000,
                "IncludeSubdomains": True,
                "Preload": True,
                "Override": True,
            },
            "XSSProtection": {"Protection": True, "ModeBlock": True, "Override": False},
            "FrameOptions": {"FrameOption": "DENY", "Override": True},
        },
        "CustomHeadersConfig": {"Items": [{"Header": "X-Custom", "Value": "v", "Override": True}]},
        "RemoveHeadersConfig": {"Items": [{"Header": "X-Powered-By"}]},
        "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 50},
    }
    found = build("ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": config}).resource
    assert {header.name: header.value for header in found.added} == {
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
        "X-XSS-Protection": "1; mode=block",
        "X-Frame-Options": "DENY",
        "X-Custom": "v",
    }
    assert found.removed == ("x-powered-by",)
    assert found.server_timing_rate == 0.5
    with pytest.raises(PropertyProblem):
        removal = {"Items": [{"Header": "Via"}]}
        build("ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": {"Name": "n", "RemoveHeadersConfig": removal}})


ACCESS_CONTROL = {
    "Name": "n",
    "OriginAccessControlOriginType": "s3",
    "SigningBehavior": "always",
    "SigningProtocol": "sigv4",
}
