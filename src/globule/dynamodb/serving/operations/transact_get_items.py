"""TransactGetItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html"""

from __future__ import annotations

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.projections import Projection
from globule.dynamodb.rules.requests.batches import Get, TransactGetItemsInput
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Answer, Api, raw
from globule.dynamodb.serving.operations.cancellation import (
    SAME_ITEM_TWICE,
    TRANSACTION_LIMIT_BYTES,
    cancel_where_invalid,
)
from globule.dynamodb.serving.operations.get_item import wanted_projection
from globule.dynamodb.serving.operations.metering import Tally


class _Wanted(msgspec.Struct, frozen=True):
    table: TableRecord
    key: Item
    projection: Projection | None


def transact_get_items(api: Api, request: TransactGetItemsInput) -> Answer:
    wanted = [_check(api, each.Get) for each in request.TransactItems]
    cancel_where_invalid([lambda each=each: _fit(each) for each in wanted])  # type: ignore[misc]
    names = {(each.table.name, msgspec.json.encode(each.key, order="deterministic")) for each in wanted}
    if len(names) < len(wanted):
        raise validation(SAME_ITEM_TWICE)
    reader = api.tables.read()
    responses: list[Answer] = []
    tally = Tally(api.meter, request.ReturnConsumedCapacity, "Read", transactional=True)
    total_bytes = 0
    for each in wanted:
        stored = reader.get(each.table, each.key)
        size_bytes = 0 if stored is None else stored.size_bytes
        total_bytes += size_bytes
        if total_bytes > TRANSACTION_LIMIT_BYTES:
            raise validation("Collection size of items in the transaction exceeds the limit of 4 MB")
        units = capacity.Consumed(table=capacity.read_units(size_bytes, consistent=True))
        tally.add(each.table, lambda units=units: units)  # type: ignore[misc]
        responses.append(_response(each, stored))
    answer: Answer = {"Responses": responses}
    tally.put_into(answer)
    return answer


def _response(wanted: _Wanted, stored: Stored | None) -> Answer:
    """Says nothing of an item that has none of the attributes that were asked for; GetItem gives an empty one."""
    if stored is None:
        return {}
    if wanted.projection is None:
        return {"Item": raw(stored.raw)}
    item = wanted.projection.of(stored.item())
    return {"Item": item} if item else {}


def _check(api: Api, get: Get) -> _Wanted:
    """Unlike GetItem's, names without an expression are not looked at. Raises ValidationException or
    ResourceNotFoundException."""
    projection = None if get.ProjectionExpression is None else wanted_projection(api, get)
    key = canonical_item(get.Key)
    table = api.table(get.TableName)
    api.meter.admit(table, "Read")
    return _Wanted(table, key, projection)


def _fit(wanted: _Wanted) -> None:
    keys.check_key(wanted.table.spec.keys, wanted.key)
    if wanted.projection is not None:
        keys.check_no_nested_keys(wanted.table.spec, wanted.projection.paths)
