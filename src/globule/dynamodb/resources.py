"""DynamoDB's CloudFormation types.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html

A template's properties are put into the shape of CreateTable and go through the same rules, so a template is refused
with the words of the API.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from globule.dynamodb.model import GlobalTable, Table, TableSpec
from globule.dynamodb.rules.definitions import table_spec
from globule.dynamodb.rules.names import stream_label
from globule.dynamodb.rules.requests.control import CreateTableInput
from globule.wire.aws.errors import AwsError
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

Properties = Mapping[str, Any]

# Members that CreateTable knows under the same names, and takes as they are.
_AS_THEY_ARE = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "LocalSecondaryIndexes",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
)

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-replicaspecification.html
_REPLICA_HONOURED = frozenset(
    (
        "Region",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "PointInTimeRecoverySpecification",
        "ReadOnDemandThroughputSettings",
        "ReadProvisionedThroughputSettings",
        "TableClass",
        "Tags",
        "ContributorInsightsSpecification",
        "ResourcePolicy",
        "SSESpecification",
        "ReplicaStreamSpecification",
        "KinesisStreamSpecification",
    )
)

# Accepted, and shown by the API where it has a place for them; nothing here acts on them.
_NOT_RUNNING = (
    "ContributorInsightsSpecification",
    "KinesisStreamSpecification",
    "ReplicaStreamSpecification",
    "ResourcePolicy",
    "SSESpecification",
)

_STREAM = "NEW_AND_OLD_IMAGES"


def _table(declaration: Declaration) -> Built:
    properties = declaration.properties
    name = properties.get("TableName") or declaration.generated_name(limit=255)
    if "ImportSourceSpecification" in properties:
        raise PropertyProblem(("ImportSourceSpecification",), "a table cannot be filled from S3 here")
    request = {key: properties[key] for key in _AS_THEY_ARE if key in properties}
    request["TableName"] = name
    if "ProvisionedThroughput" in properties:
        request["ProvisionedThroughput"] = properties["ProvisionedThroughput"]
    elif properties.get("BillingMode", "PROVISIONED") == "PROVISIONED":
        raise PropertyProblem((), "ProvisionedThroughput is required, unless BillingMode is PAY_PER_REQUEST")
    if "GlobalSecondaryIndexes" in properties:
        request["GlobalSecondaryIndexes"] = [_without_insights(index) for index in properties["GlobalSecondaryIndexes"]]
    view = properties.get("StreamSpecification", {}).get("StreamViewType")
    if view is not None:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    spec = _spec(request, properties)
    spec = msgspec.structs.replace(
        spec,
        ttl_attribute=_ttl_attribute(properties),
        settings=_settings(spec, properties, resource_policy=properties.get("ResourcePolicy")),
    )
    return _built(declaration, spec, Table(spec=spec, identity=_identity(declaration)))


def _global_table(declaration: Declaration) -> Built:
    properties = declaration.properties
    name = properties.get("TableName") or declaration.generated_name(limit=255)
    for member in ("GlobalTableSourceArn", "GlobalTableWitnesses", "VectorIndexes"):
        if member in properties:
            raise PropertyProblem((member,), "is not supported by Globule")
    if properties.get("MultiRegionConsistency", "EVENTUAL") != "EVENTUAL":
        raise PropertyProblem(("MultiRegionConsistency",), "only EVENTUAL runs here")
    replicas = _replicas(declaration)
    if len(replicas) > 1 and properties.get("StreamSpecification", {}).get("StreamViewType", _STREAM) != _STREAM:
        raise PropertyProblem(
            ("StreamSpecification", "StreamViewType"),
            f"more than one replica needs {_STREAM}",
        )
    specs = {region: _replica_spec(properties, name, replica) for region, replica in replicas.items()}
    home = specs[declaration.region]
    table = GlobalTable(home=declaration.region, replicas=specs, identity=_identity(declaration))
    return _built(declaration, home, table)


def _replicas(declaration: Declaration) -> dict[str, Properties]:
    """The declared replicas by region."""
    given: Sequence[Properties] = declaration.properties.get("Replicas", ())
    replicas: dict[str, Properties] = {}
    for position, replica in enumerate(given):
        region = replica.get("Region")
        if not region:
            raise PropertyProblem(("Replicas", position), "Region is required")
        if region in replicas:
            raise PropertyProblem(("Replicas", position, "Region"), f"{region} is named twice")
        for member in replica:
            if member not in _REPLICA_HONOURED:
                raise PropertyProblem(("Replicas", position, member), "is not supported by Globule")
        replicas[region] = replica
    if declaration.region not in replicas:
        raise PropertyProblem(("Replicas",), f"the stack's own region, {declaration.region}, must be among them")
    return replicas


def _replica_spec(properties: Properties, name: str, replica: Properties) -> TableSpec:
    """What CreateTable would be told in the replica's region."""
    members = ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "WarmThroughput")
    request = {key: properties[key] for key in members if key in properties}
    request["TableName"] = name
    billing = properties.get("BillingMode", "PROVISIONED")
    request["BillingMode"] = billing
    reads = {index["IndexName"]: index for index in replica.get("GlobalSecondaryIndexes", ())}
    request["GlobalSecondaryIndexes"] = [
        _replica_index(index, reads.get(index["IndexName"], {}), billing)
        for index in properties.get("GlobalSecondaryIndexes", ())
    ] or None
    if billing == "PROVISIONED":
        request["ProvisionedThroughput"] = _provisioned(properties, replica)
    for member in ("TableClass", "DeletionProtectionEnabled"):
        if member in replica:
            request[member] = replica[member]
    view = properties.get("StreamSpecification", {}).get("StreamViewType")
    if view is None and len(properties.get("Replicas", ())) > 1:
        view = _STREAM
    if view is not None:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    spec = _spec({key: value for key, value in request.items() if value is not None}, properties)
    on_demand = _on_demand(properties, replica)
    settings = _settings(
        spec,
        {**replica, "SSESpecification": properties.get("SSESpecification")},
        resource_policy=replica.get("ResourcePolicy"),
    )
    if on_demand:
        settings["OnDemandThroughput"] = on_demand
    return msgspec.structs.replace(spec, ttl_attribute=_ttl_attribute(properties), settings=settings)


def _replica_index(index: Properties, read: Properties, billing: str) -> dict[str, Any]:
    request = {key: index[key] for key in ("IndexName", "KeySchema", "Projection", "WarmThroughput") if key in index}
    if billing == "PROVISIONED":
        request["ProvisionedThroughput"] = _provisioned(index, read)
    elif on_demand := _on_demand(index, read):
        request["OnDemandThroughput"] = on_demand
    return request


def _provisioned(writes: Properties, reads: Properties) -> dict[str, Any]:
    """A global table's writes are always scaled by themselves, its reads perhaps; here both begin with the least."""
    write = writes.get("WriteProvisionedThroughputSettings", {}).get("WriteCapacityAutoScalingSettings")
    if write is None:
        raise PropertyProblem(
            ("WriteProvisionedThroughputSettings",), "WriteCapacityAutoScalingSettings is required for PROVISIONED"
        )
    read = {
        **writes.get("ReadProvisionedThroughputSettings", {}),
        **reads.get("ReadProvisionedThroughputSettings", {}),
    }
    scaled = read.get("ReadCapacityAutoScalingSettings", {})
    units = read.get("ReadCapacityUnits", scaled.get("SeedCapacity", scaled.get("MinCapacity", 1)))
    return {
        "ReadCapacityUnits": units,
        "WriteCapacityUnits": write.get("SeedCapacity", write.get("MinCapacity", 1)),
    }


def _on_demand(writes: Properties, reads: Properties) -> dict[str, Any]:
    return {
        **writes.get("ReadOnDemandThroughputSettings", {}),
        **writes.get("WriteOnDemandThroughputSettings", {}),
        **reads.get("ReadOnDemandThroughputSettings", {}),
    }


def _spec(request: Mapping[str, Any], properties: Properties) -> TableSpec:
    try:
        # Templates write numbers and booleans as text, too.
        return table_spec(msgspec.convert(request, CreateTableInput, strict=False))
    except msgspec.ValidationError as problem:
        raise PropertyProblem(*_located(str(problem))) from None
    except AwsError as problem:
        path = next((member for member in (*properties, "KeySchema") if member in problem.message), None)
        raise PropertyProblem(() if path is None else (path,), problem.message) from None


def _located(problem: str) -> tuple[tuple[str | int, ...], str]:
    """msgspec says "Expected `int`, got `str` - at `$.KeySchema[0].KeyType`"."""
    why, _, where = problem.partition(" - at `$")
    path: list[str | int] = []
    for part in where.rstrip("`").replace("[", ".[").split("."):
        if part.startswith("["):
            path.append(int(part[1:-1]) if part[1:-1].isdecimal() else part)
        elif part:
            path.append(part)
    return tuple(path), why


def _ttl_attribute(properties: Properties) -> str | None:
    given = properties.get("TimeToLiveSpecification", {})
    if not _true(given.get("Enabled")):
        return None
    attribute = given.get("AttributeName")
    if not attribute:
        raise PropertyProblem(("TimeToLiveSpecification", "AttributeName"), "is required while Enabled is true")
    return str(attribute)


def _settings(spec: TableSpec, properties: Properties, *, resource_policy: Any) -> dict[str, Any]:
    """What the engine keeps for the API to show."""
    settings = dict(spec.settings)
    if tags := properties.get("Tags"):
        settings["Tags"] = [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in tags]
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        enabled = _true(recovery.get("PointInTimeRecoveryEnabled"))
        days = recovery.get("RecoveryPeriodInDays")
        settings["PointInTimeRecoverySpecification"] = {
            "PointInTimeRecoveryEnabled": enabled,
            "RecoveryPeriodInDays": None if days is None else int(days),
        }
    insights = properties.get("ContributorInsightsSpecification") or {}
    if _true(insights.get("Enabled")):
        settings["ContributorInsightsSpecification"] = {"": insights.get("Mode", "ACCESSED_AND_THROTTLED_KEYS")}
    encryption = properties.get("SSESpecification") or {}
    if _true(encryption.get("SSEEnabled")):
        given = {key: encryption[key] for key in ("SSEType", "KMSMasterKeyId") if key in encryption}
        settings["SSESpecification"] = {"Enabled": True, **given}
    if resource_policy:
        document = resource_policy.get("PolicyDocument")
        settings["ResourcePolicy"] = {"Policy": msgspec.json.encode(document).decode()}
    return settings


def _true(value: Any) -> bool:
    """Templates write booleans as text, too."""
    return str(value).lower() == "true"


def _without_insights(index: Properties) -> dict[str, Any]:
    return {key: value for key, value in index.items() if key != "ContributorInsightsSpecification"}


def _identity(declaration: Declaration) -> str:
    """A UUID of the resource's own: `TableId`, and what a global table's replicas know each other by."""
    return str(uuid.UUID(bytes=hashlib.sha256(declaration.token.encode()).digest()[:16], version=4))


def _not_running(properties: Properties) -> Iterator[str]:
    """Paths of what is accepted and does nothing here."""
    yield from (name for name in _NOT_RUNNING if name in properties)
    for member in ("GlobalSecondaryIndexes", "Replicas"):
        for position, each in enumerate(properties.get(member, ())):
            yield from (f"{member}.{position}.{path}" for path in _not_running(each))
    for side in ("Read", "Write"):
        scaling = f"{side}CapacityAutoScalingSettings"
        if scaling in properties.get(f"{side}ProvisionedThroughputSettings", {}):
            yield f"{side}ProvisionedThroughputSettings.{scaling}"


def _built(declaration: Declaration, spec: TableSpec, model: Table | GlobalTable) -> Built:
    arn = f"arn:aws:dynamodb:{declaration.region}:{declaration.account}:table/{spec.name}"
    attributes: dict[str, Any] = {"Arn": arn, "TableId": model.identity}
    if spec.stream is not None:
        attributes["StreamArn"] = f"{arn}/stream/{stream_label(model.identity, spec.stream)}"
    return Built(
        physical_id=spec.name,
        attributes=attributes,
        resource=model,
        not_running=tuple(_not_running(declaration.properties)),
    )


_TABLE_PROPERTIES = frozenset(
    (
        *_AS_THEY_ARE,
        "ContributorInsightsSpecification",
        "GlobalSecondaryIndexes",
        "ImportSourceSpecification",
        "KinesisStreamSpecification",
        "PointInTimeRecoverySpecification",
        "ProvisionedThroughput",
        "ResourcePolicy",
        "SSESpecification",
        "StreamSpecification",
        "TableName",
        "Tags",
        "TimeToLiveSpecification",
    )
)

_GLOBAL_TABLE_PROPERTIES = frozenset(
    (
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "GlobalTableSourceArn",
        "GlobalTableWitnesses",
        "KeySchema",
        "LocalSecondaryIndexes",
        "MultiRegionConsistency",
        "ReadOnDemandThroughputSettings",
        "ReadProvisionedThroughputSettings",
        "Replicas",
        "SSESpecification",
        "StreamSpecification",
        "TableName",
        "TimeToLiveSpecification",
        "VectorIndexes",
        "WarmThroughput",
        "WriteOnDemandThroughputSettings",
        "WriteProvisionedThroughputSettings",
    )
)

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        name="AWS::DynamoDB::Table",
        properties=_TABLE_PROPERTIES,
        replaced_by=frozenset(("TableName", "KeySchema", "LocalSecondaryIndexes")),
        build=_table,
        model=Table,
    ),
    ResourceType(
        name="AWS::DynamoDB::GlobalTable",
        properties=_GLOBAL_TABLE_PROPERTIES,
        replaced_by=frozenset(("TableName", "KeySchema", "LocalSecondaryIndexes")),
        build=_global_table,
        model=GlobalTable,
    ),
)
