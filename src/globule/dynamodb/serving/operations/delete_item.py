"""DeleteItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html"""

from __future__ import annotations

from globule.dynamodb.rules import keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.requests.items import DeleteItemInput
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.items import Stored, Writer
from globule.dynamodb.serving.operations.api import Answer, Api, raw
from globule.dynamodb.serving.operations.conditions import request_condition
from globule.dynamodb.serving.operations.put_item import WRONG_RETURN_VALUES
from globule.dynamodb.serving.operations.writing import write_answer


async def delete_item(api: Api, request: DeleteItemInput) -> Answer:
    check_parameters(request, expressions=("ConditionExpression",), older=("Expected", "ConditionalOperator"))
    key = canonical_item(request.Key)
    if request.ReturnValues not in (None, "NONE", "ALL_OLD"):
        raise validation(WRONG_RETURN_VALUES)
    given = Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    condition = request_condition(api, request, given)
    given.check_all_used()
    table = api.table(request.TableName)
    api.meter.admit(table, "Write")
    condition.check_table(table)
    keys.check_key(table.spec.keys, key)

    def change(writer: Writer) -> Stored | None:
        if condition.test is not None:
            condition.require(writer.get(table, key))
        return writer.delete(table, key)

    old = await api.tables.write(change)
    answer = write_answer(api, request, table, key=key, old=old, new=None)
    if request.ReturnValues == "ALL_OLD" and old is not None:
        answer["Attributes"] = raw(old.raw)
    return answer
