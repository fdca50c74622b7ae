"""Templates' tables: what becomes of their properties, and what is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from globule.dynamodb.model import GlobalTable, Table, Throughput
from globule.dynamodb.resources import RESOURCE_TYPES
from globule.dynamodb.rules.recovery import keeps_history
from globule.world.resource_type import Built, Declaration, PropertyProblem
from globule.world.snapshot import Deployed, World, WorldDecoder, encode_world

TYPES = {kind.name: kind for kind in RESOURCE_TYPES}

MUSIC: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "artist", "AttributeType": "S"},
        {"AttributeName": "year", "AttributeType": "N"},
        {"AttributeName": "genre", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "artist", "KeyType": "HASH"},
        {"AttributeName": "year", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-genre",
            "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
ON_DEMAND_WRITES = {"WriteCapacityAutoScalingSettings": {"MinCapacity": 3, "MaxCapacity": 9}}


def build(properties: dict[str, Any], kind: str = "Table", token: str = "A" * 26) -> Built:
    return TYPES[f"AWS::DynamoDB::{kind}"].build(
        Declaration(
            stack="app",
            region="eu-west-1",
            account="123456789012",
            logical_id="Music",
            properties=properties,
            folder=Path("/"),
            token=token,
        )
    )


def test_a_table_with_all_that_matters() -> None:
    built = build(
        {
            **MUSIC,
            "TableName": "music",
            "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            "DeletionProtectionEnabled": True,
            "Tags": [{"Key": "team", "Value": "a"}],
            "TableClass": "STANDARD",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        }
    )
    assert isinstance(built.resource, Table)
    spec = built.resource.spec
    assert (spec.name, spec.stream, spec.ttl_attribute, spec.billing) == (
        "music",
        "KEYS_ONLY",
        "ttl",
        "PAY_PER_REQUEST",
    )
    assert spec.deletion_protection
    assert [attribute.type for attribute in spec.keys.attributes] == ["S", "N"]
    assert spec.indexes[0].projection.attributes == ("title",)
    assert spec.settings["Tags"] == [{"Key": "team", "Value": "a"}]
    assert built.physical_id == "music"
    assert built.attributes["Arn"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/music"
    assert built.attributes["StreamArn"].startswith(built.attributes["Arn"] + "/stream/2024-")
    assert built.attributes["TableId"] == built.resource.identity
    assert keeps_history(spec)
    assert built.not_running == ()


def test_a_table_without_a_name_gets_one_and_a_replacement_another() -> None:
    one, other = build(MUSIC), build(MUSIC, token="B" * 26)
    assert one.physical_id.startswith("app-Music-")
    assert one.physical_id != other.physical_id
    assert one.attributes["TableId"] != other.attributes["TableId"]
    assert build(MUSIC) == one


def test_a_provisioned_table_needs_throughput_and_may_write_it_as_text() -> None:
    provisioned = {
        "AttributeDefinitions": MUSIC["AttributeDefinitions"][:1],
        "KeySchema": MUSIC["KeySchema"][:1],
    }
    with pytest.raises(PropertyProblem, match="ProvisionedThroughput is required"):
        build(provisioned)
    built = build({**provisioned, "ProvisionedThroughput": {"ReadCapacityUnits": "5", "WriteCapacityUnits": 6}})
    assert built.resource.spec.throughput == Throughput(read=5, write=6)


@pytest.mark.parametrize(
    ("change", "path", "why"),
    [
        ({"KeySchema": []}, ("KeySchema",), "length"),
        ({"KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}]}, ("AttributeDefinitions",), "not defined"),
        ({"AttributeDefinitions": MUSIC["AttributeDefinitions"] * 1 + [{"AttributeName": "z", "AttributeType": "S"}]},
         ("AttributeDefinitions",), "not used"),
        ({"BillingMode": "FREE"}, ("BillingMode",), "enum"),
        ({"KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": 7}]},
         ("KeySchema", 1, "KeyType"), ""),
        ({"ImportSourceSpecification": {}}, ("ImportSourceSpecification",), "S3"),
        ({"TimeToLiveSpecification": {"Enabled": True}}, ("TimeToLiveSpecification", "AttributeName"), "required"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_stands(
    change: dict[str, Any], path: tuple[str | int, ...], why: str
) -> None:
    with pytest.raises(PropertyProblem) as caught:
        build({**MUSIC, **change})
    assert caught.value.path == path
    assert why in caught.value.why


def test_a_global_table_has_a_spec_for_each_replica() -> None:
    built = build(
        {
            **MUSIC,
            "TableName": "music",
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "Replicas": [
                {"Region": "eu-west-1", "Tags": [{"Key": "a", "Value": "b"}]},
                {
                    "Region": "us-east-1",
                    "DeletionProtectionEnabled": True,
                    "TableClass": "STANDARD_INFREQUENT_ACCESS",
                    "ReadOnDemandThroughputSettings": {"MaxReadRequestUnits": 7},
                    "KinesisStreamSpecification": {"StreamArn": "arn:x"},
                },
            ],
        },
        "GlobalTable",
    )
    table = built.resource
    assert isinstance(table, GlobalTable)
    assert (table.home, list(table.replicas)) == ("eu-west-1", ["eu-west-1", "us-east-1"])
    here, there = table.replicas["eu-west-1"], table.replicas["us-east-1"]
    assert here.stream == there.stream == "NEW_AND_OLD_IMAGES"
    assert here.settings["Tags"] == [{"Key": "a", "Value": "b"}]
    assert there.settings["OnDemandThroughput"] == {"MaxReadRequestUnits": 7}
    assert (here.deletion_protection, there.deletion_protection) == (False, True)
    assert built.not_running == ("Replicas.1.KinesisStreamSpecification",)
    assert "eu-west-1" in built.attributes["StreamArn"]


def test_a_provisioned_global_table_begins_with_its_least_capacity() -> None:
    properties = {
        **MUSIC,
        "BillingMode": "PROVISIONED",
        "WriteProvisionedThroughputSettings": ON_DEMAND_WRITES,
        "GlobalSecondaryIndexes": [
            {**MUSIC["GlobalSecondaryIndexes"][0], "WriteProvisionedThroughputSettings": ON_DEMAND_WRITES}
        ],
        "Replicas": [{"Region": "eu-west-1", "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": 8}}],
    }
    spec = build(properties, "GlobalTable").resource.replicas["eu-west-1"]
    assert spec.throughput == Throughput(read=8, write=3)
    assert spec.indexes[0].throughput == Throughput(read=1, write=3)
    assert spec.stream is None, "one replica needs none"
    del properties["WriteProvisionedThroughputSettings"]
    with pytest.raises(PropertyProblem, match="WriteCapacityAutoScalingSettings is required"):
        build(properties, "GlobalTable")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Replicas": [{"Region": "us-east-1"}]}, "eu-west-1, must be among them"),
        ({"Replicas": [{"Region": "eu-west-1"}, {"Region": "eu-west-1"}]}, "named twice"),
        ({"Replicas": [{}]}, "Region is required"),
        ({"Replicas": [{"Region": "eu-west-1", "GlobalTableSettingsReplicationMode": "ENABLED"}]}, "not supported"),
        ({"MultiRegionConsistency": "STRONG"}, "only EVENTUAL"),
        ({"GlobalTableWitnesses": [{"Region": "us-east-1"}]}, "not supported"),
        ({"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}, "NEW_AND_OLD_IMAGES"),
    ],
)
def test_what_a_global_table_cannot_be_is_refused(change: dict[str, Any], why: str) -> None:
    whole = {**MUSIC, "Replicas": [{"Region": "eu-west-1"}, {"Region": "us-east-1"}], **change}
    with pytest.raises(PropertyProblem, match=why):
        build(whole, "GlobalTable")


def test_models_travel_in_a_world() -> None:
    models = [kind.model for kind in RESOURCE_TYPES if kind.model is not None]
    resources = [
        build({**MUSIC, "Tags": [{"Key": "k", "Value": "v"}]}).resource,
        build({**MUSIC, "Replicas": [{"Region": "eu-west-1"}]}, "GlobalTable").resource,
    ]
    world = World(
        resources=tuple(
            Deployed(stack="s", region="r", logical_id="l", type="t", physical_id="p", resource=resource)
            for resource in resources
        )
    )
    decoded = WorldDecoder(models).decode(encode_world(world))
    assert [deployed.resource for deployed in decoded.resources] == resources
    assert msgspec.json.encode(decoded) == encode_world(world)
