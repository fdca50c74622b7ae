"""UpdateItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"""

from __future__ import annotations

from globule.dynamodb.model import Item
from globule.dynamodb.rules import keys
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.expressions.projections import project
from globule.dynamodb.rules.requests.items import UpdateItemInput
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.operations.conditions import request_condition
from globule.dynamodb.serving.operations.updating import PlannedUpdate, expression_update, legacy_update
from globule.dynamodb.serving.operations.writing import write_answer


async def update_item(api: Api, request: UpdateItemInput) -> Answer:
    check_parameters(
        request,
        expressions=("UpdateExpression", "ConditionExpression"),
        older=("AttributeUpdates", "Expected", "ConditionalOperator"),
    )
    key = canonical_item(request.Key)
    given = Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    if request.UpdateExpression is None:
        update = legacy_update(request.AttributeUpdates or {})
    else:
        update = expression_update(api, request.UpdateExpression, given)
    condition = request_condition(api, request, given)
    given.check_all_used()
    table = api.table(request.TableName)
    api.meter.admit(table, "Write")
    keys.check_key(table.spec.keys, key)
    update.check_table(table)
    condition.check_table(table)
    old, new = await api.tables.write(lambda writer: update.perform(writer, table, key, condition))
    answer = write_answer(api, request, table, key=key, old=old, new=new)
    attributes = _attributes(request.ReturnValues, update, old, new)
    if attributes:
        answer["Attributes"] = attributes
    return answer


def _attributes(wanted: str | None, update: PlannedUpdate, old: Stored | None, new: Item | None) -> Item | None:
    match wanted:
        case "ALL_OLD":
            return old.item() if old is not None else None
        case "ALL_NEW":
            return new
        case "UPDATED_OLD":
            return project(update.paths, old.item()) if old is not None else None
        case "UPDATED_NEW":
            return project(update.paths, new) if new is not None else None
        case _:
            return None
