"""ReplicaUpdates: the regions of a global table (version 2019.11.21).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from __future__ import annotations

from collections.abc import Sequence

from globule.dynamodb.rules.errors import in_use, not_found, validation
from globule.dynamodb.rules.requests.control import ReplicationGroupUpdate
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Api
from globule.dynamodb.serving.tables import TableExists
from globule.wire.aws.errors import AwsError

LOCAL_REGION = (
    "Cannot add, delete, or update the local region through ReplicaUpdates. "
    "Use CreateTable, DeleteTable, or UpdateTable as required."
)


async def update_replicas(api: Api, table: TableRecord, updates: Sequence[ReplicationGroupUpdate]) -> TableRecord:
    """Raises ValidationException, ResourceInUseException or ResourceNotFoundException."""
    for update in updates:
        _check(api, table, update)
    for update in updates:
        try:
            if update.Create is not None:
                table = await api.tables.add_replica(table.name, update.Create.RegionName)
            elif update.Delete is not None:
                table = await api.tables.remove_replica(table.name, update.Delete.RegionName)
        except TableExists:
            assert update.Create is not None
            raise in_use(f"Table {table.name} already exists in region {update.Create.RegionName}") from None
        except OSError as problem:
            raise AwsError(
                "InternalServerError", f"The region of the replica cannot be reached: {problem}", status=500
            ) from None
    return table


def _check(api: Api, table: TableRecord, update: ReplicationGroupUpdate) -> None:
    given = [each for each in (update.Create, update.Update, update.Delete) if each is not None]
    if len(given) != 1:
        raise validation("Exactly one of Create, Update, Delete must be specified for each of ReplicaUpdates")
    region = given[0].RegionName
    if region == api.region:
        raise validation(LOCAL_REGION)
    exists = any(replica.region == region for replica in table.replicas)
    if update.Create is not None and exists:
        raise validation(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    if update.Create is None and not exists:
        raise not_found(f"Requested resource not found: Replica of table {table.name} in region {region} not found")
    if update.Create is not None and table.spec.billing == "PROVISIONED":
        raise validation("Table write capacity should either be Pay-Per-Request or AutoScaled.")
