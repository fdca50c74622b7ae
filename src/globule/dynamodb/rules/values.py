"""Attribute values as clients send them: validated and brought into the one form in which they are stored.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html

The canonical form of a value is a dict of exactly one member. Numbers are canonical (`numbers`), binary is base64
text, sets are sorted, so two values are equal exactly where their dicts are. `canonical_value` changes what it is
given: a request's body belongs to the request.

A value of the wrong JSON type raises ShapeProblem here; `shapes` walks the whole request for those first, because
AWS reads a request completely before it looks at what is in it.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from typing import Any

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules import numbers
from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.sets import ORDER

# Levels of lists and maps, the scalar at the bottom included.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes
NESTING_LIMIT = 32
ATTRIBUTE_NAME_LIMIT_BYTES = 65_535
# Characters of a name that is within the limit whatever they are.
_SHORT_NAME = ATTRIBUTE_NAME_LIMIT_BYTES // 4

EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
AMBIGUOUS = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
NAME_TOO_LARGE = "Attribute name is too large, must be less than 65536 bytes"
TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)


class ShapeProblem(Exception):
    """A value is not of the JSON type that its member needs."""


def canonical_item(item: dict[str, Any]) -> Item:
    """In place. Raises ValidationException or ShapeProblem."""
    for name, value in item.items():
        if len(name) > _SHORT_NAME:
            check_name(name)
        canonical_value(value)
    return item


def check_name(name: str) -> None:
    """An attribute's or a map's. Raises ValidationException."""
    if len(name.encode()) > ATTRIBUTE_NAME_LIMIT_BYTES:
        raise validation(NAME_TOO_LARGE)


def canonical_value(value: Any, level: int = 1) -> AttributeValue:
    """In place. Raises ValidationException or ShapeProblem."""
    if type(value) is not dict:
        raise ShapeProblem
    if len(value) != 1:
        _keep_the_one(value)
    for kind, content in value.items():
        if kind == "S":
            if type(content) is not str:
                _refuse_absent(value, kind)
        elif kind == "N":
            if type(content) is not str:
                _refuse_absent(value, kind)
            value["N"] = numbers.canonical(content)
        else:
            rule = _RULES.get(kind)
            if rule is None:
                raise validation(EMPTY)
            if content is None:
                _refuse_absent(value, kind)
            value[kind] = rule(content, level)
    return value


def _refuse_absent(value: dict[str, Any], kind: str) -> None:
    if value[kind] is None:
        raise validation(EMPTY)
    raise ShapeProblem


def _keep_the_one(value: dict[str, Any]) -> None:
    """Members that are null or that AWS does not know count as absent."""
    for kind in [kind for kind, content in value.items() if content is None or kind not in KINDS]:
        del value[kind]
    if not value:
        raise validation(EMPTY)
    if len(value) > 1:
        # AWS looks into each before it counts them.
        for kind, content in value.items():
            canonical_value({kind: content})
        raise validation(AMBIGUOUS)


def _canonical_binary(content: Any, level: int) -> str:
    if type(content) is not str or base64_problem(content) is not None:
        raise ShapeProblem
    return content


def _canonical_bool(content: Any, level: int) -> bool:
    return as_boolean(content)


def _canonical_null(content: Any, level: int) -> bool:
    if not as_boolean(content):
        raise invalid_parameters("Null attribute value types must have the value of true")
    return True


def _canonical_string_set(content: Any, level: int) -> list[str]:
    members = _strings(content)
    if not members:
        raise invalid_parameters("An string set  may not be empty")
    if len(set(members)) != len(members):
        raise invalid_parameters(f"Input collection [{', '.join(members)}] contains duplicates.")
    return sorted(members, key=ORDER["SS"])


def _canonical_number_set(content: Any, level: int) -> list[str]:
    members = [numbers.canonical(member) for member in _strings(content)]
    if not members:
        raise invalid_parameters("An number set  may not be empty")
    if len(set(members)) != len(members):
        raise validation("Input collection contains duplicates")
    return sorted(members, key=ORDER["NS"])


def _canonical_binary_set(content: Any, level: int) -> list[str]:
    members = [_canonical_binary(member, level) for member in _strings(content)]
    if not members:
        raise invalid_parameters("Binary sets should not be empty")
    if len(set(members)) != len(members):
        raise invalid_parameters(f"Input collection [{', '.join(members)}]of type BS contains duplicates.")
    return sorted(members, key=ORDER["BS"])


def _canonical_list(content: Any, level: int) -> list[AttributeValue]:
    if type(content) is not list:
        raise ShapeProblem
    _limit(level)
    for element in content:
        canonical_value(element, level + 1)
    return content


def _canonical_map(content: Any, level: int) -> Item:
    if type(content) is not dict:
        raise ShapeProblem
    _limit(level)
    for name, element in content.items():
        if len(name) > _SHORT_NAME:
            check_name(name)
        canonical_value(element, level + 1)
    return content


def _limit(level: int) -> None:
    if level >= NESTING_LIMIT:
        raise validation(TOO_DEEP)


def _strings(content: Any) -> list[str]:
    if type(content) is not list or not all(type(member) is str for member in content):
        raise ShapeProblem
    return content


_RULES: Mapping[str, Callable[[Any, int], Any]] = {
    "B": _canonical_binary,
    "BOOL": _canonical_bool,
    "NULL": _canonical_null,
    "SS": _canonical_string_set,
    "NS": _canonical_number_set,
    "BS": _canonical_binary_set,
    "L": _canonical_list,
    "M": _canonical_map,
}
KINDS = frozenset((*_RULES, "S", "N"))

_WORDS = {"TRUE": True, "1": True, "YES": True, "FALSE": False, "0": False, "NO": False}


def as_boolean(content: Any) -> bool:
    """AWS reads a few words as booleans, too. Raises ShapeProblem."""
    if type(content) is bool:
        return content
    if type(content) is str and content.upper() in _WORDS:
        return _WORDS[content.upper()]
    raise ShapeProblem


def base64_problem(text: str) -> str | None:
    """What is wrong with base64 text, in AWS's words; None where nothing is."""
    if len(text) % 4:
        return f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}"
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return "Invalid Base64 character"
    if binascii.b2a_base64(data, newline=False).decode() != text:
        return "Invalid last non-pad Base64 character dectected"
    return None


def check_nesting(item: Item) -> None:
    """Raises ValidationException for an item that nests too deep, whose values are canonical otherwise."""
    waiting: list[tuple[AttributeValue, int]] = [(value, 1) for value in item.values()]
    while waiting:
        value, level = waiting.pop()
        inside = value.get("L")
        if inside is None:
            content = value.get("M")
            if content is None:
                continue
            inside = list(content.values())
        _limit(level)
        waiting.extend((each, level + 1) for each in inside)
