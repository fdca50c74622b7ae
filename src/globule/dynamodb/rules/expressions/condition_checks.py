"""Whether what a condition says makes sense: functions, operands, reserved words, placeholders, types.

AWS looks at an expression in passes, and answers with the first problem of the first pass that finds one: unknown
functions, functions where they cannot stand, reserved words; then each comparison or function call in turn, for
placeholders that are not defined, operand counts, equal operands, and types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from globule.dynamodb.model import AttributeValue
from globule.dynamodb.rules import comparison
from globule.dynamodb.rules.expressions.placeholders import Placeholders, Values
from globule.dynamodb.rules.expressions.reserved import is_reserved
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
    path_text,
)

Leaf = Comparison | Between | In | Call

ATTRIBUTE_TYPES = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """What a function of conditions takes."""

    operands: int
    path_first: bool = False
    refused: frozenset[str] = frozenset()
    """Types that none of its operands may have."""


FUNCTIONS: Mapping[str, Function] = {
    "attribute_exists": Function(operands=1, path_first=True),
    "attribute_not_exists": Function(operands=1, path_first=True),
    "attribute_type": Function(operands=2, path_first=True),
    "begins_with": Function(operands=2, refused=frozenset(("N", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"))),
    "contains": Function(operands=2),
    "size": Function(operands=1, refused=frozenset(("N", "BOOL", "NULL"))),
}


UPDATE_FUNCTIONS = frozenset(("if_not_exists", "list_append"))
"""What only update expressions have."""


def check_condition(kind: str, condition: Condition, given: Placeholders) -> tuple[Leaf, ...]:
    """Raises ValidationException. Returns the parts that `check_values` has to see with every request's values."""
    found = tuple(leaves(condition))
    _check_functions(kind, found)
    for leaf in found:
        for step in names_in(leaf):
            if step[0] != "#" and is_reserved(step):
                raise invalid(kind, f"Attribute name is a reserved keyword; reserved keyword: {step}")
    for leaf in found:
        check_defined(kind, leaf, given)
        _check_counts(kind, leaf)
        _check_distinct(kind, leaf, given)
        _check_types(kind, leaf, given.values)
    return tuple(leaf for leaf in found if _depends_on_values(leaf))


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Comparisons and function calls, in the order in which they were written."""
    waiting: list[Condition] = [condition]
    while waiting:
        match waiting.pop():
            case And(parts) | Or(parts):
                waiting.extend(reversed(parts))
            case Not(part):
                waiting.append(part)
            case leaf:
                yield leaf


def operands_of(leaf: Leaf) -> tuple[Operand, ...]:
    match leaf:
        case Comparison(_, left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case In(operand, candidates):
            return (operand, *candidates)
        case Call(_, arguments):
            return arguments


def everything_in(leaf: Leaf) -> Iterator[Operand]:
    """All operands at every depth, in the order written."""
    for operand in operands_of(leaf):
        yield operand
        if isinstance(operand, Call):
            yield from everything_in(operand)


def names_in(leaf: Leaf) -> Iterator[str]:
    for operand in everything_in(leaf):
        if isinstance(operand, Path):
            yield from (step for step in operand.steps if isinstance(step, str))


def placeholders_in(leaf: Leaf) -> Iterator[str]:
    for operand in everything_in(leaf):
        if isinstance(operand, Value):
            yield operand.placeholder
    yield from (step for step in names_in(leaf) if step[0] == "#")


def _check_functions(kind: str, found: tuple[Leaf, ...]) -> None:
    for leaf in found:
        for call in (*((leaf,) if isinstance(leaf, Call) else ()), *everything_in(leaf)):
            if isinstance(call, Call) and call.function in UPDATE_FUNCTIONS:
                raise invalid(kind, f"The function is not allowed in a condition expression; function: {call.function}")
            if isinstance(call, Call) and call.function not in FUNCTIONS:
                raise invalid(kind, f"Invalid function name; function: {call.function}")
    for leaf in found:
        for call in everything_in(leaf):
            if isinstance(call, Call) and call.function != "size":
                raise _misused(kind, call)
        if isinstance(leaf, Call) and leaf.function == "size":
            raise _misused(kind, leaf)


def _misused(kind: str, call: Call) -> Exception:
    return invalid(kind, f"The function is not allowed to be used this way in an expression; function: {call.function}")


def check_defined(kind: str, leaf: Leaf, given: Placeholders) -> None:
    """Every placeholder stands for something. Raises ValidationException."""
    for operand in everything_in(leaf):
        if isinstance(operand, Path):
            for step in operand.steps:
                if isinstance(step, str) and step[0] == "#" and step not in given.names:
                    raise undefined_name(kind, step)
        elif isinstance(operand, Value) and operand.placeholder not in given.values:
            raise undefined_value(kind, operand.placeholder)


def undefined_name(kind: str, placeholder: str) -> Exception:
    return invalid(
        kind,
        f"An expression attribute name used in the document path is not defined; attribute name: {placeholder}",
    )


def undefined_value(kind: str, placeholder: str) -> Exception:
    return invalid(
        kind, f"An expression attribute value used in expression is not defined; attribute value: {placeholder}"
    )


def _calls_in(leaf: Leaf) -> Iterator[Call]:
    """Inner calls first, as they are read."""
    for operand in operands_of(leaf):
        if isinstance(operand, Call):
            yield from _calls_in(operand)
    if isinstance(leaf, Call):
        yield leaf


def _check_counts(kind: str, leaf: Leaf) -> None:
    for call in _calls_in(leaf):
        if len(call.arguments) != FUNCTIONS[call.function].operands:
            raise invalid(
                kind,
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.function}, number of operands: {len(call.arguments)}",
            )


def _check_distinct(kind: str, leaf: Leaf, given: Placeholders) -> None:
    match leaf:
        case Comparison(operator, Path(first), Path(second)) | Call(operator, (Path(first), Path(second))):
            if given.steps(first) == given.steps(second):
                raise invalid(
                    kind,
                    "The first operand must be distinct from the remaining operands for this operator or function; "
                    f"operator: {operator}, first operand: {path_text(given.steps(first))}",
                )


def type_of(operand: Operand, values: Values) -> str | None:
    """The type that an operand has whatever the item; None where it depends on the item."""
    match operand:
        case Value(placeholder):
            return comparison.kind_of(values[placeholder])
        case Call(function, _):
            return "N" if function == "size" else "BOOL"
        case Path():
            return None


def _check_types(kind: str, leaf: Leaf, values: Values) -> None:
    for call in _calls_in(leaf):
        _check_call_types(kind, call, values)
    match leaf:
        case Comparison(operator, left, right) if operator not in ("=", "<>"):
            _check_ordered(kind, operator, (left, right), values)
        case Between(operand, low, high):
            if _bounds(leaf) is None:
                _check_ordered(kind, "BETWEEN", (operand, low, high), values)
            else:
                _check_ordered(kind, "BETWEEN", (operand,), values)
                if type_of(low, values) == type_of(high, values):
                    _check_ordered(kind, "BETWEEN", (low,), values)


def _check_ordered(kind: str, operator: str, operands: tuple[Operand, ...], values: Values) -> None:
    for operand in operands:
        found = type_of(operand, values)
        if found is not None and found not in comparison.ORDERED_KINDS:
            raise invalid(
                kind,
                "Incorrect operand type for operator or function; "
                f"operator or function: {operator}, operand type: {found}",
            )


def _check_call_types(kind: str, call: Call, values: Values) -> None:
    function = FUNCTIONS[call.function]
    if function.path_first and not isinstance(call.arguments[0], Path):
        raise invalid(kind, f"Operator or function requires a document path; operator or function: {call.function}")
    for argument in call.arguments:
        found = type_of(argument, values)
        if found in function.refused:
            raise _wrong_operand(kind, call.function, found)
    if call.function == "attribute_type":
        found = type_of(call.arguments[1], values)
        if found != "S":
            raise _wrong_operand(kind, call.function, found or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")


def _wrong_operand(kind: str, function: str, found: str) -> Exception:
    return invalid(
        kind,
        f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {found}",
    )


def _bounds(leaf: Between) -> tuple[str, str] | None:
    """The placeholders of bounds that both are values."""
    if isinstance(leaf.low, Value) and isinstance(leaf.high, Value):
        return leaf.low.placeholder, leaf.high.placeholder
    return None


def _depends_on_values(leaf: Leaf) -> bool:
    if isinstance(leaf, Between):
        return _bounds(leaf) is not None
    return isinstance(leaf, Call) and leaf.function == "attribute_type"


def check_values(kind: str, leaf: Leaf, values: Values) -> None:
    """What depends on the values themselves and not only on their types. Raises ValidationException."""
    if isinstance(leaf, Between):
        bounds = _bounds(leaf)
        assert bounds is not None
        _check_bounds(kind, values[bounds[0]], values[bounds[1]])
    elif isinstance(leaf, Call) and isinstance(leaf.arguments[1], Value):
        name = values[leaf.arguments[1].placeholder]["S"]
        if name not in ATTRIBUTE_TYPES[1:-1].split(","):
            raise invalid(kind, f"Invalid attribute type name found; type: {name}, valid types: {ATTRIBUTE_TYPES}")


def _check_bounds(kind: str, low: AttributeValue, high: AttributeValue) -> None:
    bounds = (
        f"lower bound operand: AttributeValue: {value_text(low)}, "
        f"upper bound operand: AttributeValue: {value_text(high)}"
    )
    if comparison.kind_of(low) != comparison.kind_of(high):
        raise invalid(kind, f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}")
    if comparison.greater(low, high):
        raise invalid(
            kind,
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {bounds}",
        )


def value_text(value: AttributeValue) -> str:
    """As AWS's messages print a value: `{N:5}`."""
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"
