"""ReplicaUpdates: the regions of a global table (version 2019.11.21).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.requests.control import ReplicaAction, ReplicationGroupUpdate
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Api
from globule.dynamodb.serving.tables import TableExists, TableProtected
from globule.wire.aws.errors import AwsError

LOCAL_REGION = (
    "Cannot add or delete the local region through ReplicaUpdates. "
    "Use CreateTable, DeleteTable, or UpdateTable as required."
)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html
SOURCE_KEPT_SECONDS = 24 * 60 * 60


def check_no_source(api: Api, table: TableRecord, region: str) -> None:
    """Raises ValidationException for the deletion of the replica in a region that made another one lately."""
    since = api.clock.now() - SOURCE_KEPT_SECONDS
    if any(each.seeded_by == region and each.added_at is not None and each.added_at > since for each in table.replicas):
        raise validation(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            "table in the last 24 hours."
        )


async def update_replicas(api: Api, table: TableRecord, updates: Sequence[ReplicationGroupUpdate]) -> TableRecord:
    """Raises ValidationException, and InternalServerError where the region of the replica does not answer."""
    for each in updates:
        _check_action(each)
    update = _the_one(updates)
    _check_region(api, table, update)
    try:
        if update.Create is not None:
            return await api.tables.add_replica(table.name, update.Create.RegionName)
        if update.Delete is not None:
            return await api.tables.remove_replica(table.name, update.Delete.RegionName)
    except TableExists:
        raise _exists_already(table) from None
    except TableProtected:
        assert update.Delete is not None, "only a table that is deleted is protected"
        raise validation(
            f"Cannot delete table {table.name} in region {update.Delete.RegionName} because it has deletion protection "
            "enabled. Disable deletion protection first."
        ) from None
    except OSError as problem:
        raise AwsError(
            "InternalServerError", f"The region of the replica does not answer: {problem}", status=500
        ) from None
    assert update.Update is not None, "checked"
    raise _overrides_unsupported(update.Update)


def _check_action(update: ReplicationGroupUpdate) -> None:
    given = [each for each in (update.Create, update.Update, update.Delete) if each is not None]
    if not given or (update.Update is not None and len(given) == 1 and not _overrides(update.Update)):
        raise validation("There are no actions specified in the Replica Update Action of the request.")
    if len(given) > 1:
        raise validation("Update table operation with more than one type of replica actions not allowed.")


def _check_region(api: Api, table: TableRecord, update: ReplicationGroupUpdate) -> None:
    action = update.Create or update.Update or update.Delete
    assert action is not None, "checked"
    name = action.RegionName
    if name == api.region and update.Update is None:
        raise validation(LOCAL_REGION)
    exists = any(replica.region == name for replica in table.replicas)
    if update.Create is None:
        if not exists:
            raise validation(
                "Update global table operation failed because one or more replicas were not part of the global table. "
                f"Please retry the request without these replicas: [{name}]."
            )
        if update.Delete is not None:
            check_no_source(api, table, name)
        return
    if name not in api.regions:
        raise validation(
            f"Region {name} is not supported. The latest version of global tables are only supported in the following "
            f"regions: [{', '.join(api.regions)}]"
        )
    if exists:
        raise _exists_already(table)
    if table.spec.billing == "PROVISIONED":
        raise validation("Table write capacity should either be Pay-Per-Request or AutoScaled.")
    if _overrides(update.Create):
        raise _overrides_unsupported(update.Create)


def _the_one(updates: Sequence[ReplicationGroupUpdate]) -> ReplicationGroupUpdate:
    """Raises ValidationException where there are several; one that is there twice is one."""
    first = updates[0]
    if any(update != first for update in updates):
        raise validation("Update table operation with more than one create or delete replica actions not allowed")
    return first


def _overrides(action: ReplicaAction) -> list[str]:
    """What a replica is to have otherwise than the table."""
    given = msgspec.structs.asdict(action)
    return [name for name, value in given.items() if value not in (None, []) and name != "RegionName"]


def _overrides_unsupported(action: ReplicaAction) -> AwsError:
    return validation(f"Overrides of single replicas are not supported by Globule: {', '.join(_overrides(action))}")


def _exists_already(table: TableRecord) -> AwsError:
    return validation(
        f"Failed to create a the new replica of table with name: ‘{table.name}’ because one or more replicas already "
        "existed as tables."
    )
