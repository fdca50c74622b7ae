"""What a global table says of itself.

[TableDescription] https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
[Concepts] https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from suite.global_table import GlobalTable
from suite.regions import Region


def test_every_replica_states_the_version(table: GlobalTable) -> None:
    """GlobalTableVersion is the version of a table that is replicated across regions [TableDescription]."""
    assert {table.describe(region).get("GlobalTableVersion") for region in table.regions} == {"2019.11.21"}


def test_every_replica_lists_the_others_and_not_itself(table: GlobalTable) -> None:
    """Replicas represents the replicas of the table [TableDescription]. The region that is asked is not among them
    (https://github.com/localstack/localstack/issues/7426 shows AWS's answer)."""
    for region in table.regions:
        assert table.statuses(region) == dict.fromkeys(set(table.regions) - {region}, "ACTIVE")


def test_every_replica_is_a_table_of_its_own_region(table: GlobalTable) -> None:
    """A replica is a single DynamoDB table [Concepts]: its ARN names its own region."""
    arns = {region: table.describe(region)["TableArn"] for region in table.regions}
    assert {region: arn.split(":")[3] for region, arn in arns.items()} == {region: region for region in arns}
    assert all(arn.endswith(f":table/{table.name}") for arn in arns.values())


@pytest.mark.recorded
def test_every_replica_has_an_identifier_of_its_own(table: GlobalTable) -> None:
    """TableId is a unique identifier of the table [TableDescription]; each region was seen to have its own."""
    assert len({table.describe(region)["TableId"] for region in table.regions}) == len(table.regions)


def test_all_replicas_have_the_same_shape(table: GlobalTable) -> None:
    """All replicas share the table name, the primary key schema, the capacity mode and the indexes [Concepts]."""
    shapes = []
    for region in table.regions:
        description = table.describe(region)
        indexes = [(index["IndexName"], index["KeySchema"]) for index in description["GlobalSecondaryIndexes"]]
        billing = description["BillingModeSummary"]["BillingMode"]
        shapes.append((description["TableName"], description["KeySchema"], billing, indexes))
    assert all(shape == shapes[0] for shape in shapes)


def test_a_table_of_one_region_is_no_global_table(lone: GlobalTable, home: str) -> None:
    """Both members are there only if the table is replicated across regions [TableDescription]."""
    description = lone.describe(home)
    assert "GlobalTableVersion" not in description and not description.get("Replicas")


def test_a_table_of_one_region_exists_in_no_other(lone: GlobalTable, regions: Mapping[str, Region], away: str) -> None:
    """DynamoDB without global tables is a regional service [Concepts]."""
    assert regions[away].describe(lone.name) is None


def test_every_region_lists_the_table_by_the_same_name(table: GlobalTable) -> None:
    """A global table has one replica a region, of the same name [Concepts]; ListTables names the caller's region's."""
    for region in table.regions.values():
        pages = region.dynamodb.get_paginator("list_tables").paginate()
        assert sum(page["TableNames"].count(table.name) for page in pages) == 1
