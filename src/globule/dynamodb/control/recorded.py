"""What is kept and shown and does nothing: Contributor Insights and resource policies.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContributorInsights.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from globule.dynamodb.control.tags import tagged_table
from globule.dynamodb.rules.errors import not_found
from globule.dynamodb.rules.requests import control
from globule.dynamodb.rules.table_settings import check_policy
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.wire.aws.errors import AwsError


async def update_contributor_insights(api: Api, request: control.UpdateContributorInsightsInput) -> Answer:
    table = api.described_table(request.TableName)
    _check_index(table, request.IndexName)
    mode = request.ContributorInsightsMode or "ACCESSED_AND_THROTTLED_KEYS"
    enabled = dict(_insights(table))
    if request.ContributorInsightsAction == "ENABLE":
        enabled[request.IndexName or ""] = mode
    else:
        enabled.pop(request.IndexName or "", None)
    await record_setting(api, table, "ContributorInsightsSpecification", enabled)
    status = "ENABLING" if request.ContributorInsightsAction == "ENABLE" else "DISABLING"
    return {**_summary(table, request.IndexName, status), "ContributorInsightsMode": mode}


def describe_contributor_insights(api: Api, request: control.ContributorInsightsInput) -> Answer:
    table = api.described_table(request.TableName)
    _check_index(table, request.IndexName)
    mode = _insights(table).get(request.IndexName or "")
    if mode is None:
        return _summary(table, request.IndexName, "DISABLED")
    return {**_summary(table, request.IndexName, "ENABLED"), "ContributorInsightsMode": mode}


def list_contributor_insights(api: Api, request: control.ListContributorInsightsInput) -> Answer:
    names = api.tables.names() if request.TableName is None else [request.TableName]
    tables = [api.described_table(name) for name in names]
    return {
        "ContributorInsightsSummaries": [
            _summary(table, index or None, "ENABLED") for table in tables for index in _insights(table)
        ]
    }


def _check_index(table: TableRecord, name: str | None) -> None:
    if name is not None and table.spec.index(name) is None:
        raise not_found(f"Requested resource not found: Index: {name} not found for Table: {table.name}")


def _insights(table: TableRecord) -> dict[str, str]:
    """Modes by the name of the index; the table's under the empty name."""
    return dict(table.spec.settings.get("ContributorInsightsSpecification", {}))


def _summary(table: TableRecord, index: str | None, status: str) -> dict[str, Any]:
    summary = {"TableName": table.name, "ContributorInsightsStatus": status}
    return summary if index is None else {**summary, "IndexName": index}


async def put_resource_policy(api: Api, request: control.PutResourcePolicyInput) -> Answer:
    table = tagged_table(api, request.ResourceArn)
    _check_revision(table, request.ExpectedRevisionId)
    check_policy(request.Policy)
    await record_setting(api, table, "ResourcePolicy", {"Policy": request.Policy})
    return {"RevisionId": _revision(request.Policy)}


def get_resource_policy(api: Api, request: control.GetResourcePolicyInput) -> Answer:
    table = tagged_table(api, request.ResourceArn)
    policy = _policy(table)
    if policy is None:
        raise AwsError(
            "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {table.arn}"
        )
    return {"Policy": policy, "RevisionId": _revision(policy)}


async def delete_resource_policy(api: Api, request: control.DeleteResourcePolicyInput) -> Answer:
    table = tagged_table(api, request.ResourceArn)
    policy = _policy(table)
    _check_revision(table, request.ExpectedRevisionId)
    if policy is None:
        return {}
    await record_setting(api, table, "ResourcePolicy", None)
    return {"RevisionId": _revision(policy)}


def _policy(table: TableRecord) -> str | None:
    recorded = table.spec.settings.get("ResourcePolicy")
    return recorded["Policy"] if recorded else None


def _revision(policy: str) -> str:
    """AWS's are numbers that it gives; equal policies have equal ones here."""
    return str(int.from_bytes(hashlib.sha256(policy.encode()).digest()[:6]))


def _check_revision(table: TableRecord, expected: str | None) -> None:
    if expected is None:
        return
    policy = _policy(table)
    if (policy is None and expected != "NO_POLICY") or (policy is not None and _revision(policy) != expected):
        raise AwsError("PolicyNotFoundException", "Resource-based policy not found for the provided ExpectedRevisionId")


async def record_setting(api: Api, table: TableRecord, name: str, value: Any) -> TableRecord:
    def change(spec: Any) -> Any:
        settings = {key: kept for key, kept in spec.settings.items() if key != name}
        if value is not None:
            settings[name] = value
        return msgspec.structs.replace(spec, settings=settings)

    return await api.tables.update(table.name, change=change)
