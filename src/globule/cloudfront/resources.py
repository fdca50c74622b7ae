"""CloudFront's CloudFormation types (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
AWS_CloudFront.html)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, cast

from globule.cloudfront import distribution_properties, policy_properties
from globule.cloudfront.model import (
    CachePolicy,
    CloudFrontOriginAccessIdentity,
    Distribution,
    OriginAccessControl,
    OriginRequestPolicy,
    ResponseHeadersPolicy,
)
from globule.cloudfront.properties import Properties
from globule.world.resource_type import Built, Declaration, ResourceType

# Ids of distributions, access controls and identities are E and 13 more.
ID_LENGTH = 13


def _id(declaration: Declaration) -> str:
    return "E" + declaration.token[:ID_LENGTH]


def _policy_id(declaration: Declaration) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(declaration.token.encode()).digest()[:16], version=4))


def _config(declaration: Declaration, name: str) -> Properties:
    return Properties(declaration.properties).required_object(name)


def _distribution(declaration: Declaration) -> Built:
    id = _id(declaration)
    domain_name = f"d{declaration.token[ID_LENGTH : 2 * ID_LENGTH].lower()}.cloudfront.net"
    config = _config(declaration, "DistributionConfig")
    model = distribution_properties.distribution(config, id=id, domain_name=domain_name, account=declaration.account)
    return Built(
        physical_id=id,
        attributes={"Id": id, "DomainName": domain_name},
        resource=model,
        not_running=tuple(config.recorded),
    )


def _policy(config_name: str, read: Any) -> Any:
    def build(declaration: Declaration) -> Built:
        id = _policy_id(declaration)
        return Built(physical_id=id, attributes={"Id": id}, resource=read(_config(declaration, config_name), id=id))

    return build


def _origin_access_control(declaration: Declaration) -> Built:
    config = _config(declaration, "OriginAccessControlConfig")
    config.ignore("Description")
    id = _id(declaration)
    model = OriginAccessControl(
        id=id,
        name=config.required_text("Name"),
        origin_type=config.one_of("OriginAccessControlOriginType", ("s3", "lambda", "mediastore", "mediapackagev2")),
        signing_behavior=cast(Any, config.one_of("SigningBehavior", ("never", "always", "no-override"))),
    )
    config.one_of("SigningProtocol", ("sigv4",))
    config.done()
    return Built(physical_id=id, attributes={"Id": id}, resource=model)


def _origin_access_identity(declaration: Declaration) -> Built:
    config = _config(declaration, "CloudFrontOriginAccessIdentityConfig")
    id = _id(declaration)
    canonical = hashlib.sha384(declaration.token.encode()).hexdigest()
    model = CloudFrontOriginAccessIdentity(id=id, s3_canonical_user_id=canonical, comment=config.text("Comment"))
    config.done()
    return Built(physical_id=id, attributes={"Id": id, "S3CanonicalUserId": canonical}, resource=model)


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        name="AWS::CloudFront::Distribution",
        properties=frozenset({"DistributionConfig"}),
        recorded=frozenset({"Tags"}),
        build=_distribution,
        model=Distribution,
    ),
    ResourceType(
        name="AWS::CloudFront::CachePolicy",
        properties=frozenset({"CachePolicyConfig"}),
        build=_policy("CachePolicyConfig", policy_properties.cache_policy),
        model=CachePolicy,
    ),
    ResourceType(
        name="AWS::CloudFront::OriginRequestPolicy",
        properties=frozenset({"OriginRequestPolicyConfig"}),
        build=_policy("OriginRequestPolicyConfig", policy_properties.origin_request_policy),
        model=OriginRequestPolicy,
    ),
    ResourceType(
        name="AWS::CloudFront::ResponseHeadersPolicy",
        properties=frozenset({"ResponseHeadersPolicyConfig"}),
        build=_policy("ResponseHeadersPolicyConfig", policy_properties.response_headers_policy),
        model=ResponseHeadersPolicy,
    ),
    ResourceType(
        name="AWS::CloudFront::OriginAccessControl",
        properties=frozenset({"OriginAccessControlConfig"}),
        build=_origin_access_control,
        model=OriginAccessControl,
    ),
    ResourceType(
        name="AWS::CloudFront::CloudFrontOriginAccessIdentity",
        properties=frozenset({"CloudFrontOriginAccessIdentityConfig"}),
        build=_origin_access_identity,
        model=CloudFrontOriginAccessIdentity,
    ),
)
