"""What CreateTable and UpdateTable ask for, as a `TableSpec`; and AWS's objections.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-secondary-indexes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from globule.dynamodb.model import Index, KeyAttribute, Keys, KeyType, Projection, TableSpec, Throughput
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.requests import control
from globule.dynamodb.rules.table_settings import created_settings
from globule.wire.aws.errors import AwsError

LOCAL_INDEX_LIMIT = 5
GLOBAL_INDEX_LIMIT = 20
PROJECTED_ATTRIBUTE_LIMIT = 100
KEY_ATTRIBUTE_LIMIT = 4
"""Partition key attributes of a global index, and its sort key attributes."""
UNITS_LIMIT = 1_000_000_000_000

Types = Mapping[str, KeyType]


def table_spec(request: control.CreateTableInput) -> TableSpec:
    """Raises ValidationException."""
    _check_throughput(request.BillingMode, request.ProvisionedThroughput)
    types = attribute_types(request.AttributeDefinitions)
    if len(request.KeySchema) > len(types):
        raise validation("Invalid KeySchema: Some index key attribute have no definition")
    keys = _keys(request.KeySchema, types)
    locals_ = request.LocalSecondaryIndexes
    globals_ = request.GlobalSecondaryIndexes
    if not locals_ and not globals_ and len(request.KeySchema) != len(types):
        raise invalid_parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    indexes = (
        *_local_indexes(locals_, keys, types),
        *_global_indexes(globals_, types, request.BillingMode or "PROVISIONED"),
    )
    _check_names(indexes)
    _check_counts(indexes)
    _check_all_used(request.AttributeDefinitions, keys, indexes)
    stream = request.StreamSpecification
    if stream is not None and stream.StreamEnabled and stream.StreamViewType is None:
        raise invalid_parameters("Table is being created with a stream enabled, UpdateViewType is required")
    if stream is not None and not stream.StreamEnabled and stream.StreamViewType is not None:
        raise invalid_parameters(
            "Table is being created with a stream disabled, UpdateViewType should not be specified"
        )
    return TableSpec(
        name=request.TableName,
        keys=keys,
        indexes=indexes,
        stream=stream.StreamViewType if stream is not None and stream.StreamEnabled else None,
        billing=request.BillingMode or "PROVISIONED",
        throughput=throughput(request.ProvisionedThroughput),
        deletion_protection=bool(request.DeletionProtectionEnabled),
        settings=created_settings(request),
    )


def throughput(given: control.ProvisionedThroughput | None) -> Throughput | None:
    return None if given is None else Throughput(read=given.ReadCapacityUnits, write=given.WriteCapacityUnits)


def attribute_types(definitions: Sequence[control.AttributeDefinition]) -> dict[str, KeyType]:
    """Raises ValidationException for an attribute that is defined twice."""
    types: dict[str, KeyType] = {}
    for each in definitions:
        if each.AttributeName in types:
            raise validation(f"Attribute Name is duplicated: {each.AttributeName}")
        types[each.AttributeName] = each.AttributeType
    return types


def _check_throughput(billing: str | None, given: control.ProvisionedThroughput | None) -> None:
    if billing == "PAY_PER_REQUEST":
        if given is not None:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return
    if given is None:
        raise invalid_parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_bounds(given)


def unchanged_throughput(whose: str, of: str, throughput: Throughput) -> AwsError:
    """The error for throughput that is asked for and already there, of `the table` or an index."""
    return validation(
        f"The provisioned throughput for {whose} will not change. The requested value equals the current value. "
        f"Current ReadCapacityUnits provisioned for {of}: {throughput.read}. "
        f"Requested ReadCapacityUnits: {throughput.read}. "
        f"Current WriteCapacityUnits provisioned for {of}: {throughput.write}. "
        f"Requested WriteCapacityUnits: {throughput.write}. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def check_bounds(given: control.ProvisionedThroughput) -> None:
    """Raises ValidationException."""
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        units = getattr(given, name)
        if units > UNITS_LIMIT:
            raise validation(f"Given value {units} for {name} is out of bounds")


def _keys(schema: Sequence[control.KeySchemaElement], types: Types) -> Keys:
    """Of a table or a local index: one partition key attribute, at most one sort key attribute."""
    _check_defined(schema, types)
    names = [element.AttributeName for element in schema]
    if len(set(names)) < len(names):
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if schema[0].KeyType != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) > 1 and schema[1].KeyType != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    partition, *sort = (KeyAttribute(name, types[name]) for name in names)
    return Keys(partition=(partition,), sort=tuple(sort))


def _check_defined(schema: Sequence[control.KeySchemaElement], types: Types) -> None:
    names = [element.AttributeName for element in schema]
    if any(name not in types for name in names):
        raise invalid_parameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )


def _local_indexes(given: Sequence[control.LocalSecondaryIndex] | None, table: Keys, types: Types) -> Iterable[Index]:
    if given is None:
        return
    if not given:
        raise invalid_parameters("List of LocalSecondaryIndexes is empty")
    if not table.sort:
        raise invalid_parameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    for each in given:
        keys = _keys(each.KeySchema, types)
        if len(each.KeySchema) != 2:
            raise invalid_parameters(f"Index KeySchema does not have a range key for index: {each.IndexName}")
        index_hash, table_hash = keys.partition[0].name, table.partition[0].name
        if index_hash != table_hash:
            raise invalid_parameters(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{each.IndexName}. index hash key: {index_hash}, table hash key: {table_hash}"
            )
        yield Index(name=each.IndexName, scope="local", keys=keys, projection=projection(each.Projection))


def _global_indexes(
    given: Sequence[control.GlobalSecondaryIndex] | None, types: Types, billing: str
) -> Iterable[Index]:
    if given is None:
        return
    if not given:
        raise invalid_parameters("List of GlobalSecondaryIndexes is empty")
    for each in given:
        yield global_index(each, types, billing, missing_throughput="is not")


def global_index(
    given: control.GlobalSecondaryIndex, types: Types, billing: str, *, missing_throughput: str = "must be"
) -> Index:
    """`missing_throughput` is how the operation words what is missing. Raises ValidationException."""
    keys = _index_keys(given.KeySchema, types)
    projected = projection(given.Projection)
    if billing == "PAY_PER_REQUEST" and given.ProvisionedThroughput is not None:
        raise invalid_parameters(
            f"ProvisionedThroughput should not be specified for index: {given.IndexName} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    if billing == "PROVISIONED" and given.ProvisionedThroughput is None:
        raise invalid_parameters(f"ProvisionedThroughput {missing_throughput} specified for index: {given.IndexName}")
    members = ("OnDemandThroughput", "WarmThroughput")
    return Index(
        name=given.IndexName,
        scope="global",
        keys=keys,
        projection=projected,
        throughput=throughput(given.ProvisionedThroughput),
        settings={name: msgspec.to_builtins(getattr(given, name)) for name in members if getattr(given, name)},
    )


def _index_keys(schema: Sequence[control.KeySchemaElement], types: Types) -> Keys:
    """Of a global index, which may have several attributes of each kind.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
    """
    if len(schema) <= 2 and not (len(schema) == 2 and schema[1].KeyType == "HASH" == schema[0].KeyType):
        return _keys(schema, types)
    _check_defined(schema, types)
    names = [element.AttributeName for element in schema]
    if len(set(names)) < len(names):
        raise validation("The KeySchema contains multiple key attributes with the same name")
    if schema[0].KeyType != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    partition = [element for element in schema if element.KeyType == "HASH"]
    if list(schema[: len(partition)]) != partition:
        raise invalid_parameters("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    sort = schema[len(partition) :]
    for kind, found in (("HASH", partition), ("RANGE", sort)):
        if len(found) > KEY_ATTRIBUTE_LIMIT:
            raise invalid_parameters(f"The KeySchema exceeds the maximum allowed number of {kind} key attributes")
    return Keys(
        partition=tuple(KeyAttribute(each.AttributeName, types[each.AttributeName]) for each in partition),
        sort=tuple(KeyAttribute(each.AttributeName, types[each.AttributeName]) for each in sort),
    )


def projection(given: control.Projection) -> Projection:
    """Raises ValidationException."""
    kind = given.ProjectionType
    if kind is None:
        raise invalid_parameters("Unknown ProjectionType: null")
    if given.NonKeyAttributes is not None and kind != "INCLUDE":
        raise invalid_parameters(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if given.NonKeyAttributes is None and kind == "INCLUDE":
        raise invalid_parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    names = given.NonKeyAttributes or []
    for name in names:
        if names.count(name) > 1:
            raise invalid_parameters(f"Duplicate element in NonKeyAttributes: {name}")
    return Projection(kind, tuple(names))


def _check_names(indexes: Sequence[Index]) -> None:
    seen: set[str] = set()
    for index in indexes:
        if index.name in seen:
            raise invalid_parameters(f"Duplicate index name: {index.name}")
        seen.add(index.name)


def _check_counts(indexes: Sequence[Index]) -> None:
    if sum(index.scope == "local" for index in indexes) > LOCAL_INDEX_LIMIT:
        raise invalid_parameters("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    if sum(index.scope == "global" for index in indexes) > GLOBAL_INDEX_LIMIT:
        raise invalid_parameters("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    projected = sum(len(index.projection.attributes) for index in indexes)
    if projected > PROJECTED_ATTRIBUTE_LIMIT:
        raise invalid_parameters(
            f"NonKeyAttributes of all indexes, {projected}, exceed the per-table limit of {PROJECTED_ATTRIBUTE_LIMIT}"
        )


def _check_all_used(definitions: Sequence[control.AttributeDefinition], keys: Keys, indexes: Sequence[Index]) -> None:
    used = list(
        dict.fromkeys(attribute.name for each in (keys, *(i.keys for i in indexes)) for attribute in each.attributes)
    )
    defined = [each.AttributeName for each in definitions]
    if any(name not in used for name in defined):
        raise invalid_parameters(
            "Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: [{', '.join(defined)}], keys used: [{', '.join(used)}]"
        )
