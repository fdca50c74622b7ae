"""Buckets of templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from globule.s3.model import BucketPolicy, CorsRule, Website
from globule.s3.resources import RESOURCE_TYPES
from globule.s3.rules.bucket_names import why_not_a_bucket_name
from globule.world.resource_type import Built, Declaration, PropertyProblem

KINDS = {kind.name: kind for kind in RESOURCE_TYPES}


def build(properties: dict[str, Any], *, kind: str = "AWS::S3::Bucket", region: str = "eu-central-1") -> Built:
    return KINDS[kind].build(
        Declaration(
            stack="Shop",
            region=region,
            account="000000000000",
            logical_id="Pictures",
            properties=properties,
            folder=Path("/"),
            token="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        )
    )


def test_a_bucket_without_a_name_gets_one_that_a_bucket_may_have():
    built = build({})
    assert built.physical_id == "shop-pictures-abcdefghijkl"
    assert why_not_a_bucket_name(built.physical_id) is None


def test_what_a_template_can_ask_about_a_bucket():
    assert build({"BucketName": "photos"}).attributes == {
        "Arn": "arn:aws:s3:::photos",
        "DomainName": "photos.s3.amazonaws.com",
        "DualStackDomainName": "photos.s3.dualstack.eu-central-1.amazonaws.com",
        "RegionalDomainName": "photos.s3.eu-central-1.amazonaws.com",
        "WebsiteURL": "http://photos.s3-website.eu-central-1.amazonaws.com",
    }
    older = build({"BucketName": "photos"}, region="eu-west-1")
    assert older.attributes["WebsiteURL"] == "http://photos.s3-website-eu-west-1.amazonaws.com"


def test_the_settings_that_run_are_in_the_model():
    bucket = build(
        {
            "BucketName": "photos",
            "VersioningConfiguration": {"Status": "Enabled"},
            "CorsConfiguration": {"CorsRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAge": 5}]},
            "WebsiteConfiguration": {"IndexDocument": "index.html"},
            "Tags": [{"Key": "a", "Value": "b"}],
        }
    ).resource
    assert bucket.versioning == "Enabled"
    assert bucket.cors == (CorsRule(origins=("*",), methods=("GET",), max_age_seconds=5),)
    assert bucket.website == Website(index="index.html")
    assert bucket.tags == {"a": "b"}


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"BucketName": "No"}, ("BucketName",)),
        ({"BucketName": "10.0.0.1"}, ("BucketName",)),
        ({"VersioningConfiguration": {"Status": "On"}}, ("VersioningConfiguration", "Status")),
        ({"WebsiteConfiguration": {}}, ("WebsiteConfiguration", "IndexDocument")),
        (
            {"WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "x"}}},
            ("WebsiteConfiguration", "RedirectAllRequestsTo"),
        ),
    ],
)
def test_what_cannot_run_is_refused_by_its_path(properties, path):
    with pytest.raises(PropertyProblem) as caught:
        build(properties)
    assert caught.value.path == path


def policy(document: Any) -> Built:
    return build({"Bucket": "photos", "PolicyDocument": document}, kind="AWS::S3::BucketPolicy")


@pytest.mark.parametrize(
    ("statement", "lists"),
    [
        ([], False),
        ({"Effect": "Allow", "Action": "s3:GetObject"}, False),
        ({"Effect": "Allow", "Action": "s3:ListBucket"}, True),
        ([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:list*"]}], True),
        ({"Effect": "Allow", "Action": "*"}, True),
        ({"Effect": "Deny", "Action": "s3:*"}, False),
        ([{"Effect": "Allow", "NotAction": "s3:PutObject"}, "nonsense"], False),
    ],
)
def test_of_a_policy_only_the_permission_to_list_runs(statement, lists):
    assert "PolicyDocument" in KINDS["AWS::S3::BucketPolicy"].recorded
    assert policy({"Statement": statement}).resource == BucketPolicy(bucket="photos", allows_listing=lists)
    assert policy(json.dumps({"Statement": statement})).resource.allows_listing == lists


def test_a_policy_that_is_no_json_is_refused():
    with pytest.raises(PropertyProblem, match="PolicyDocument: is not JSON"):
        policy("{")


@pytest.mark.parametrize("name", ["abc", "a.b-c", "0" * 63])
def test_good_bucket_names(name):
    assert why_not_a_bucket_name(name) is None


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "A-b", "a_b", "-ab", "ab-", "a..b", "1.2.3.4", "xn--a", "a--x-s3", "é12"]
)
def test_bad_bucket_names(name):
    assert why_not_a_bucket_name(name) is not None
