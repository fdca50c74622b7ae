"""CreateTable, DescribeTable, ListTables, DeleteTable.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html
"""

from __future__ import annotations

from globule.dynamodb.control.describe import table_description
from globule.dynamodb.control.replicas import check_no_source
from globule.dynamodb.rules.definitions import table_spec
from globule.dynamodb.rules.errors import in_use, table_not_found, validation
from globule.dynamodb.rules.requests.control import CreateTableInput, ListTablesInput, TableInput
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.tables import TableExists, TableNotFound

LISTED_TABLES = 100


async def create_table(api: Api, request: CreateTableInput) -> Answer:
    spec = table_spec(request)
    try:
        table = await api.tables.create(spec)
    except TableExists:
        raise in_use(f"Table already exists: {spec.name}") from None
    return {"TableDescription": table_description(api, table, status="CREATING")}


def describe_table(api: Api, request: TableInput) -> Answer:
    return {"Table": table_description(api, api.described_table(request.TableName))}


def list_tables(api: Api, request: ListTablesInput) -> Answer:
    names = api.tables.names()
    start = request.ExclusiveStartTableName
    if start is not None:
        names = [name for name in names if name > start]
    limit = request.Limit or LISTED_TABLES
    answer: Answer = {"TableNames": names[:limit]}
    if len(names) > limit:
        answer["LastEvaluatedTableName"] = names[limit - 1]
    return answer


async def delete_table(api: Api, request: TableInput) -> Answer:
    table = api.described_table(request.TableName)
    if table.status == "CREATING":
        raise in_use(f"Attempt to change a resource which is still in use: Table is being created: {table.name}")
    if table.spec.deletion_protection:
        raise validation(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    if api.tables.backups.needs(table):
        raise in_use(f"Attempt to change a resource which is still in use: Table is being backed up: {table.name}")
    check_no_source(api, table, api.region)
    description = table_description(api, table, status="DELETING")
    try:
        await api.tables.delete(table.name)
    except TableNotFound:
        raise table_not_found(table.name) from None
    for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        description.pop(member, None)
    return {"TableDescription": description}
