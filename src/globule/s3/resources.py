"""Buckets of templates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from globule.s3.model import Bucket, BucketPolicy, CorsRule, Versioning, Website
from globule.s3.rules.bucket_names import why_not_a_bucket_name
from globule.s3.rules.callers import allows_listing
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

# Regions from before 2014 have a dash in their website endpoints, later ones a dot.
# https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints
_DASHED_WEBSITES = frozenset(
    (
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-west-1",
        "sa-east-1",
        "us-east-1",
        "us-west-1",
        "us-west-2",
    )
)


def website_host(bucket: str, region: str) -> str:
    separator = "-" if region in _DASHED_WEBSITES else "."
    return f"{bucket}.s3-website{separator}{region}.amazonaws.com"


def _build_bucket(declaration: Declaration) -> Built:
    properties = declaration.properties
    name = properties.get("BucketName") or declaration.generated_name().lower()
    why = why_not_a_bucket_name(name)
    if why is not None:
        raise PropertyProblem(("BucketName",), f"{name!r}: {why}")
    region = declaration.region
    return Built(
        physical_id=name,
        attributes={
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{website_host(name, region)}",
        },
        resource=Bucket(
            name=name,
            versioning=_versioning(properties),
            cors=tuple(_cors_rule(rule) for rule in properties.get("CorsConfiguration", {}).get("CorsRules", ())),
            website=_website(properties.get("WebsiteConfiguration")),
            tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())},
        ),
    )


def _versioning(properties: Mapping[str, Any]) -> Versioning:
    status = properties.get("VersioningConfiguration", {}).get("Status", "")
    if status not in ("", "Enabled", "Suspended"):
        raise PropertyProblem(("VersioningConfiguration", "Status"), "must be Enabled or Suspended")
    return status  # type: ignore[no-any-return]  # one of the literals, by the line above


def _cors_rule(rule: Mapping[str, Any]) -> CorsRule:
    return CorsRule(
        origins=tuple(rule.get("AllowedOrigins", ())),
        methods=tuple(rule.get("AllowedMethods", ())),
        headers=tuple(rule.get("AllowedHeaders", ())),
        exposed=tuple(rule.get("ExposedHeaders", ())),
        max_age_seconds=rule.get("MaxAge"),
    )


def _website(configuration: Mapping[str, Any] | None) -> Website | None:
    if configuration is None:
        return None
    for unsupported in ("RedirectAllRequestsTo", "RoutingRules"):
        if unsupported in configuration:
            raise PropertyProblem(("WebsiteConfiguration", unsupported), "is not supported here")
    if not configuration.get("IndexDocument"):
        raise PropertyProblem(("WebsiteConfiguration", "IndexDocument"), "is required")
    return Website(index=configuration["IndexDocument"], error=configuration.get("ErrorDocument", ""))


def _build_policy(declaration: Declaration) -> Built:
    bucket, document = declaration.properties["Bucket"], declaration.properties["PolicyDocument"]
    if isinstance(document, str):
        try:
            document = msgspec.json.decode(document, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise PropertyProblem(("PolicyDocument",), f"is not JSON: {error}") from None
    return Built(physical_id=bucket, resource=BucketPolicy(bucket=bucket, allows_listing=allows_listing(document)))


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::S3::Bucket",
        properties=frozenset(
            ("BucketName", "CorsConfiguration", "Tags", "VersioningConfiguration", "WebsiteConfiguration")
        ),
        recorded=frozenset(
            (
                "AccelerateConfiguration",
                "AccessControl",
                "AnalyticsConfigurations",
                "BucketEncryption",
                "IntelligentTieringConfigurations",
                "InventoryConfigurations",
                "LifecycleConfiguration",
                "LoggingConfiguration",
                "MetricsConfigurations",
                "NotificationConfiguration",
                "OwnershipControls",
                "PublicAccessBlockConfiguration",
                "ReplicationConfiguration",
            )
        ),
        replaced_by=frozenset(("BucketName",)),
        build=_build_bucket,
        model=Bucket,
    ),
    # Who may call what is not decided here; whether a missing key may be seen to be missing is.
    ResourceType(
        name="AWS::S3::BucketPolicy",
        properties=frozenset(("Bucket",)),
        recorded=frozenset(("PolicyDocument",)),
        replaced_by=frozenset(("Bucket",)),
        build=_build_policy,
        model=BucketPolicy,
    ),
)
