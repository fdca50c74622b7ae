"""PutItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html"""

from __future__ import annotations

from globule.dynamodb.rules import keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.requests.items import PutItemInput
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.items import Stored, Writer
from globule.dynamodb.serving.operations.api import Answer, Api, checked_size_bytes, raw
from globule.dynamodb.serving.operations.conditions import request_condition
from globule.dynamodb.serving.operations.writing import write_answer

WRONG_RETURN_VALUES = "Return values set to invalid value"


async def put_item(api: Api, request: PutItemInput) -> Answer:
    check_parameters(request, expressions=("ConditionExpression",), older=("Expected", "ConditionalOperator"))
    item = canonical_item(request.Item)
    if request.ReturnValues not in (None, "NONE", "ALL_OLD"):
        raise validation(WRONG_RETURN_VALUES)
    size_bytes = checked_size_bytes(item)
    given = Placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues)
    condition = request_condition(api, request, given)
    given.check_all_used()
    table = api.table(request.TableName)
    api.meter.admit(table, "Write")
    condition.check_table(table)
    keys.check_item(table.spec, item)

    def change(writer: Writer) -> Stored | None:
        if condition.test is not None:
            condition.require(writer.get(table, item))
        return writer.put(table, item, size_bytes=size_bytes)

    old = await api.tables.write(change)
    answer = write_answer(api, request, table, key=item, old=old, new=item)
    if request.ReturnValues == "ALL_OLD" and old is not None:
        answer["Attributes"] = raw(old.raw)
    return answer
