"""The older parameters: Expected, QueryFilter, ScanFilter, KeyConditions, AttributeUpdates.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html

They say less than expressions, and become the same things: tests of an item, conditions on keys, changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from globule.dynamodb.model import AttributeValue, Item, SortCondition
from globule.dynamodb.rules import comparison
from globule.dynamodb.rules.comparison import kind_of
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.expressions.updates import added, deleted, wrong_type
from globule.dynamodb.rules.requests.members import AttributeValueUpdate, Condition, ExpectedAttributeValue
from globule.dynamodb.rules.values import canonical_value, check_name
from globule.wire.aws.errors import AwsError

Test = Callable[[AttributeValue | None], bool]
ItemTest = Callable[[Item], bool]

_COUNTS: Mapping[str, int | None] = {
    **dict.fromkeys(("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"), 1),
    "NULL": 0,
    "NOT_NULL": 0,
    "BETWEEN": 2,
    "IN": None,
}
"""Values that each operator takes; None is one or more."""

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN"), "SNB"),
    "BEGINS_WITH": "SB",
}
"""Types that the values may have; any, where an operator is not named."""

_COMPARATORS: Mapping[str, str] = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}


def filter_test(
    conditions: Mapping[str, Condition] | None, operator: str | None
) -> tuple[ItemTest | None, frozenset[str]]:
    """QueryFilter and ScanFilter: the test, and the attributes that it looks at. Raises ValidationException."""
    check_operator(operator, None if conditions is None else len(conditions))
    if not conditions:
        return None, frozenset()
    tests = {}
    for name, condition in conditions.items():
        values = _values(condition.AttributeValueList or ())
        _check_values(condition.ComparisonOperator, values)
        tests[name] = _test(condition.ComparisonOperator, values)
    return _combined(tests, operator), frozenset(tests)


def expected_test(expected: Mapping[str, ExpectedAttributeValue] | None, operator: str | None) -> ItemTest | None:
    """Raises ValidationException."""
    check_operator(operator, None if expected is None else len(expected))
    if not expected:
        return None
    return _combined({name: _expectation(name, each) for name, each in expected.items()}, operator)


def check_operator(operator: str | None, conditions: int | None) -> None:
    """Raises ValidationException where ConditionalOperator has nothing to combine."""
    if operator is None:
        return
    if not conditions:
        raise invalid_parameters("ConditionalOperator cannot be used without Filter or Expected")
    if conditions == 1:
        raise invalid_parameters(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def key_conditions(conditions: Mapping[str, Condition]) -> dict[str, SortCondition]:
    """By attribute. Raises ValidationException."""
    found: dict[str, SortCondition] = {}
    for name, condition in conditions.items():
        values = _values(condition.AttributeValueList or ())
        operator = condition.ComparisonOperator
        _check_values(operator, values)
        indexable = {**_COMPARATORS, "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}.get(operator)
        if indexable is None or indexable == "<>":
            raise validation("Attempted conditional constraint is not an indexable operation")
        found[name] = SortCondition(indexable, tuple(values))  # type: ignore[arg-type]
    return found


def _combined(tests: Mapping[str, Test], operator: str | None) -> ItemTest:
    if operator == "OR":
        return lambda item: any(test(item.get(name)) for name, test in tests.items())
    return lambda item: all(test(item.get(name)) for name, test in tests.items())


def _values(values: Sequence[Any]) -> list[AttributeValue]:
    return [canonical_value(value) for value in values]


def _check_values(operator: str, values: Sequence[AttributeValue]) -> None:
    count = _COUNTS[operator]
    if len(values) != count if count is not None else not values:
        raise invalid_parameters(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [kind_of(value) for value in values]
    if len(set(kinds)) > 1:
        raise invalid_parameters("AttributeValues inside AttributeValueList must be of same type")
    for kind in kinds:
        if operator in _KINDS and kind not in _KINDS[operator]:
            raise invalid_parameters(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if operator == "BETWEEN" and comparison.greater(values[0], values[1]):
        raise validation(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _test(operator: str, values: Sequence[AttributeValue]) -> Test:
    match operator:
        case "NULL":
            return lambda value: value is None
        case "NOT_NULL":
            return lambda value: value is not None
        case "IN":
            return lambda value: value in values
        case "BETWEEN":
            return lambda value: comparison.between(value, values[0], values[1])
    (wanted,) = values
    match operator:
        case "BEGINS_WITH":
            return lambda value: comparison.begins_with(value, wanted)
        case "CONTAINS":
            return lambda value: comparison.contains(value, wanted)
        case "NOT_CONTAINS":
            return lambda value: value is not None and not comparison.contains(value, wanted)
        case _:
            compare = comparison.COMPARATORS[_COMPARATORS[operator]]
            return lambda value: compare(value, wanted)


def _expectation(name: str, expected: ExpectedAttributeValue) -> Test:
    operator = expected.ComparisonOperator
    if expected.AttributeValueList is not None and expected.Value is not None:
        raise invalid_parameters(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is None:
        return _plain_expectation(name, expected)
    if expected.Exists is not None:
        raise invalid_parameters(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    given = expected.AttributeValueList if expected.Value is None else [expected.Value]
    if given is None and operator not in ("NULL", "NOT_NULL"):
        raise invalid_parameters(
            f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
        )
    values = _values(given or ())
    _check_values(operator, values)
    return _test(operator, values)


def _plain_expectation(name: str, expected: ExpectedAttributeValue) -> Test:
    if expected.AttributeValueList is not None:
        raise invalid_parameters(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if expected.Exists is False:
        if expected.Value is not None:
            raise invalid_parameters(f"Value cannot be used when Exists is false for Attribute: {name}")
        return lambda value: value is None
    if expected.Value is None:
        exists = "null" if expected.Exists is None else "true"
        raise invalid_parameters(f"Value must be provided when Exists is {exists} for Attribute: {name}")
    wanted = canonical_value(expected.Value)
    return lambda value: comparison.equal(value, wanted)


def check_updates(updates: Mapping[str, AttributeValueUpdate]) -> None:
    """Raises ValidationException."""
    for name, update in updates.items():
        check_name(name)
        action = update.Action or "PUT"
        if update.Value is None:
            if action != "DELETE":
                raise invalid_parameters("Only DELETE action is allowed when no attribute value is specified")
            continue
        kind = kind_of(canonical_value(update.Value))
        if action == "DELETE" and kind not in ("SS", "NS", "BS"):
            raise invalid_parameters(f"DELETE action with value is not supported for the type {kind}")
        if action == "ADD" and kind not in ("L", "SS", "NS", "BS", "N"):
            raise invalid_parameters(f"ADD action is not supported for the type {kind}")


def only_deletes(updates: Mapping[str, AttributeValueUpdate]) -> bool:
    """Such an update of an item that is not there does not create it."""
    return bool(updates) and all(update.Action == "DELETE" for update in updates.values())


def apply_updates(updates: Mapping[str, AttributeValueUpdate], item: Item) -> Item:
    """Changes `item`, and returns it. Raises ValidationException."""
    for name, update in updates.items():
        try:
            value = _updated(update, item.get(name))
        except AwsError as problem:
            if problem.message == wrong_type().message:
                raise validation("Type mismatch for attribute to update") from None
            raise
        if value is None:
            item.pop(name, None)
        else:
            item[name] = value
    return item


def _updated(update: AttributeValueUpdate, old: AttributeValue | None) -> AttributeValue | None:
    value = update.Value
    match update.Action:
        case "DELETE":
            if value is None or old is None:
                return None
            return deleted(old, value)
        case "ADD":
            assert value is not None, "checked"
            if "L" in value and old is not None and "L" in old:
                return {"L": [*old["L"], *value["L"]]}
            return added(old, value)
        case _:
            return value
