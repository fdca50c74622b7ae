"""KeyConditionExpression, and the older KeyConditions: which partition a Query reads, and what part of it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html

First the expression is turned into at most one condition for each attribute, whatever the table; then `plan` fits
the conditions to the keys of the table or index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from globule.dynamodb.model import AttributeValue, KeyAttribute, Keys, SortCondition
from globule.dynamodb.rules import keys as key_rules
from globule.dynamodb.rules.comparison import kind_of
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.expressions.condition_checks import Leaf, check_condition, check_values, placeholders_in
from globule.dynamodb.rules.expressions.condition_parser import parse_condition
from globule.dynamodb.rules.expressions.placeholders import Placeholders, Values
from globule.dynamodb.rules.expressions.tokens import invalid
from globule.dynamodb.rules.expressions.tree import (
    And,
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Value,
)

KIND = "KeyConditionExpression"

# `:v < a` says the same as `a > :v`.
_MIRRORED: Mapping[str, Any] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

Operator = Literal["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]


class KeyCondition(msgspec.Struct, frozen=True):
    """A condition on one attribute, with its values still behind placeholders."""

    attribute: str
    operator: Operator
    values: tuple[str, ...]


class CompiledKeyCondition(msgspec.Struct, frozen=True, kw_only=True):
    conditions: tuple[KeyCondition, ...]
    placeholders: frozenset[str]
    depends_on_values: tuple[Leaf, ...]

    def check(self, values: Values) -> None:
        """Raises ValidationException."""
        for leaf in self.depends_on_values:
            check_values(KIND, leaf, values)

    def bound(self, values: Values) -> dict[str, SortCondition]:
        """By attribute, in the order written."""
        return {
            condition.attribute: SortCondition(
                condition.operator, tuple(values[placeholder] for placeholder in condition.values)
            )
            for condition in self.conditions
        }


def compile_key_condition(text: str, given: Placeholders) -> CompiledKeyCondition:
    """Raises ValidationException."""
    tree = parse_condition(KIND, text)
    depends_on_values = check_condition(KIND, tree, given)
    conditions: dict[str, KeyCondition] = {}
    placeholders: set[str] = set()
    for leaf in _conjuncts(tree):
        condition = _key_condition(leaf, given)
        if condition.attribute in conditions:
            raise validation("KeyConditionExpressions must only contain one condition per key")
        conditions[condition.attribute] = condition
        placeholders.update(placeholders_in(leaf))
    return CompiledKeyCondition(
        conditions=tuple(conditions.values()),
        placeholders=frozenset(placeholders),
        depends_on_values=depends_on_values,
    )


def _conjuncts(condition: Condition) -> list[Leaf]:
    """What AND joins, at any depth of parentheses."""
    found: list[Leaf] = []
    waiting: list[Condition] = [condition]
    while waiting:
        match waiting.pop():
            case And(parts):
                waiting.extend(reversed(parts))
            case Or():
                raise _invalid_operator("OR")
            case Not():
                raise _invalid_operator("NOT")
            case leaf:
                found.append(leaf)
    return found


def _key_condition(leaf: Leaf, given: Placeholders) -> KeyCondition:
    match leaf:
        case In():
            raise _invalid_operator("IN")
        case Comparison("<>"):
            raise _invalid_operator("<>")
        case Call(function) if function != "begins_with":
            raise _invalid_operator(function)
        case Comparison(operator, Path() as path, value):
            same: Operator = operator  # type: ignore[assignment] # `<>` was refused above
            return KeyCondition(_attribute(path, (value,), given), same, _placeholders((value,)))
        case Comparison(operator, value, Path() as path):
            return KeyCondition(_attribute(path, (value,), given), _MIRRORED[operator], _placeholders((value,)))
        case Between(Path() as path, low, high):
            return KeyCondition(_attribute(path, (low, high), given), "BETWEEN", _placeholders((low, high)))
        case Call(_, (Path() as path, prefix)):
            return KeyCondition(_attribute(path, (prefix,), given), "begins_with", _placeholders((prefix,)))
        case Between(operand) | Call(_, (operand, _)):
            _refuse_calls((operand,))
            name = "BETWEEN" if isinstance(leaf, Between) else "begins_with"
            raise _invalid(f"{name} operator must have the key attribute as its first operand")
        case Comparison(_, left, right):
            _refuse_calls((left, right))
            raise _invalid("No key attribute specified")
        case _:
            raise AssertionError(leaf)


def _attribute(path: Path, others: tuple[Operand, ...], given: Placeholders) -> str:
    _refuse_calls(others)
    if any(isinstance(other, Path) for other in others):
        raise _invalid("Multiple attribute names used in one condition")
    if len(path.steps) > 1:
        raise invalid(KIND, "KeyConditionExpressions cannot have conditions on nested attributes")
    return str(given.steps(path.steps)[0])


def _refuse_calls(operands: tuple[Operand, ...]) -> None:
    if any(isinstance(operand, Call) for operand in operands):
        raise validation("KeyConditionExpressions cannot contain nested operations")


def _placeholders(operands: tuple[Operand, ...]) -> tuple[str, ...]:
    return tuple(operand.placeholder for operand in operands if isinstance(operand, Value))


def _invalid_operator(operator: str) -> Exception:
    return validation(f"Invalid operator used in KeyConditionExpression: {operator}")


def _invalid(why: str) -> Exception:
    return validation(f"Invalid condition in KeyConditionExpression: {why}")


def plan(
    keys: Keys, conditions: Mapping[str, SortCondition]
) -> tuple[tuple[AttributeValue, ...], tuple[SortCondition, ...]]:
    """The values of the partition key, and conditions on as many sort key attributes as have one. Raises
    ValidationException."""
    if not conditions:
        raise validation("Conditions can be of length 1 or 2 only")
    partition = tuple(_partition_value(attribute, conditions, keys) for attribute in keys.partition)
    sort: list[SortCondition] = []
    rest = len(conditions) - len(partition)
    for attribute in keys.sort:
        condition = conditions.get(attribute.name)
        if condition is None:
            break
        if sort and sort[-1].operator != "=":
            raise validation("Query key condition not supported")
        _check_type(attribute, condition, is_partition=False)
        sort.append(condition)
    if len(sort) < rest:
        if len(sort) == len(keys.sort):
            too_many = len(conditions) > 2 and len(keys.attributes) <= 2
            raise validation(
                "Conditions can be of length 1 or 2 only" if too_many else "Query key condition not supported"
            )
        raise validation(f"Query condition missed key schema element: {keys.sort[len(sort)].name}")
    return partition, tuple(sort)


def _partition_value(attribute: KeyAttribute, conditions: Mapping[str, SortCondition], keys: Keys) -> AttributeValue:
    condition = conditions.get(attribute.name)
    if condition is None:
        raise validation(f"Query condition missed key schema element: {attribute.name}")
    _check_type(attribute, condition, is_partition=True)
    if condition.operator != "=":
        raise validation("Query key condition not supported")
    return condition.values[0]


def _check_type(attribute: KeyAttribute, condition: SortCondition, *, is_partition: bool) -> None:
    for value in condition.values:
        if kind_of(value) != attribute.type:
            raise invalid_parameters("Condition parameter type does not match schema type")
        if condition.operator == "=":
            key_rules.check_key_value(attribute, value, is_partition=is_partition)
