"""UpdateTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html

A request changes one concern at a time: AWS refuses most combinations, and so does this.
"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.dynamodb.control.describe import table_description
from globule.dynamodb.control.replicas import update_replicas
from globule.dynamodb.model import TableSpec, Throughput
from globule.dynamodb.rules import definitions, table_settings
from globule.dynamodb.rules.errors import in_use, invalid_parameters, validation
from globule.dynamodb.rules.index_updates import with_indexes
from globule.dynamodb.rules.requests.control import StreamSpecification, UpdateTableInput
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.tables import TableBusy

# In the order in which AWS lists what may be asked for. It lists some that are not public, too.
_CONCERNS = (
    ("ProvisionedThroughput", "ProvisionedThroughput"),
    ("BillingMode", "BillingMode"),
    ("UpdateStreamEnabled", "StreamSpecification"),
    ("GlobalSecondaryIndexUpdates", "GlobalSecondaryIndexUpdates"),
    ("SSESpecification", "SSESpecification"),
    ("ReplicaUpdates", "ReplicaUpdates"),
    ("MultiAccountReplicaReady", None),
    ("ReplicaTransitRoleArn", None),
    ("MultiRegionConsistency", "MultiRegionConsistency"),
    ("DeletionProtectionEnabled", "DeletionProtectionEnabled"),
    ("OnDemandThroughput", "OnDemandThroughput"),
    ("WarmThroughput", "WarmThroughput"),
    ("TableClass", "TableClass"),
)

# Concerns that stand alone, in the words of AWS.
_ALONE = (
    ("ReplicaUpdates", "Replica modification must be the only operation in the request"),
    ("SSESpecification", "Server-Side Encryption modification must be the only operation in the request"),
    ("TableClass", "TableClass modification must be the only operation in the request"),
    ("DeletionProtectionEnabled", "DeletionProtection modification must be the only operation in the request"),
    ("WarmThroughput", "WarmThroughput must be the only operation in the request"),
)


async def update_table(api: Api, request: UpdateTableInput) -> Answer:
    asked = _asked(request)
    table = api.described_table(request.TableName)
    if table.status == "CREATING":
        raise in_use(f"Attempt to change a resource which is still in use: Table is being created: {table.name}")
    if request.StreamSpecification is not None:
        _check_stream(table, request.StreamSpecification)
    if request.MultiRegionConsistency == "STRONG":
        raise validation("MultiRegionConsistency STRONG is not supported by Globule")
    spec = _updated(table.spec, request, asked)
    try:
        if spec != table.spec:
            table = await api.tables.update(table.name, change=lambda current: _updated(current, request, asked))
        if request.StreamSpecification is not None:
            table = await _switch_stream(api, table, request.StreamSpecification)
        if request.ReplicaUpdates is not None:
            table = await update_replicas(api, table, request.ReplicaUpdates)
    except TableBusy:
        raise in_use(
            f"Attempt to change a resource which is still in use: Table is being updated: {table.name}"
        ) from None
    return {"TableDescription": table_description(api, table, status="UPDATING")}


def _asked(request: UpdateTableInput) -> frozenset[str]:
    """The members that the request has. Raises ValidationException where they are none, or do not go together."""
    asked = frozenset(
        member for _, member in _CONCERNS if member is not None and getattr(request, member) not in (None, [])
    )
    if not asked - {"MultiRegionConsistency"}:
        listed = [name for name, member in _CONCERNS if member is None or member not in asked]
        raise validation(f"At least one of {', '.join(listed[:-1])} or {listed[-1]} is required")
    for member, sentence in _ALONE:
        if member in asked and asked - {member, "MultiRegionConsistency"}:
            raise invalid_parameters(sentence)
    if "OnDemandThroughput" in asked and asked - {"OnDemandThroughput", "BillingMode"}:
        raise invalid_parameters("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
    resizes = any(
        update.Create is None and update.Delete is None for update in request.GlobalSecondaryIndexUpdates or ()
    )
    reshapes = bool(request.GlobalSecondaryIndexUpdates) and not resizes
    if "ProvisionedThroughput" in asked and "StreamSpecification" in asked:
        raise invalid_parameters("You cannot modify stream status while updating table IOPS")
    if reshapes and asked & {"ProvisionedThroughput", "BillingMode"}:
        raise invalid_parameters("You cannot create or delete index while updating table IOPS")
    if reshapes and "StreamSpecification" in asked:
        raise invalid_parameters("You cannot create or delete index while changing stream status")
    return asked


def _updated(spec: TableSpec, request: UpdateTableInput, asked: frozenset[str]) -> TableSpec:
    """Raises ValidationException, LimitExceededException or ResourceNotFoundException."""
    changes: dict[str, Any] = _billing(spec, request) if asked & {"BillingMode", "ProvisionedThroughput"} else {}
    settings = _settings(spec, request)
    if settings != spec.settings:
        changes["settings"] = settings
    if request.DeletionProtectionEnabled is not None:
        changes["deletion_protection"] = request.DeletionProtectionEnabled
    spec = msgspec.structs.replace(spec, **changes)
    if request.GlobalSecondaryIndexUpdates:
        spec = with_indexes(spec, request, request.GlobalSecondaryIndexUpdates)
    return spec


def _settings(spec: TableSpec, request: UpdateTableInput) -> dict[str, Any]:
    settings = dict(spec.settings)
    table_settings.check_table_class(request.TableClass)
    if request.TableClass is not None:
        settings["TableClass"] = request.TableClass
    encryption = request.SSESpecification
    if encryption is not None:
        table_settings.check_encryption(encryption)
        if not encryption.Enabled and not settings.get("SSESpecification", {}).get("Enabled"):
            raise invalid_parameters("Table is already encrypted by default")
        settings["SSESpecification"] = msgspec.to_builtins(encryption)
    if request.OnDemandThroughput is not None:
        table_settings.check_on_demand(request.OnDemandThroughput, request.BillingMode or spec.billing, "table")
        given = msgspec.to_builtins(request.OnDemandThroughput)
        settings["OnDemandThroughput"] = table_settings.merged_on_demand(settings.get("OnDemandThroughput", {}), given)
        if not settings["OnDemandThroughput"]:
            del settings["OnDemandThroughput"]
    if request.WarmThroughput is not None:
        settings["WarmThroughput"] = _warmer(settings.get("WarmThroughput", {}), spec, request)
    return settings


def _warmer(current: dict[str, Any], spec: TableSpec, request: UpdateTableInput) -> dict[str, Any]:
    """Warm throughput only grows. Raises ValidationException."""
    throughput = spec.throughput or Throughput(read=table_settings.WARM_READS, write=table_settings.WARM_WRITES)
    warm = dict(current)
    for name, least in (("ReadUnitsPerSecond", throughput.read), ("WriteUnitsPerSecond", throughput.write)):
        wanted = getattr(request.WarmThroughput, name)
        if wanted is None:
            continue
        if wanted < max(current.get(name) or 0, least):
            raise invalid_parameters(
                f"Requested {name} for WarmThroughput for table is lower than current WarmThroughput, "
                "decreasing WarmThroughput is not supported"
            )
        warm[name] = wanted
    return warm


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
        raise invalid_parameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    definitions.check_bounds(given)
    wanted = definitions.throughput(given)
    if wanted == spec.throughput and wanted is not None:
        raise definitions.unchanged_throughput("the table", "the table", wanted)
    if spec.billing == "PAY_PER_REQUEST":
        named = {each.Update.IndexName for each in request.GlobalSecondaryIndexUpdates or () if each.Update is not None}
        missing = [index.name for index in spec.indexes if index.scope == "global" and index.name not in named]
        if missing:
            raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")
    return {"billing": "PROVISIONED", "throughput": wanted}


def _check_stream(table: TableRecord, wanted: StreamSpecification) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html"""
    if wanted.StreamEnabled:
        if wanted.StreamViewType is None:
            raise invalid_parameters("If stream is being enabled then UpdateViewType is required")
        if table.stream is not None:
            raise validation(f"Table already has an enabled stream: TableName: {table.name}")
        return
    if wanted.StreamViewType is not None:
        raise invalid_parameters("If stream is being disabled, then UpdateViewType must not be specified")
    if table.stream is None:
        raise validation(f"Table has no stream to disable: TableName: {table.name}")
    if table.replicas:
        raise invalid_parameters("Disabling Stream is not allowed for a Global Table replica.")


async def _switch_stream(api: Api, table: TableRecord, wanted: StreamSpecification) -> TableRecord:
    if wanted.StreamEnabled:
        assert wanted.StreamViewType is not None, "checked"
        return await api.tables.enable_stream(table.name, wanted.StreamViewType)
    return await api.tables.disable_stream(table.name)
