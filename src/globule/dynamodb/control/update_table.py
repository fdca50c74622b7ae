"""UpdateTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from globule.dynamodb.control.describe import table_description
from globule.dynamodb.control.replicas import update_replicas
from globule.dynamodb.model import Index, KeyType, TableSpec
from globule.dynamodb.rules import definitions
from globule.dynamodb.rules.errors import in_use, invalid_parameters, limit_exceeded, not_found, validation
from globule.dynamodb.rules.requests.control import (
    GlobalSecondaryIndexUpdate,
    StreamSpecification,
    UpdateGlobalSecondaryIndexAction,
    UpdateTableInput,
)
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.tables import TableBusy

# Members that are kept as they are given.
_RECORDED = ("SSESpecification", "TableClass", "OnDemandThroughput", "WarmThroughput")


async def update_table(api: Api, request: UpdateTableInput) -> Answer:
    _check_something_asked(request)
    table = api.described_table(request.TableName)
    if request.StreamSpecification is not None:
        _check_stream(table, request.StreamSpecification)
    if request.MultiRegionConsistency == "STRONG":
        raise validation("MultiRegionConsistency STRONG is not supported by Globule")
    spec = _updated(table.spec, request)
    try:
        if spec != table.spec:
            table = await api.tables.update(table.name, change=lambda current: _updated(current, request))
        if request.StreamSpecification is not None:
            table = await _switch_stream(api, table, request.StreamSpecification)
        if request.ReplicaUpdates is not None:
            table = await update_replicas(api, table, request.ReplicaUpdates)
    except TableBusy:
        raise in_use(
            f"Attempt to change a resource which is still in use: Table is being updated: {table.name}"
        ) from None
    return {"TableDescription": table_description(api, table, status="UPDATING")}


def _check_something_asked(request: UpdateTableInput) -> None:
    if request.GlobalSecondaryIndexUpdates:
        return
    asked = (
        request.ProvisionedThroughput,
        request.BillingMode,
        request.StreamSpecification,
        request.SSESpecification,
        request.ReplicaUpdates,
        request.TableClass,
        request.DeletionProtectionEnabled,
        request.OnDemandThroughput,
        request.WarmThroughput,
        request.MultiRegionConsistency,
    )
    if all(member is None for member in asked):
        raise validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )


def _updated(spec: TableSpec, request: UpdateTableInput) -> TableSpec:
    """Raises ValidationException, LimitExceededException or ResourceNotFoundException."""
    changes: dict[str, Any] = _billing(spec, request)
    settings = {
        **spec.settings,
        **{name: msgspec.to_builtins(getattr(request, name)) for name in _RECORDED if getattr(request, name)},
    }
    if settings != spec.settings:
        changes["settings"] = settings
    if request.DeletionProtectionEnabled is not None:
        changes["deletion_protection"] = request.DeletionProtectionEnabled
    spec = msgspec.structs.replace(spec, **changes)
    if request.GlobalSecondaryIndexUpdates:
        spec = _with_indexes(spec, request, request.GlobalSecondaryIndexUpdates)
    return spec


def _billing(spec: TableSpec, request: UpdateTableInput) -> dict[str, Any]:
    billing = request.BillingMode or spec.billing
    given = request.ProvisionedThroughput
    if billing == "PAY_PER_REQUEST":
        if given is not None:
            raise invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        indexes = tuple(msgspec.structs.replace(index, throughput=None) for index in spec.indexes)
        return {"billing": billing, "throughput": None, "indexes": indexes}
    if given is None:
        if spec.billing != "PROVISIONED":
            raise invalid_parameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
        return {}
    definitions.check_bounds(given)
    wanted = definitions.throughput(given)
    if wanted == spec.throughput:
        assert wanted is not None
        raise validation(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {wanted.read}. "
            f"Requested ReadCapacityUnits: {wanted.read}. "
            f"Current WriteCapacityUnits provisioned for the table: {wanted.write}. "
            f"Requested WriteCapacityUnits: {wanted.write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    if spec.billing == "PAY_PER_REQUEST":
        named = {each.Update.IndexName for each in request.GlobalSecondaryIndexUpdates or () if each.Update is not None}
        missing = [index.name for index in spec.indexes if index.scope == "global" and index.name not in named]
        if missing:
            raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")
    return {"billing": "PROVISIONED", "throughput": wanted}


def _with_indexes(spec: TableSpec, request: UpdateTableInput, updates: list[GlobalSecondaryIndexUpdate]) -> TableSpec:
    _check_index_updates(updates)
    types = _types(spec, request)
    indexes = {index.name: index for index in spec.indexes}
    for update in updates:
        if update.Create is not None:
            if update.Create.IndexName in indexes:
                raise validation("Attempting to create an index which already exists")
            created = definitions.global_index(update.Create, types, spec.billing)
            indexes[created.name] = created
        elif update.Delete is not None:
            if indexes.pop(update.Delete.IndexName, None) is None:
                raise not_found()
        elif update.Update is not None:
            indexes[update.Update.IndexName] = _updated_index(indexes.get(update.Update.IndexName), update.Update)
    if sum(index.scope == "global" for index in indexes.values()) > definitions.GLOBAL_INDEX_LIMIT:
        raise limit_exceeded("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    return msgspec.structs.replace(spec, indexes=tuple(indexes.values()))


def _check_index_updates(updates: list[GlobalSecondaryIndexUpdate]) -> None:
    seen: set[str] = set()
    for update in updates:
        given = [each for each in (update.Update, update.Create, update.Delete) if each is not None]
        if not given:
            raise invalid_parameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        name = given[0].IndexName
        if name in seen:
            raise invalid_parameters(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)
    if sum(update.Create is not None or update.Delete is not None for update in updates) > 1:
        raise limit_exceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )


def _types(spec: TableSpec, request: UpdateTableInput) -> Mapping[str, KeyType]:
    """The types of the attributes that a new index may have as keys, which AWS wants defined in the request."""
    types = {each.AttributeName: each.AttributeType for each in request.AttributeDefinitions or ()}
    for keys in (spec.keys, *(index.keys for index in spec.indexes)):
        for attribute in keys.attributes:
            if types.get(attribute.name, attribute.type) != attribute.type:
                raise invalid_parameters(
                    f"Attribute {attribute.name} is a key of type {attribute.type}, and cannot be redefined as "
                    f"{types[attribute.name]}"
                )
    return types


def _updated_index(index: Index | None, update: UpdateGlobalSecondaryIndexAction) -> Index:
    if index is None or index.scope != "global":
        raise not_found()
    changes: dict[str, Any] = {}
    if update.ProvisionedThroughput is not None:
        definitions.check_bounds(update.ProvisionedThroughput)
        changes["throughput"] = definitions.throughput(update.ProvisionedThroughput)
    members = ("OnDemandThroughput", "WarmThroughput")
    given = {name: msgspec.to_builtins(getattr(update, name)) for name in members if getattr(update, name)}
    return msgspec.structs.replace(index, settings={**index.settings, **given}, **changes)


def _check_stream(table: TableRecord, wanted: StreamSpecification) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html"""
    if wanted.StreamEnabled:
        if wanted.StreamViewType is None:
            raise invalid_parameters("StreamViewType must be specified when StreamEnabled is true")
        if table.stream is not None:
            raise validation(f"Table already has an enabled stream: TableName: {table.name}")
        return
    if table.stream is None:
        raise validation(f"Table has no stream to disable: TableName: {table.name}")
    if table.replicas:
        raise validation("Cannot disable the stream of a table that is a replica of a global table")


async def _switch_stream(api: Api, table: TableRecord, wanted: StreamSpecification) -> TableRecord:
    if wanted.StreamEnabled:
        assert wanted.StreamViewType is not None, "checked"
        return await api.tables.enable_stream(table.name, wanted.StreamViewType)
    return await api.tables.disable_stream(table.name)
