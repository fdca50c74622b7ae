"""Condition functions, those of the Rules section among them."""

from __future__ import annotations

from typing import Any

from globule.cloudformation.intrinsics.scope import IntrinsicProblem, Scope, arguments, text_of
from globule.cloudformation.problems import Location

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
OPERANDS_LIMIT = 10


def if_(scope: Scope, node: Any, path: Location) -> Any:
    name, then, otherwise = arguments(node, path, "Fn::If", "[condition, value if true, value if false]", 3)
    if scope.named_condition(name, (*path, 0)):
        return scope.value(then, (*path, 1))
    return scope.value(otherwise, (*path, 2))


def equals(scope: Scope, node: Any, path: Location) -> bool:
    one, other = arguments(node, path, "Fn::Equals", "[value, value]", 2)
    return bool(_comparable(scope.value(one, (*path, 0))) == _comparable(scope.value(other, (*path, 1))))


def and_(scope: Scope, node: Any, path: Location) -> bool:
    return all(_operands(scope, node, path, "Fn::And"))


def or_(scope: Scope, node: Any, path: Location) -> bool:
    return any(_operands(scope, node, path, "Fn::Or"))


def not_(scope: Scope, node: Any, path: Location) -> bool:
    (operand,) = arguments(node, path, "Fn::Not", "[condition]", 1)
    return not scope.condition(operand, (*path, 0))


def contains(scope: Scope, node: Any, path: Location) -> bool:
    values, wanted = arguments(node, path, "Fn::Contains", "[[value, ...], value]", 2)
    return scope.text(wanted, (*path, 1)) in _texts(scope, values, (*path, 0))


def each_member_equals(scope: Scope, node: Any, path: Location) -> bool:
    values, wanted = arguments(node, path, "Fn::EachMemberEquals", "[[value, ...], value]", 2)
    return set(_texts(scope, values, (*path, 0))) == {scope.text(wanted, (*path, 1))}


def each_member_in(scope: Scope, node: Any, path: Location) -> bool:
    values, allowed = arguments(node, path, "Fn::EachMemberIn", "[[value, ...], [value, ...]]", 2)
    return set(_texts(scope, values, (*path, 0))) <= set(_texts(scope, allowed, (*path, 1)))


def _operands(scope: Scope, node: Any, path: Location, name: str) -> list[bool]:
    if not isinstance(node, list) or not 2 <= len(node) <= OPERANDS_LIMIT:
        raise IntrinsicProblem(path, f"{name} takes a list of 2 to {OPERANDS_LIMIT} conditions")
    return [scope.condition(operand, (*path, index)) for index, operand in enumerate(node)]


def _texts(scope: Scope, node: Any, path: Location) -> list[str]:
    return [scope.text(item, (*path, index)) for index, item in enumerate(scope.items(node, path))]


def _comparable(value: Any) -> Any:
    """Scalars compare as text, since parameters are text: `!Equals [!Ref Count, 1]`."""
    text = text_of(value)
    return value if text is None else text
