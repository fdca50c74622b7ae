"""A table as the API describes it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

from typing import Any

from globule.dynamodb.model import Index, Keys, Throughput
from globule.dynamodb.rules.table_settings import WARM_READS, WARM_WRITES
from globule.dynamodb.serving.catalogue import IndexRecord, TableRecord
from globule.dynamodb.serving.operations.api import Api

GLOBAL_TABLE_VERSION = "2019.11.21"


def table_description(api: Api, table: TableRecord, *, status: str | None = None) -> dict[str, Any]:
    """`status` overrides what the table has already become: AWS answers CREATING, and here it is done by then."""
    spec = table.spec
    item_count, size_bytes = api.tables.counts(table)
    description: dict[str, Any] = {
        "AttributeDefinitions": _attribute_definitions(table),
        "TableName": table.name,
        "KeySchema": key_schema(spec.keys),
        "TableStatus": status or table.status,
        "CreationDateTime": table.created_at,
        "ProvisionedThroughput": _throughput(spec.throughput, table.throughput_changed_at),
        "TableSizeBytes": size_bytes,
        "ItemCount": item_count,
        "TableArn": table.arn,
        "TableId": table.table_id,
        "DeletionProtectionEnabled": spec.deletion_protection,
        "WarmThroughput": _warm(spec.settings, spec.throughput),
    }
    if spec.billing == "PAY_PER_REQUEST":
        description["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": table.throughput_changed_at or table.created_at,
        }
    elif table.throughput_changed_at is not None:
        description["BillingModeSummary"] = {"BillingMode": "PROVISIONED"}
    for scope, member in (("local", "LocalSecondaryIndexes"), ("global", "GlobalSecondaryIndexes")):
        described = [_index_description(api, table, index, status) for index in spec.indexes if index.scope == scope]
        if described:
            description[member] = described
    return description | _stream(table) | _replicas(table) | _restored(table) | _settings(table)


def _attribute_definitions(table: TableRecord) -> list[dict[str, str]]:
    keys = (table.spec.keys, *(index.keys for index in table.spec.indexes))
    types = {attribute.name: attribute.type for each in keys for attribute in each.attributes}
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def key_schema(keys: Keys) -> list[dict[str, str]]:
    return [
        *({"AttributeName": attribute.name, "KeyType": "HASH"} for attribute in keys.partition),
        *({"AttributeName": attribute.name, "KeyType": "RANGE"} for attribute in keys.sort),
    ]


def _throughput(throughput: Throughput | None, changed_at: float | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0 if throughput is None else throughput.read,
        "WriteCapacityUnits": 0 if throughput is None else throughput.write,
    }
    if throughput is not None and changed_at is not None:
        described["LastIncreaseDateTime"] = changed_at
    return described


def _warm(settings: Any, throughput: Throughput | None) -> dict[str, Any]:
    least = {
        "ReadUnitsPerSecond": WARM_READS if throughput is None else throughput.read,
        "WriteUnitsPerSecond": WARM_WRITES if throughput is None else throughput.write,
    }
    given = {name: units for name, units in settings.get("WarmThroughput", {}).items() if units is not None}
    return {**least, **given, "Status": "ACTIVE"}


def index_definition(index: Index) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.projection.kind}
    if index.projection.attributes:
        projection["NonKeyAttributes"] = list(index.projection.attributes)
    defined: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.keys),
        "Projection": projection,
    }
    if index.throughput is not None:
        units = index.throughput
        defined["ProvisionedThroughput"] = {"ReadCapacityUnits": units.read, "WriteCapacityUnits": units.write}
    return defined


def _index_description(api: Api, table: TableRecord, index: Index, status: str | None) -> dict[str, Any]:
    item_count, size_bytes = api.tables.counts(table, index=index.name)
    described = index_definition(index) | {
        "IndexSizeBytes": size_bytes,
        "ItemCount": item_count,
        "IndexArn": f"{table.arn}/index/{index.name}",
    }
    if index.scope == "local":
        return described
    record = next((each for each in table.indexes if each.name == index.name), None)
    described["IndexStatus"] = status if status == "CREATING" else _index_status(record)
    if record is not None and record.status == "CREATING":
        described["Backfilling"] = record.backfilling
    described["ProvisionedThroughput"] = _throughput(index.throughput)
    described["WarmThroughput"] = _warm(index.settings, index.throughput)
    if "OnDemandThroughput" in index.settings:
        described["OnDemandThroughput"] = index.settings["OnDemandThroughput"]
    return described


def _index_status(record: IndexRecord | None) -> str:
    return "ACTIVE" if record is None else record.status


def _stream(table: TableRecord) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if table.stream is not None:
        described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
    if table.streams:
        described["LatestStreamLabel"] = table.streams[-1].label
        described["LatestStreamArn"] = table.streams[-1].arn
    return described


def _replicas(table: TableRecord) -> dict[str, Any]:
    if not table.replicas:
        return {}
    replicas = []
    for replica in table.replicas:
        described: dict[str, Any] = {"RegionName": replica.region, "ReplicaStatus": replica.status}
        if replica.progress_percent is not None:
            described["ReplicaStatusPercentProgress"] = str(replica.progress_percent)
        replicas.append(described)
    return {"GlobalTableVersion": GLOBAL_TABLE_VERSION, "Replicas": replicas}


def _restored(table: TableRecord) -> dict[str, Any]:
    origin = table.restored
    if origin is None:
        return {}
    summary: dict[str, Any] = {
        "SourceTableArn": origin.table,
        "RestoreDateTime": origin.at,
        "RestoreInProgress": table.status == "CREATING",
    }
    if origin.backup is not None:
        summary["SourceBackupArn"] = origin.backup
    return {"RestoreSummary": summary}


def _settings(table: TableRecord) -> dict[str, Any]:
    settings = table.spec.settings
    described: dict[str, Any] = {}
    if "TableClass" in settings:
        described["TableClassSummary"] = {"TableClass": settings["TableClass"]}
    if "OnDemandThroughput" in settings:
        described["OnDemandThroughput"] = settings["OnDemandThroughput"]
    encryption = sse_description(table)
    if encryption is not None:
        described["SSEDescription"] = encryption
    return described


def sse_description(table: TableRecord) -> dict[str, Any] | None:
    """None where the table has the encryption that all tables have."""
    encryption = table.spec.settings.get("SSESpecification")
    if not encryption or not encryption.get("Enabled"):
        return None
    key = encryption.get("KMSMasterKeyId") or "alias/aws/dynamodb"
    region_and_account = ":".join(table.arn.split(":")[3:5])
    return {
        "Status": "ENABLED",
        "SSEType": "KMS",
        "KMSMasterKeyArn": key if key.startswith("arn:") else f"arn:aws:kms:{region_and_account}:{key}",
    }
