"""Checks resolved properties against AWS's schema of their type, and coerces scalars as CloudFormation does.

Reported: unknown properties (with near matches), missing required ones, and values of the wrong shape. A parameter is
always text, so `"30"` becomes 30 where the schema asks for an integer, and 30 becomes `"30"` where it asks for text.
Not checked: patterns, lengths and enumerations, which AWS itself leaves to each service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from globule.cloudformation.intrinsics.scope import text_of
from globule.cloudformation.problems import Location
from globule.cloudformation.schemas import Schema, near
from globule.world.resource_type import PropertyProblem

_COMBINATIONS = ("allOf", "anyOf", "oneOf")


def conform(schema: Schema, properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[PropertyProblem]]:
    """The properties, coerced, and everything that is wrong with them."""
    checker = _Checker(schema)
    top = {
        "type": "object",
        "properties": {name: schema.properties[name] for name in schema.settable},
        "required": schema.required,
        "additionalProperties": False,
    }
    return checker.node(top, properties, ()), checker.problems


class _Checker:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.problems: list[PropertyProblem] = []

    def node(self, node: Mapping[str, Any], value: Any, path: Location) -> Any:
        node = self._schema.definition(node)
        types = _types(node)
        if isinstance(value, Mapping):
            if types and "object" not in types:
                return self._refused(path, types, value)
            return self._object(node, value, path)
        if isinstance(value, list):
            if types and "array" not in types:
                return self._refused(path, types, value)
            items = node.get("items", {})
            return [self.node(items, item, (*path, index)) for index, item in enumerate(value)]
        return self._scalar(types, value, path)

    def _object(self, node: Mapping[str, Any], value: Mapping[str, Any], path: Location) -> dict[str, Any]:
        named = self._named(node)
        patterns = node.get("patternProperties", {})
        known: dict[str, Any] = {}
        for key, item in value.items():
            inner = named.get(key)
            if inner is None:
                inner = next((below for pattern, below in patterns.items() if _matches(pattern, key)), None)
            if inner is not None:
                known[key] = self.node(inner, item, (*path, key))
            elif isinstance(node.get("additionalProperties"), Mapping):
                known[key] = self.node(node["additionalProperties"], item, (*path, key))
            else:
                known[key] = item
                if node.get("additionalProperties") is False:
                    self._unknown((*path, key), frozenset(named), patterns)
        for name in node.get("required", ()):
            if name not in value:
                self.problems.append(PropertyProblem(path, f"required property {name} is missing"))
        return known

    def _named(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Named properties, those of combined schemas included: which of them go together is the service's business."""
        named: dict[str, Any] = {}
        for combination in _COMBINATIONS:
            for part in node.get(combination, ()):
                named.update(self._schema.definition(part).get("properties", {}))
        named.update(node.get("properties", {}))
        return named

    def _unknown(self, path: Location, named: frozenset[str], patterns: Mapping[str, Any]) -> None:
        key = str(path[-1])
        if not named and patterns:
            why = f"{key!r} does not match {' or '.join(patterns)}"
        elif close := near(key, named):
            why = f"there is no property {key}; did you mean {' or '.join(close)}?"
        else:
            why = f"there is no property {key}; there are {', '.join(sorted(named)) or 'none'}"
        self.problems.append(PropertyProblem(path, why))

    def _scalar(self, types: frozenset[str], value: Any, path: Location) -> Any:
        if not types or len(types & {"string", "boolean", "integer", "number"}) > 1:
            return value
        text = text_of(value)
        if "string" in types and text is not None:
            return text
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        if types & {"integer", "number"} and text is not None:
            number = _number(text, whole="integer" in types)
            if number is not None:
                return number
        return self._refused(path, types, value)

    def _refused(self, path: Location, types: frozenset[str], value: Any) -> Any:
        words = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}
        wanted = " or ".join(sorted(words.get(kind, f"a {kind}") for kind in types))
        given = {dict: "a mapping", list: "a list", type(None): "null"}.get(type(value), repr(value))
        self.problems.append(PropertyProblem(path, f"must be {wanted}, not {given}"))
        return value


def _matches(pattern: str, key: str) -> bool:
    """Schemas are written for Java: a pattern that Python cannot read matches everything."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def _types(node: Mapping[str, Any]) -> frozenset[str]:
    """Empty where any type will do."""
    kind = node.get("type", ())
    if not kind and "properties" in node:
        kind = "object"
    return frozenset([kind] if isinstance(kind, str) else kind)


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if number.is_integer():
        return int(number)
    return None if whole else number
