"""The definition of a table that is restored: that of its source, as far as it is taken over, and the overrides.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackup.html#CreateBackup_HowItWorks-restore:
keys, indexes, capacity and encryption come with it; tags, streams, time to live, deletion protection and
point-in-time recovery have to be set again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from globule.dynamodb.model import Index, TableSpec
from globule.dynamodb.rules import definitions, table_settings
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.requests.backups import RestoreTableFromBackupInput, RestoreTableToPointInTimeInput
from globule.dynamodb.rules.requests.control import GlobalSecondaryIndex, LocalSecondaryIndex

RestoreInput = RestoreTableFromBackupInput | RestoreTableToPointInTimeInput

KEPT_SETTINGS = ("SSESpecification", "OnDemandThroughput")


def restored_spec(source: TableSpec, request: RestoreInput) -> TableSpec:
    """Raises ValidationException."""
    billing = request.BillingModeOverride or source.billing
    given = request.ProvisionedThroughputOverride
    if billing == "PAY_PER_REQUEST" and given is not None:
        raise invalid_parameters(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if billing == "PROVISIONED" and source.throughput is None and given is None:
        raise invalid_parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    if given is not None:
        definitions.check_bounds(given)
    throughput = None if billing == "PAY_PER_REQUEST" else definitions.throughput(given) or source.throughput
    return msgspec.structs.replace(
        source,
        name=request.TargetTableName,
        indexes=_indexes(source, request, billing),
        stream=None,
        billing=billing,
        throughput=throughput,
        ttl_attribute=None,
        deletion_protection=False,
        settings=_settings(source, request, billing),
    )


def _settings(source: TableSpec, request: RestoreInput, billing: str) -> dict[str, Any]:
    settings = {name: source.settings[name] for name in KEPT_SETTINGS if name in source.settings}
    if request.SSESpecificationOverride is not None:
        table_settings.check_encryption(request.SSESpecificationOverride)
        settings["SSESpecification"] = msgspec.to_builtins(request.SSESpecificationOverride)
    if request.OnDemandThroughputOverride is not None:
        table_settings.check_on_demand(request.OnDemandThroughputOverride, billing, "table")
        given = msgspec.to_builtins(request.OnDemandThroughputOverride)
        settings["OnDemandThroughput"] = table_settings.merged_on_demand({}, given)
    if billing == "PROVISIONED":
        settings.pop("OnDemandThroughput", None)
    return settings


def _indexes(source: TableSpec, request: RestoreInput, billing: str) -> tuple[Index, ...]:
    """Some of the source's indexes or all, none of them changed but in capacity."""
    local = [index for index in source.indexes if index.scope == "local"]
    if request.LocalSecondaryIndexOverride is not None:
        local = [_same(source, each) for each in request.LocalSecondaryIndexOverride]
    global_ = [index for index in source.indexes if index.scope == "global"]
    if request.GlobalSecondaryIndexOverride is not None:
        global_ = [
            msgspec.structs.replace(_same(source, each), throughput=definitions.throughput(each.ProvisionedThroughput))
            for each in request.GlobalSecondaryIndexOverride
        ]
    if billing == "PAY_PER_REQUEST":
        global_ = [msgspec.structs.replace(index, throughput=None) for index in global_]
    missing = [index.name for index in global_ if billing == "PROVISIONED" and index.throughput is None]
    if missing:
        raise invalid_parameters(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")
    return (*local, *global_)


def _same(source: TableSpec, given: GlobalSecondaryIndex | LocalSecondaryIndex) -> Index:
    """The source's index that an override names. Raises ValidationException where it is another one."""
    index = source.index(given.IndexName)
    keys: Sequence[tuple[str, str]] = ()
    if index is not None:
        keys = [
            *((attribute.name, "HASH") for attribute in index.keys.partition),
            *((attribute.name, "RANGE") for attribute in index.keys.sort),
        ]
    if (
        index is None
        or index.scope != ("global" if isinstance(given, GlobalSecondaryIndex) else "local")
        or keys != [(element.AttributeName, element.KeyType) for element in given.KeySchema]
        or index.projection != definitions.projection(given.Projection)
    ):
        raise validation(f"The index {given.IndexName} does not match an index of the source table")
    return index
