"""GetItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""

from __future__ import annotations

from typing import Any

from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.expressions.placeholders import Placeholders, check_parameters
from globule.dynamodb.rules.expressions.projections import Projection, attributes_to_get
from globule.dynamodb.rules.requests.items import GetItemInput
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Answer, Api, raw


def get_item(api: Api, request: GetItemInput) -> Answer:
    if request.ExpressionAttributeNames is not None or request.ProjectionExpression is not None:
        check_parameters(request, expressions=("ProjectionExpression",), older=("AttributesToGet",))
    key = canonical_item(request.Key)
    projection = wanted_projection(api, request)
    table = api.table(request.TableName)
    keys.check_key(table.spec.keys, key)
    if projection is not None:
        keys.check_no_nested_keys(table.spec, projection.paths)
    api.meter.admit(table, "Read")
    stored = api.tables.read().get(table, key)
    answer: Answer = {}
    if stored is not None:
        answer["Item"] = raw(stored.raw) if projection is None else projection.of(stored.item())
    consumed = api.consumed(
        table, request.ReturnConsumedCapacity, lambda: _units(stored, bool(request.ConsistentRead)), "Read"
    )
    if consumed is not None:
        answer["ConsumedCapacity"] = consumed
    return answer


def _units(stored: Stored | None, consistent: bool) -> capacity.Consumed:
    size_bytes = 0 if stored is None else stored.size_bytes
    return capacity.Consumed(table=capacity.read_units(size_bytes, consistent=consistent))


def wanted_projection(api: Api, request: Any) -> Projection | None:
    """From ProjectionExpression or AttributesToGet, of any request that has no other expressions. Raises
    ValidationException."""
    if getattr(request, "AttributesToGet", None) is not None:
        return attributes_to_get(request.AttributesToGet)
    if request.ExpressionAttributeNames is None and request.ProjectionExpression is None:
        return None
    given = Placeholders(request.ExpressionAttributeNames, None)
    projection = None
    if request.ProjectionExpression is not None:
        projection = api.expressions.projection(request.ProjectionExpression, given)
    given.check_all_used()
    return projection
