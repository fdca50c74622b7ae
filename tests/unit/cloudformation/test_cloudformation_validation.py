"""Properties against AWS's own schemas, and the types that are recorded and not running."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.recorded_types import RECORDED
from globule.cloudformation.schemas import Schemas, SchemasMissing
from globule.cloudformation.validation import conform
from globule.world.resource_type import Built, Declaration, ResourceType

FUNCTION: dict[str, Any] = {"Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::000000000000:role/r"}


def checked(schemas: Schemas, type_name: str, properties: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    schema = schemas.find(type_name)
    assert schema is not None
    value, problems = conform(schema, properties)
    return value, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("given", "coerced"),
    [
        ({"Timeout": "30"}, {"Timeout": 30}),
        ({"Timeout": 30}, {"Timeout": 30}),
        ({"MemorySize": 128.0}, {"MemorySize": 128}),
        ({"Description": 5}, {"Description": "5"}),
        ({"Description": True}, {"Description": "true"}),
        ({"TracingConfig": {"Mode": "Active"}}, {"TracingConfig": {"Mode": "Active"}}),
        ({"VpcConfig": {"Ipv6AllowedForDualStack": "true"}}, {"VpcConfig": {"Ipv6AllowedForDualStack": True}}),
        ({"Environment": {"Variables": {"TABLE": "t"}}}, {"Environment": {"Variables": {"TABLE": "t"}}}),
        ({"Tags": [{"Key": 1, "Value": 2}]}, {"Tags": [{"Key": "1", "Value": "2"}]}),
    ],
)
def test_scalars_take_the_type_that_the_schema_asks_for(
    schemas: Schemas, given: dict[str, Any], coerced: dict[str, Any]
) -> None:
    assert checked(schemas, "AWS::Lambda::Function", FUNCTION | given) == (FUNCTION | coerced, [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Timeot": 3}, "Timeot: there is no property Timeot; did you mean Timeout?"),
        ({"Arn": "x"}, "Arn: there is no property Arn"),
        ({"Timeout": "soon"}, "Timeout: must be a whole number, not 'soon'"),
        ({"Timeout": 1.5}, "Timeout: must be a whole number, not 1.5"),
        ({"Timeout": [1]}, "Timeout: must be a whole number, not a list"),
        ({"Layers": "arn"}, "Layers: must be a list, not 'arn'"),
        ({"Environment": "x"}, "Environment: must be a mapping, not 'x'"),
        (
            {"Environment": {"Variable": {}}},
            "Environment.Variable: there is no property Variable; did",
        ),
        ({"Environment": {"Variables": {"1A": "x"}}}, "Environment.Variables.1A: '1A' does not match"),
        ({"Tags": [{"Key": "a", "Valeu": "b"}]}, "Tags.0.Valeu: there is no property Valeu; did you mean Value?"),
        ({"Description": {"a": 1}}, "Description: must be text, not a mapping"),
        ({"Description": None}, "Description: must be text, not null"),
        ({"FileSystemConfigs": [{"Arn": "a"}]}, "FileSystemConfigs.0: required property LocalMountPath is missing"),
    ],
)
def test_what_the_schema_does_not_allow_is_told_with_its_path(
    schemas: Schemas, given: dict[str, Any], said: str
) -> None:
    _, problems = checked(schemas, "AWS::Lambda::Function", FUNCTION | given)
    assert any(problem.startswith(said) for problem in problems), problems


def test_missing_required_properties_are_told(schemas: Schemas) -> None:
    _, problems = checked(schemas, "AWS::Lambda::Function", {})
    assert problems == ["required property Code is missing", "required property Role is missing"]


def test_a_pattern_that_python_cannot_read_matches(schemas: Schemas) -> None:
    value, problems = checked(schemas, "AWS::Cognito::UserPool", {"UserPoolTags": {"Größe": "x"}})
    assert (value, problems) == ({"UserPoolTags": {"Größe": "x"}}, [])


def declaration(properties: dict[str, Any], **changes: Any) -> Declaration:
    given: dict[str, Any] = {
        "stack": "shop",
        "region": "eu-west-1",
        "account": "000000000000",
        "logical_id": "Thing",
        "properties": properties,
        "folder": Path("/app"),
        "token": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    }
    return Declaration(**(given | changes))


def recorded(catalogue: Catalogue, name: str, properties: dict[str, Any], **changes: Any) -> Built:
    kind = catalogue.find(name)
    assert kind is not None
    return kind.build(declaration(properties, **changes))


@pytest.mark.parametrize(
    ("name", "properties", "ref", "attributes"),
    [
        (
            "AWS::IAM::Role",
            {"RoleName": "chef", "Path": "/kitchen/"},
            "chef",
            {"Arn": r"arn:aws:iam::000000000000:role/kitchen/chef", "RoleId": r"AROA[A-Z2-7]{17}"},
        ),
        (
            "AWS::IAM::Role",
            {},
            r"shop-Thing-ABCDEFGHIJKL",
            {"Arn": r"arn:aws:iam::000000000000:role/shop-Thing-ABCDEFGHIJKL", "RoleId": r"AROA[A-Z2-7]{17}"},
        ),
        (
            "AWS::IAM::ManagedPolicy",
            {"ManagedPolicyName": "read"},
            r"arn:aws:iam::000000000000:policy/read",
            {"PolicyArn": r"arn:aws:iam::000000000000:policy/read"},
        ),
        (
            "AWS::Logs::LogGroup",
            {"LogGroupName": "/x"},
            "/x",
            {"Arn": r"arn:aws:logs:eu-west-1:0+:log-group:/x:\*"},
        ),
        (
            "AWS::CertificateManager::Certificate",
            {"DomainName": "example.com"},
            r"arn:aws:acm:eu-west-1:000000000000:certificate/[0-9a-f-]{36}",
            {},
        ),
        ("AWS::KMS::Key", {}, r"[0-9a-f-]{36}", {"Arn": r"arn:aws:kms:eu-west-1:000000000000:key/[0-9a-f-]{36}"}),
        ("AWS::SSM::Parameter", {"Name": "/a", "Type": "String", "Value": "v"}, "/a", {"Value": "v", "Type": "String"}),
        ("AWS::S3::BucketPolicy", {"Bucket": "site", "PolicyDocument": {}}, "site", {}),
        (
            "AWS::SQS::Queue",
            {"QueueName": "q"},
            r"https://sqs\.eu-west-1\.amazonaws\.com/000000000000/q",
            {"QueueName": "q"},
        ),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, r"vpc-[0-9a-f]{17}", {"CidrBlock": r"10\.0\.0\.0/16"}),
        (
            "AWS::WAFv2::WebACL",
            {"Name": "w", "Scope": "CLOUDFRONT"},
            r"w\|[0-9a-f-]{36}\|CLOUDFRONT",
            {"Arn": r"arn:aws:wafv2:eu-west-1:000000000000:global/webacl/w/[0-9a-f-]{36}"},
        ),
        ("AWS::Cognito::UserPool", {}, r"eu-west-1_[a-z0-9]{9}", {"ProviderName": r"cognito-idp\.eu-west-1\..*"}),
    ],
)
def test_recorded_types_have_the_return_values_that_aws_documents(
    catalogue: Catalogue, name: str, properties: dict[str, Any], ref: str, attributes: dict[str, str]
) -> None:
    built = recorded(catalogue, name, properties)
    assert built.resource is None
    assert re.fullmatch(ref, built.physical_id), built
    for attribute, pattern in attributes.items():
        assert re.fullmatch(pattern, built.attributes[attribute]), built


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_recorded_type_builds_and_is_the_same_for_the_same_token(catalogue: Catalogue, name: str) -> None:
    schema = catalogue.schemas.find(name)
    assert schema is not None
    properties = dict.fromkeys((*schema.required, "Url") if "OIDC" in name else schema.required, "x")
    one, same = (recorded(catalogue, name, properties) for _ in range(2))
    other = recorded(catalogue, name, properties, token="Z" * 26, logical_id="Other")
    assert one == same
    given = {"{" not in text for text in (one.physical_id, *one.attributes.values())}
    assert given == {True}
    if "name" not in str(schema.primary_identifier).lower() and one.physical_id != "x":
        assert one.physical_id != other.physical_id or name in ("AWS::EC2::EIP", *_NAMED_BY_PROPERTIES)


_NAMED_BY_PROPERTIES = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationInsights::Application",
    "AWS::IAM::OIDCProvider",
    "AWS::WAFv2::WebACLAssociation",
)


def test_recorded_attributes_exist_in_the_schema(catalogue: Catalogue) -> None:
    for name, form in RECORDED.items():
        schema = catalogue.schemas.find(name)
        assert schema is not None
        assert set(form.attributes) <= set(schema.properties), name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AWS::Lambda::CapacityProvider", "is not supported here; of AWS::Lambda are supported: AWS::Lambda::Alias, "),
        (
            "AWS::Kinesis::Stream",
            "is not supported here; types of these services are: AWS::Api",
        ),
        (
            "AWS::Lamda::Function",
            "CloudFormation has no resource type AWS::Lamda::Function; did you mean AWS",
        ),
        ("Custom::Thing", "custom resources are not supported here"),
        ("AWS::CloudFormation::Stack", "list the child template as a [[stack]] of its own in globule.toml"),
        ("AWS::Serverless::Function", "needs `Transform: AWS::Serverless-2016-10-31`"),
    ],
)
def test_an_unsupported_type_is_refused_with_what_is_supported_nearby(
    catalogue: Catalogue, name: str, said: str
) -> None:
    assert catalogue.find(name) is None
    assert said in catalogue.why_not(name)


def test_a_services_own_type_wins_over_a_recorded_one(schemas: Schemas) -> None:
    role = ResourceType(name="AWS::IAM::Role", properties=frozenset(), build=lambda _: Built(physical_id="x"))
    assert Catalogue([role], schemas).find("AWS::IAM::Role") is role


def test_schemas_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(SchemasMissing, match="cannot read cfn-lint's resource schemas"):
        Schemas(tmp_path).find("AWS::IAM::Role")
