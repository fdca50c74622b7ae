"""SELECT: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html

It reads partitions one after the other, or everything, page by page; NextToken says how far it has come.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.conditions import compile_condition_tree
from globule.dynamodb.rules.expressions.paths import overlap
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.projections import Projection
from globule.dynamodb.rules.partiql.plan import NO_KEY, Partitions, exact_key, partitions
from globule.dynamodb.rules.partiql.statements import Select
from globule.dynamodb.rules.values import ShapeProblem, canonical_item
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Reader, Stored
from globule.dynamodb.serving.operations.api import Answer, Api, raw
from globule.dynamodb.serving.operations.pages import (
    ItemTest,
    Target,
    check_projected,
    check_start_key,
    page_consumed,
    read_page,
    target,
)
from globule.wire.aws.errors import AwsError


class SelectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The members that a page of a Query or Scan would have."""

    TableName: str = ""
    IndexName: str | None = None
    Select: None = None
    Limit: int | None = None
    ConsistentRead: bool | None = None
    ReturnConsumedCapacity: capacity.Wanted = None
    NextToken: str | None = None


class _Position(msgspec.Struct, frozen=True):
    """How far a SELECT has come: in which partition, and behind which item."""

    partition: int
    start: Item | None


def select(api: Api, statement: Select, request: SelectRequest) -> Answer:
    """Raises ValidationException or ResourceNotFoundException."""
    request = msgspec.structs.replace(request, TableName=statement.table, IndexName=statement.index)
    test, projection = _wanted(statement)
    aim = target(api, request)
    check_projected(aim, request, projection)
    where = partitions(aim.keys, statement.where, statement.given)
    forward = _forward(statement, aim, where)
    position = _position(aim, request.NextToken)
    reader = api.tables.read()
    found = _read(reader, aim, where, position, forward=forward)
    page = read_page(reader, aim, found, request, test=test, projection=projection)
    answer: Answer = {"Items": page.items}
    if page.last is not None:
        last = page.last.item()
        start = aim.start_key(last)
        answer["NextToken"] = _token(_Position(_partition_of(aim, where, last), start))
        answer["LastEvaluatedKey"] = start
    consumed = page_consumed(api, aim, page, request)
    if consumed is not None:
        answer["ConsumedCapacity"] = consumed
    return answer


def selected_item(
    api: Api, statement: Select, *, consistent: bool, no_key: str | None
) -> tuple[TableRecord, Any, capacity.Consumed]:
    """The one item of a SELECT that says a whole key; None where it is not there, or does not fit the rest. Raises
    ValidationException (with `no_key` as its text, where given) or ResourceNotFoundException."""
    test, projection = _wanted(statement)
    table = api.table(statement.table)
    if statement.where is None or statement.index is not None:
        raise validation(no_key or NO_KEY)
    try:
        key, _ = exact_key(table.spec.keys, statement.where, statement.given)
    except AwsError as problem:
        raise problem if no_key is None else validation(no_key) from None
    keys.check_key(table.spec.keys, key)
    api.meter.admit(table, "Read")
    stored = api.tables.read().get(table, key)
    units = capacity.Consumed(
        table=capacity.read_units(0 if stored is None else stored.size_bytes, consistent=consistent)
    )
    if stored is None or (test is not None and not test(stored.item())):
        return table, None, units
    return table, raw(stored.raw) if projection is None else projection.of(stored.item()), units


def _wanted(statement: Select) -> tuple[ItemTest | None, Projection | None]:
    """Raises ValidationException."""
    given = statement.given
    projection = None
    if statement.paths is not None:
        paths = tuple(given.steps(path.steps) for path in statement.paths)
        clash = overlap(paths)
        if clash is not None:
            raise validation(clash)
        projection = Projection(paths)
    if statement.where is None:
        return None, projection
    return _test(statement, given), projection


def _test(statement: Select, given: Placeholders) -> ItemTest:
    assert statement.where is not None
    compiled = compile_condition_tree("WHERE", statement.where, given)
    compiled.check(given.values)
    values, test = given.values, compiled.test
    return lambda item: test(item, values)


def _forward(statement: Select, aim: Target, where: Partitions) -> bool:
    """Raises ValidationException for an order that the keys do not give."""
    if not statement.order:
        return True
    if not where.partitions:
        raise validation("Must have WHERE clause in the statement when using ORDER BY clause.")
    allowed = {attribute.name for attribute in aim.keys.attributes}
    for name, _ in statement.order:
        if name not in allowed:
            raise validation(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    sort = {attribute.name for attribute in aim.keys.sort}
    return not any(descending for name, descending in statement.order if name in sort)


def _read(reader: Reader, aim: Target, where: Partitions, position: _Position, *, forward: bool) -> Iterator[Stored]:
    if not where.partitions:
        yield from reader.scan(aim.table, index=aim.index_name, after=position.start)
        return
    for number, partition in enumerate(where.partitions):
        if number < position.partition:
            continue
        yield from reader.query(
            aim.table,
            partition,
            where.sort,
            index=aim.index_name,
            forward=forward,
            after=position.start if number == position.partition else None,
        )


def _partition_of(aim: Target, where: Partitions, item: Item) -> int:
    if not where.partitions:
        return 0
    return where.partitions.index((item[aim.keys.partition[0].name],))


def _token(position: _Position) -> str:
    return base64.b64encode(msgspec.json.encode(position)).decode()


def _position(aim: Target, token: str | None) -> _Position:
    if token is None:
        return _Position(0, None)
    try:
        position = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Position)
        start = canonical_item(dict(position.start or {}))
    except (ValueError, msgspec.MsgspecError, ShapeProblem):
        raise validation("Invalid NextToken") from None
    check_start_key(aim, start)
    return _Position(position.partition, start)
