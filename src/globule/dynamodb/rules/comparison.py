"""How attribute values compare, for conditions, filters and the older parameters alike.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html

All values are canonical, so equality is `==` of their dicts. Only strings, numbers and binaries are ordered, and only
among their own kind: strings by their UTF-8 bytes (which is the order of code points, Python's own), numbers by
magnitude, binaries by unsigned bytes.
"""

from __future__ import annotations

import operator
from base64 import b64decode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from globule.dynamodb.model import AttributeValue

ORDERED_KINDS = frozenset("SNB")

# Text of decimal digits up to this length is compared as an integer, which is faster than as a Decimal.
_SHORT = 15


def kind_of(value: AttributeValue) -> str:
    """`S`, `N`, `M`..."""
    return next(iter(value))


def sort_key(kind: str, content: Any) -> Any:
    """Orders the contents of one ordered kind."""
    if kind == "S":
        return content
    if kind == "N":
        return int(content) if len(content) <= _SHORT and content.isdigit() else Decimal(content)
    return b64decode(content)


def less(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    return _ordered(one, other, operator.lt)


def less_or_equal(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    return _ordered(one, other, operator.le)


def greater(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    return _ordered(one, other, operator.gt)


def greater_or_equal(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    return _ordered(one, other, operator.ge)


def equal(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    return one is not None and one == other


def different(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """An attribute that is not there differs from every value."""
    return one is None or one != other


COMPARATORS: Mapping[str, Callable[[AttributeValue | None, AttributeValue | None], bool]] = {
    "=": equal,
    "<>": different,
    "<": less,
    "<=": less_or_equal,
    ">": greater,
    ">=": greater_or_equal,
}


def _ordered(one: AttributeValue | None, other: AttributeValue | None, compare: Callable[[Any, Any], bool]) -> bool:
    if one is None or other is None:
        return False
    ((kind, content),) = one.items()
    if kind not in ORDERED_KINDS or kind not in other:
        return False
    return compare(sort_key(kind, content), sort_key(kind, other[kind]))


def between(value: AttributeValue | None, low: AttributeValue | None, high: AttributeValue | None) -> bool:
    return greater_or_equal(value, low) and less_or_equal(value, high)


def begins_with(value: AttributeValue | None, prefix: AttributeValue | None) -> bool:
    if value is None or prefix is None:
        return False
    if "S" in value and "S" in prefix:
        return bool(value["S"].startswith(prefix["S"]))
    if "B" in value and "B" in prefix:
        return b64decode(value["B"]).startswith(b64decode(prefix["B"]))
    return False


def contains(container: AttributeValue | None, element: AttributeValue | None) -> bool:
    """A substring, a sequence of bytes, a member of a set, or an element of a list."""
    if container is None or element is None:
        return False
    ((kind, content),) = container.items()
    ((element_kind, element_content),) = element.items()
    if kind == "L":
        return element in content
    if kind in ("SS", "NS", "BS"):
        return kind[0] == element_kind and element_content in content
    if kind != element_kind:
        return False
    if kind == "S":
        return element_content in content
    return kind == "B" and b64decode(element_content) in b64decode(content)


def size(value: AttributeValue | None) -> AttributeValue | None:
    """What `size()` gives: UTF-16 code units of a string, bytes of a binary, elements of the rest; a number, boolean
    or null has none."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        return None
    if kind == "S":
        length = len(content) if content.isascii() else len(content.encode("utf-16-le")) // 2
    elif kind == "B":
        length = len(b64decode(content))
    else:
        length = len(content)
    return {"N": str(length)}
