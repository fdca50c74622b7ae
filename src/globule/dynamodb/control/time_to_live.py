"""UpdateTimeToLive, DescribeTimeToLive.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-how-to.html. A change is in force at
once, and may be made again at once: AWS makes its callers wait for about an hour.
"""

from __future__ import annotations

import msgspec

from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.requests.control import TableInput, UpdateTimeToLiveInput
from globule.dynamodb.serving.operations.api import Answer, Api


async def update_time_to_live(api: Api, request: UpdateTimeToLiveInput) -> Answer:
    table = api.described_table(request.TableName)
    wanted = request.TimeToLiveSpecification
    current = table.spec.ttl_attribute
    if wanted.Enabled and current is not None:
        if current == wanted.AttributeName:
            raise validation("TimeToLive is already enabled")
        raise validation(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    if not wanted.Enabled:
        if current is None:
            raise validation("TimeToLive is already disabled")
        if current != wanted.AttributeName:
            raise validation(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    attribute = wanted.AttributeName if wanted.Enabled else None
    await api.tables.update(table.name, change=lambda spec: msgspec.structs.replace(spec, ttl_attribute=attribute))
    return {"TimeToLiveSpecification": msgspec.to_builtins(wanted)}


def describe_time_to_live(api: Api, request: TableInput) -> Answer:
    attribute = api.described_table(request.TableName).spec.ttl_attribute
    if attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}
