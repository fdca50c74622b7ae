"""A checked condition as a function of an item and of the request's values.

Compiled once for each text and each set of placeholders with values of the same types; it cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules import comparison
from globule.dynamodb.rules.expressions.condition_checks import (
    Leaf,
    check_condition,
    check_values,
    everything_in,
    leaves,
    placeholders_in,
)
from globule.dynamodb.rules.expressions.condition_parser import parse_condition
from globule.dynamodb.rules.expressions.paths import getter
from globule.dynamodb.rules.expressions.placeholders import Placeholders, Values
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
    Steps,
    Value,
)

Test = Callable[[Item, Values], bool]
Find = Callable[[Item, Values], AttributeValue | None]


class CompiledCondition(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    test: Test
    placeholders: frozenset[str]
    paths: tuple[Steps, ...]
    """All paths, with their names resolved."""
    depends_on_values: tuple[Leaf, ...]

    def check(self, values: Values) -> None:
        """Raises ValidationException."""
        for leaf in self.depends_on_values:
            check_values(self.kind, leaf, values)


def compile_condition(kind: str, text: str, given: Placeholders) -> CompiledCondition:
    """Raises ValidationException."""
    return compile_condition_tree(kind, parse_condition(kind, text), given)


def compile_condition_tree(kind: str, tree: Condition, given: Placeholders) -> CompiledCondition:
    """Raises ValidationException."""
    depends_on_values = check_condition(kind, tree, given)
    return CompiledCondition(
        kind=kind,
        test=_test(tree, given),
        placeholders=frozenset(placeholder for leaf in leaves(tree) for placeholder in placeholders_in(leaf)),
        paths=tuple(
            given.steps(operand.steps)
            for leaf in leaves(tree)
            for operand in everything_in(leaf)
            if isinstance(operand, Path)
        ),
        depends_on_values=depends_on_values,
    )


def _test(condition: Condition, given: Placeholders) -> Test:
    match condition:
        case And(parts):
            return _all(tuple(_test(part, given) for part in parts))
        case Or(parts):
            return _any(tuple(_test(part, given) for part in parts))
        case Not(part):
            test = _test(part, given)
            return lambda item, values: not test(item, values)
        case Comparison(operator, left, right):
            compare = comparison.COMPARATORS[operator]
            one, other = find(left, given), find(right, given)
            return lambda item, values: compare(one(item, values), other(item, values))
        case Between(operand, low, high):
            value, lower, upper = find(operand, given), find(low, given), find(high, given)
            return lambda item, values: comparison.between(
                value(item, values), lower(item, values), upper(item, values)
            )
        case In(operand, candidates):
            return _member(find(operand, given), tuple(find(candidate, given) for candidate in candidates))
        case Call(function, arguments):
            return _function(function, tuple(find(argument, given) for argument in arguments))


def _all(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda item, values: first(item, values) and second(item, values)

    def test(item: Item, values: Values) -> bool:
        for part in tests:  # noqa: SIM110 - a generator would double the frames of a deep condition
            if not part(item, values):
                return False
        return True

    return test


def _any(tests: tuple[Test, ...]) -> Test:
    def test(item: Item, values: Values) -> bool:
        for part in tests:  # noqa: SIM110 - a generator would double the frames of a deep condition
            if part(item, values):
                return True
        return False

    return test


def _member(value: Find, candidates: tuple[Find, ...]) -> Test:
    def test(item: Item, values: Values) -> bool:
        found = value(item, values)
        return found is not None and any(candidate(item, values) == found for candidate in candidates)

    return test


def _function(name: str, arguments: tuple[Find, ...]) -> Test:
    first = arguments[0]
    match name:
        case "attribute_exists":
            return lambda item, values: first(item, values) is not None
        case "attribute_not_exists":
            return lambda item, values: first(item, values) is None
    second = arguments[1]
    match name:
        case "begins_with":
            return lambda item, values: comparison.begins_with(first(item, values), second(item, values))
        case "contains":
            return lambda item, values: comparison.contains(first(item, values), second(item, values))
        case _:
            assert name == "attribute_type", name
            return lambda item, values: _is_of_type(first(item, values), second(item, values))


def _is_of_type(value: AttributeValue | None, name: AttributeValue | None) -> bool:
    return value is not None and name is not None and comparison.kind_of(value) == name["S"]


def find(operand: Operand, given: Placeholders) -> Find:
    """A function that gives what an operand stands for."""
    match operand:
        case Path(steps):
            get = getter(given.steps(steps))
            return lambda item, values: get(item)
        case Value(placeholder):
            return lambda item, values: values[placeholder]
        case Call(_, (argument,)):
            inner = find(argument, given)
            return lambda item, values: comparison.size(inner(item, values))
        case _:
            raise AssertionError(operand)
