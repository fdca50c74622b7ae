"""A checked update as a function from an item to the item that it becomes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html

All values are computed from the item as it was, then all changes are made; no two of them are of one place, so their
order does not matter. An index into a list means the element that stood there before. What may still go wrong depends
on the item (an attribute that is not there, a type that does not fit) and raises before anything was changed in the
store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import msgspec

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules import comparison, numbers
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.condition_checks import FUNCTIONS as CONDITION_FUNCTIONS
from globule.dynamodb.rules.expressions.condition_checks import undefined_name, undefined_value
from globule.dynamodb.rules.expressions.document import Document
from globule.dynamodb.rules.expressions.paths import getter, overlap
from globule.dynamodb.rules.expressions.placeholders import Placeholders, Values
from globule.dynamodb.rules.expressions.reserved import is_reserved
from globule.dynamodb.rules.expressions.tokens import invalid
from globule.dynamodb.rules.expressions.tree import (
    Action,
    Add,
    Arithmetic,
    Call,
    Delete,
    Operand,
    Path,
    Remove,
    Set,
    Steps,
    Update,
    Value,
)
from globule.dynamodb.rules.expressions.update_parser import KIND, parse_update
from globule.dynamodb.rules.sets import united, without
from globule.wire.aws.errors import AwsError

Find = Callable[[Item, Values], AttributeValue]
Change = Callable[[Document, Item, Values], None]

FUNCTIONS: Mapping[str, int] = {"if_not_exists": 2, "list_append": 2}
"""Operands of each."""

SET_KINDS = ("SS", "NS", "BS")
_KIND_NAMES = {"S": "STRING", "B": "BINARY", "N": "NUMBER", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP"}


def no_such_attribute() -> AwsError:
    return validation("The provided expression refers to an attribute that does not exist in the item")


def wrong_type() -> AwsError:
    return validation("An operand in the update expression has an incorrect data type")


class CompiledUpdate(msgspec.Struct, frozen=True, kw_only=True):
    changes: tuple[Change, ...]
    placeholders: frozenset[str]
    paths: tuple[Steps, ...]
    """What is changed, with names resolved."""
    read_paths: tuple[Steps, ...]
    """What values are computed from."""
    assigned_kinds: tuple[tuple[str, str], ...]
    """Top-level attributes that are set or added to, and the type that they are known to get."""
    only_removes: bool
    """Whether it can only take away: such an update of an item that is not there does not create it."""

    def apply(self, item: Item, values: Values) -> Item:
        """Changes `item`, and returns it. Raises ValidationException, and then `item` must not be used any more."""
        document = Document(item)
        for change in self.changes:
            change(document, item, values)
        return document.finish()


def compile_update(text: str, given: Placeholders) -> CompiledUpdate:
    """Raises ValidationException."""
    return compile_update_tree(parse_update(text), given)


def compile_update_tree(update: Update, given: Placeholders) -> CompiledUpdate:
    """Raises ValidationException."""
    operands = [operand for action in update.actions for operand in _operands(action)]
    _check_words(update, operands)
    _check_defined(operands, given)
    paths = tuple(given.steps(action.path.steps) for action in update.actions)
    clash = overlap(paths)
    if clash is not None:
        raise invalid(KIND, clash)
    for action in update.actions:
        _check_types(action, given.values)
    placeholders = {operand.placeholder for operand in operands if isinstance(operand, Value)}
    placeholders.update(name for name in _names(operands) if name[0] == "#")
    return CompiledUpdate(
        changes=tuple(_change(action, given) for action in update.actions),
        placeholders=frozenset(placeholders),
        paths=paths,
        read_paths=tuple(
            given.steps(operand.steps)
            for action in update.actions
            if isinstance(action, Set)
            for operand in _in_value(action.value)
            if isinstance(operand, Path)
        ),
        assigned_kinds=tuple(_assigned_kinds(update.actions, given)),
        only_removes=all(isinstance(action, (Remove, Delete)) for action in update.actions),
    )


def _operands(action: Action) -> Iterator[Operand]:
    """The path and all that the value is made of, in the order written."""
    yield action.path
    if isinstance(action, Set):
        yield from _in_value(action.value)
    elif isinstance(action, (Add, Delete)):
        yield action.value


def _in_value(value: Operand | Arithmetic) -> Iterator[Operand]:
    if isinstance(value, Arithmetic):
        yield from _in_value(value.left)
        yield from _in_value(value.right)
        return
    yield value
    if isinstance(value, Call):
        for argument in value.arguments:
            yield from _in_value(argument)


def _names(operands: list[Operand]) -> Iterator[str]:
    for operand in operands:
        if isinstance(operand, Path):
            yield from (step for step in operand.steps if isinstance(step, str))


def _check_words(update: Update, operands: list[Operand]) -> None:
    for name in _names(operands):
        if name[0] != "#" and is_reserved(name):
            raise invalid(KIND, f"Attribute name is a reserved keyword; reserved keyword: {name}")
    for operand in operands:
        if isinstance(operand, Call) and operand.function in CONDITION_FUNCTIONS:
            raise invalid(KIND, f"The function is not allowed in an update expression; function: {operand.function}")
        if isinstance(operand, Call) and operand.function not in FUNCTIONS:
            raise invalid(KIND, f"Invalid function name; function: {operand.function}")
    for position, section in enumerate(update.sections):
        if section in update.sections[:position]:
            raise invalid(KIND, f'The "{section}" section can only be used once in an update expression;')


def _check_defined(operands: list[Operand], given: Placeholders) -> None:
    for name in _names(operands):
        if name[0] == "#" and name not in given.names:
            raise undefined_name(KIND, name)
    for operand in operands:
        if isinstance(operand, Value) and operand.placeholder not in given.values:
            raise undefined_value(KIND, operand.placeholder)


def _check_types(action: Action, values: Values) -> None:
    match action:
        case Add(_, Value(placeholder)):
            _check_section("ADD", values[placeholder], ("N", *SET_KINDS))
        case Delete(_, Value(placeholder)):
            _check_section("DELETE", values[placeholder], SET_KINDS)
        case Set(_, value):
            for operand in (value, *_in_value(value)):
                _check_operand(operand, values)


def _check_section(section: str, value: AttributeValue, allowed: tuple[str, ...]) -> None:
    kind = comparison.kind_of(value)
    if kind not in allowed:
        raise invalid(
            KIND,
            f"Incorrect operand type for operator or function; operator: {section}, "
            f"operand type: {_KIND_NAMES[kind]}, typeSet: ALLOWED_FOR_{section}_OPERAND",
        )


def _check_operand(operand: Operand | Arithmetic, values: Values) -> None:
    match operand:
        case Arithmetic(operator, left, right):
            _check_kinds(operator, (left, right), "N", values)
        case Call(function, arguments):
            if len(arguments) != FUNCTIONS[function]:
                raise invalid(
                    KIND,
                    "Incorrect number of operands for operator or function; "
                    f"operator or function: {function}, number of operands: {len(arguments)}",
                )
            if function == "list_append":
                _check_kinds(function, arguments, "L", values)
            elif not isinstance(arguments[0], Path):
                raise invalid(KIND, f"Operator or function requires a document path; operator or function: {function}")


def _check_kinds(operator: str, operands: tuple[Operand, ...], wanted: str, values: Values) -> None:
    for operand in operands:
        found = _kind(operand, values)
        if found is not None and found != wanted:
            raise invalid(
                KIND,
                "Incorrect operand type for operator or function; "
                f"operator or function: {operator}, operand type: {found}",
            )


def _kind(operand: Operand | Arithmetic, values: Values) -> str | None:
    """The type that it has whatever the item."""
    match operand:
        case Arithmetic():
            return "N"
        case Value(placeholder):
            return comparison.kind_of(values[placeholder])
        case Call("list_append", _):
            return "L"
        case _:
            return None


def _assigned_kinds(actions: tuple[Action, ...], given: Placeholders) -> Iterator[tuple[str, str]]:
    for action in actions:
        steps = given.steps(action.path.steps)
        if len(steps) > 1 or isinstance(action, (Remove, Delete)):
            continue
        value = action.value
        if isinstance(value, Call) and value.function == "if_not_exists":
            value = value.arguments[1]
        kind = _kind(value, given.values)
        if kind is not None:
            yield str(steps[0]), kind


def _change(action: Action, given: Placeholders) -> Change:
    steps = given.steps(action.path.steps)
    match action:
        case Set(_, value):
            compute = _compute(value, given)
            return lambda document, item, values: document.set(steps, compute(item, values))
        case Remove(_):
            return lambda document, item, values: document.remove(steps)
        case Add(_, Value(placeholder)):
            old = getter(steps)
            return lambda document, item, values: document.set(steps, added(old(item), values[placeholder]))
        case Delete(_, Value(placeholder)):
            return _delete(steps, placeholder)


def _delete(steps: Steps, placeholder: str) -> Change:
    get = getter(steps)

    def change(document: Document, item: Item, values: Values) -> None:
        old = get(item)
        if old is None:
            return
        left = deleted(old, values[placeholder])
        if left is None:
            document.remove(steps)
        else:
            document.set(steps, left)

    return change


def _compute(value: Operand | Arithmetic, given: Placeholders) -> Find:
    match value:
        case Value(placeholder):
            return lambda item, values: values[placeholder]
        case Path(steps):
            return _required(getter(given.steps(steps)))
        case Arithmetic(operator, left, right):
            calculate = numbers.add if operator == "+" else numbers.subtract
            one, other = _compute(left, given), _compute(right, given)
            return lambda item, values: {
                "N": calculate(_content(one(item, values), "N"), _content(other(item, values), "N"))
            }
        case Call("if_not_exists", (Path(steps), default)):
            return _or_default(getter(given.steps(steps)), _compute(default, given))
        case Call("list_append", (first, second)):
            one, other = _compute(first, given), _compute(second, given)
            return lambda item, values: {"L": [*_content(one(item, values), "L"), *_content(other(item, values), "L")]}
        case _:
            raise AssertionError(value)


def _required(get: Callable[[Item], AttributeValue | None]) -> Find:
    def find(item: Item, values: Values) -> AttributeValue:
        found = get(item)
        if found is None:
            raise no_such_attribute()
        return _independent(found)

    return find


def _or_default(get: Callable[[Item], AttributeValue | None], default: Find) -> Find:
    def find(item: Item, values: Values) -> AttributeValue:
        found = get(item)
        return default(item, values) if found is None else _independent(found)

    return find


def _independent(value: AttributeValue) -> AttributeValue:
    """A copy that stays as it is when the place that it was read from is changed."""
    return deepcopy(value) if "M" in value or "L" in value else value


def _content(value: AttributeValue, kind: str) -> Any:
    if kind not in value:
        raise wrong_type()
    return value[kind]


def added(old: AttributeValue | None, value: AttributeValue) -> AttributeValue:
    """What ADD makes of an attribute."""
    if old is None:
        return value
    ((kind, content),) = value.items()
    if kind not in old:
        raise wrong_type()
    if kind == "N":
        return {"N": numbers.add(old["N"], content)}
    return {kind: united(kind, old[kind], content)}


def deleted(old: AttributeValue, value: AttributeValue) -> AttributeValue | None:
    """What DELETE leaves of a set; None where nothing is left."""
    ((kind, content),) = value.items()
    if kind not in old:
        raise wrong_type()
    left = without(old[kind], content)
    return {kind: left} if left else None
