"""How a statement reaches its items: by key, by partitions, or by reading everything.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html: a SELECT whose WHERE does
not say the partition key with `=` or `IN` reads the whole table or index.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from globule.dynamodb.model import AttributeValue, Item, Keys, SortCondition
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.tree import (
    And,
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Path,
    Value,
)

NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


class Partitions(msgspec.Struct, frozen=True):
    """What to query, one partition after the other; none of them means a scan."""

    partitions: tuple[tuple[AttributeValue, ...], ...]
    sort: tuple[SortCondition, ...] = ()


def exact_key(keys: Keys, where: Condition, given: Placeholders) -> tuple[Item, Condition | None]:
    """The key that a condition says with `=`, and what else it says. Raises ValidationException where it does not say
    the whole key."""
    key: Item = {}
    rest: list[Condition] = []
    names = {attribute.name for attribute in keys.attributes}
    for part in _conjuncts(where):
        equality = _equality(part, given)
        if equality is not None and equality[0] in names and equality[0] not in key:
            key[equality[0]] = equality[1]
        else:
            rest.append(part)
    if key.keys() != names:
        raise validation(NO_KEY)
    if not rest:
        return key, None
    return key, rest[0] if len(rest) == 1 else And(tuple(rest))


def partitions(keys: Keys, where: Condition | None, given: Placeholders) -> Partitions:
    """The whole condition still has to be tested on what these give."""
    if where is None or len(keys.partition) > 1:
        return Partitions(())
    parts = tuple(_conjuncts(where))
    attribute = keys.partition[0]
    for part in parts:
        values = _alternatives(part, attribute.name, given)
        if values is not None and all(attribute.type in value for value in values):
            distinct = list({str(value): value for value in values}.values())
            return Partitions(tuple((value,) for value in distinct), _sort(keys, parts, given))
    return Partitions(())


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, And):
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _attribute(path: Path, given: Placeholders) -> str | None:
    return str(given.steps(path.steps)[0]) if len(path.steps) == 1 else None


def _equality(part: Condition, given: Placeholders) -> tuple[str, AttributeValue] | None:
    match part:
        case Comparison("=", Path() as path, Value(value)) | Comparison("=", Value(value), Path() as path):
            name = _attribute(path, given)
            return None if name is None else (name, given.values[value])
    return None


def _alternatives(part: Condition, name: str, given: Placeholders) -> list[AttributeValue] | None:
    """The values that an attribute must have one of."""
    equality = _equality(part, given)
    if equality is not None:
        return [equality[1]] if equality[0] == name else None
    if isinstance(part, In) and isinstance(part.operand, Path) and _attribute(part.operand, given) == name:
        values = [given.values[each.placeholder] for each in part.candidates if isinstance(each, Value)]
        return values if len(values) == len(part.candidates) else None
    return None


def _sort(keys: Keys, parts: tuple[Condition, ...], given: Placeholders) -> tuple[SortCondition, ...]:
    if len(keys.sort) != 1:
        return ()
    (attribute,) = keys.sort
    for part in parts:
        match part:
            case Comparison(operator, Path() as path, Value(value)) if operator != "<>":
                condition = SortCondition(operator, (given.values[value],))
            case Between(Path() as path, Value(low), Value(high)):
                condition = SortCondition("BETWEEN", (given.values[low], given.values[high]))
            case Call("begins_with", (Path() as path, Value(value))):
                condition = SortCondition("begins_with", (given.values[value],))
            case _:
                continue
        if _attribute(path, given) == attribute.name and all(attribute.type in value for value in condition.values):
            return (condition,)
    return ()
