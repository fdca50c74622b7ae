"""BatchGetItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import check_parameters, mixed_parameters
from globule.dynamodb.rules.expressions.projections import Projection
from globule.dynamodb.rules.requests.batches import KEYS_LIMIT, BatchGetItemInput, KeysAndAttributes
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.operations.api import Answer, Api, raw
from globule.dynamodb.serving.operations.get_item import wanted_projection
from globule.dynamodb.serving.operations.metering import Tally

ANSWER_LIMIT_BYTES = 16 * 1024 * 1024

DUPLICATES = "Provided list of item keys contains duplicates"


class _Wanted(msgspec.Struct, frozen=True):
    given_name: str
    """The name or ARN by which the request calls the table, and the answer has to."""
    table: TableRecord
    keys: list[Item]
    projection: Projection | None
    request: KeysAndAttributes

    @property
    def consistent(self) -> bool:
        return bool(self.request.ConsistentRead)


def batch_get_item(api: Api, request: BatchGetItemInput) -> Answer:
    _check_mixture(request)
    checked = [_check(api, wanted) for wanted in request.RequestItems.values()]
    if sum(len(found) for found, _ in checked) > KEYS_LIMIT:
        raise validation("Too many items requested for the BatchGetItem call")
    wanted = [
        _fit(api, name, found, projection, each)
        for (name, each), (found, projection) in zip(request.RequestItems.items(), checked, strict=True)
    ]
    reader = api.tables.read()
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, dict[str, Any]] = {}
    tally = Tally(api.meter, request.ReturnConsumedCapacity, "Read")
    total_bytes = 0
    for each in wanted:
        items = responses.setdefault(each.given_name, [])
        units = 0.0
        for position, key in enumerate(each.keys):
            stored = reader.get(each.table, key)
            size_bytes = 0 if stored is None else stored.size_bytes
            if total_bytes and total_bytes + size_bytes > ANSWER_LIMIT_BYTES:
                unprocessed[each.given_name] = _again(each, position)
                break
            total_bytes += size_bytes
            units += capacity.read_units(size_bytes, consistent=each.consistent)
            if stored is not None:
                items.append(raw(stored.raw) if each.projection is None else each.projection.of(stored.item()))
        total = capacity.Consumed(table=units)
        tally.add(each.table, lambda total=total: total)  # type: ignore[misc]
    answer: Answer = {"Responses": responses, "UnprocessedKeys": unprocessed}
    tally.put_into(answer)
    return answer


def _check_mixture(request: BatchGetItemInput) -> None:
    """Expressions for one table and older parameters for another do not mix either. Raises ValidationException."""
    tables = request.RequestItems.values()
    if any(each.ProjectionExpression is not None for each in tables) and any(
        each.AttributesToGet is not None for each in tables
    ):
        raise mixed_parameters(older=["AttributesToGet"], expressions=["ProjectionExpression"])


def _check(api: Api, wanted: KeysAndAttributes) -> tuple[list[Item], Projection | None]:
    """What can be judged without the table. Raises ValidationException."""
    check_parameters(wanted, expressions=("ProjectionExpression",), older=("AttributesToGet",))
    projection = wanted_projection(api, wanted)
    found = [canonical_item(key) for key in wanted.Keys]
    encoded = {msgspec.json.encode(key, order="deterministic") for key in found}
    if len(encoded) < len(found):
        raise validation(DUPLICATES)
    return found, projection


def _fit(api: Api, name: str, found: list[Item], projection: Projection | None, request: KeysAndAttributes) -> _Wanted:
    """Raises ResourceNotFoundException or ValidationException."""
    table = api.table(name)
    api.meter.admit(table, "Read")
    for key in found:
        keys.check_key(table.spec.keys, key)
    if projection is not None:
        keys.check_no_nested_keys(table.spec, projection.paths)
    return _Wanted(name, table, found, projection, request)


def _again(wanted: _Wanted, position: int) -> dict[str, Any]:
    """What the caller should ask for again."""
    again: dict[str, Any] = {"Keys": wanted.keys[position:]}
    for member in ("AttributesToGet", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"):
        given = getattr(wanted.request, member)
        if given is not None:
            again[member] = given
    return again
