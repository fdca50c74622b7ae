"""GlobalSecondaryIndexUpdates: what a table's indexes become.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndexUpdate.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from globule.dynamodb.model import Index, KeyType, TableSpec
from globule.dynamodb.rules import definitions, table_settings
from globule.dynamodb.rules.errors import invalid_parameters, limit_exceeded, not_found, validation
from globule.dynamodb.rules.requests.control import (
    GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate,
    UpdateGlobalSecondaryIndexAction,
    UpdateTableInput,
)


def with_indexes(
    spec: TableSpec, request: UpdateTableInput, updates: Sequence[GlobalSecondaryIndexUpdate]
) -> TableSpec:
    """Raises ValidationException, LimitExceededException or ResourceNotFoundException."""
    _check(updates)
    indexes = {index.name: index for index in spec.indexes}
    for update in updates:
        if update.Create is not None:
            indexes[update.Create.IndexName] = _created(spec, request, update.Create)
        elif update.Delete is not None:
            _existing(indexes, update.Delete.IndexName, "delete")
            del indexes[update.Delete.IndexName]
        elif update.Update is not None:
            index = _existing(indexes, update.Update.IndexName, "update")
            indexes[index.name] = _changed(index, update.Update, spec.billing)
    if sum(index.scope == "global" for index in indexes.values()) > definitions.GLOBAL_INDEX_LIMIT:
        raise limit_exceeded("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    return msgspec.structs.replace(spec, indexes=tuple(indexes.values()))


def _check(updates: Sequence[GlobalSecondaryIndexUpdate]) -> None:
    seen: set[str] = set()
    for update in updates:
        given = [each for each in (update.Update, update.Create, update.Delete) if each is not None]
        if not given:
            raise invalid_parameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(given) > 1:
            raise invalid_parameters(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
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


def _existing(indexes: Mapping[str, Index], name: str, verb: str) -> Index:
    index = indexes.get(name)
    if index is None:
        raise not_found()
    if index.scope != "global":
        raise validation(f"Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")
    return index


def _created(spec: TableSpec, request: UpdateTableInput, given: GlobalSecondaryIndex) -> Index:
    if spec.index(given.IndexName) is not None:
        raise validation("Attempting to create an index which already exists")
    if request.AttributeDefinitions is None:
        raise invalid_parameters(f"AttributeDefinitions is not specified for index: {given.IndexName}")
    table_settings.check_on_demand(given.OnDemandThroughput, spec.billing, f"index : {given.IndexName}")
    types = definitions.attribute_types(request.AttributeDefinitions)
    _check_types(spec, types)
    return definitions.global_index(given, types, spec.billing)


def _check_types(spec: TableSpec, types: Mapping[str, KeyType]) -> None:
    """An attribute that is a key already keeps its type."""
    for keys in (spec.keys, *(index.keys for index in spec.indexes)):
        for attribute in keys.attributes:
            if types.get(attribute.name, attribute.type) != attribute.type:
                raise invalid_parameters(
                    f"Attribute {attribute.name} is a key of type {attribute.type}, and cannot be redefined as "
                    f"{types[attribute.name]}"
                )


def _changed(index: Index, update: UpdateGlobalSecondaryIndexAction, billing: str) -> Index:
    changes: dict[str, Any] = {}
    if update.ProvisionedThroughput is not None:
        if billing == "PAY_PER_REQUEST":
            raise invalid_parameters(
                f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {index.name} "
                "when BillingMode is PAY_PER_REQUEST"
            )
        definitions.check_bounds(update.ProvisionedThroughput)
        wanted = definitions.throughput(update.ProvisionedThroughput)
        if wanted == index.throughput and wanted is not None:
            name = f"index {index.name}"
            raise definitions.unchanged_throughput(f"the {name}", name, wanted)
        changes["throughput"] = wanted
    settings = dict(index.settings)
    if update.OnDemandThroughput is not None:
        table_settings.check_on_demand(update.OnDemandThroughput, billing, f"index : {index.name}")
        given = msgspec.to_builtins(update.OnDemandThroughput)
        settings["OnDemandThroughput"] = table_settings.merged_on_demand(settings.get("OnDemandThroughput", {}), given)
    if update.WarmThroughput is not None:
        settings["WarmThroughput"] = msgspec.to_builtins(update.WarmThroughput)
    return msgspec.structs.replace(index, settings=settings, **changes)
