"""Evaluates a template's values: literals stand for themselves, functions are looked up in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from globule.cloudformation.intrinsics import conditions, lookups, references, text
from globule.cloudformation.intrinsics.scope import NO_VALUE, Facts, IntrinsicProblem, Known, Scope, text_of
from globule.cloudformation.problems import Location

FUNCTIONS: Mapping[str, Callable[[Scope, Any, Location], Any]] = {
    "Ref": references.ref,
    "Fn::GetAtt": references.get_att,
    "Fn::Sub": references.sub,
    "Fn::Join": text.join,
    "Fn::Select": text.select,
    "Fn::Split": text.split,
    "Fn::Base64": text.base64,
    "Fn::Cidr": text.cidr,
    "Fn::Length": text.length,
    "Fn::ToJsonString": text.to_json_string,
    "Fn::FindInMap": lookups.find_in_map,
    "Fn::GetAZs": lookups.get_azs,
    "Fn::ImportValue": lookups.import_value,
    "Fn::If": conditions.if_,
}
CONDITION_FUNCTIONS: Mapping[str, Callable[[Scope, Any, Location], bool]] = {
    "Fn::Equals": conditions.equals,
    "Fn::And": conditions.and_,
    "Fn::Or": conditions.or_,
    "Fn::Not": conditions.not_,
    "Fn::Contains": conditions.contains,
    "Fn::EachMemberEquals": conditions.each_member_equals,
    "Fn::EachMemberIn": conditions.each_member_in,
}
REFUSED: Mapping[str, str] = {
    "Fn::Transform": "macros are not supported here, other than AWS::Include with a local file",
    "Fn::RefAll": "Fn::RefAll is not supported here",
    "Fn::ValueOf": "Fn::ValueOf is not supported here",
    "Fn::ValueOfAll": "Fn::ValueOfAll is not supported here",
    "Fn::GetStackOutput": "Fn::GetStackOutput is not supported here; give the output as a parameter in globule.toml",
}
DYNAMIC_REFERENCE = "{{resolve:"
_NONE: Mapping[str, Any] = MappingProxyType({})


class Evaluation:
    """One stack's scope. `resources` may grow while a stack is resolved; all else is fixed."""

    def __init__(
        self, facts: Facts, *, conditions: Mapping[str, Any] = _NONE, resources: Mapping[str, Known] = _NONE
    ) -> None:
        self.facts = facts
        self.imported: set[str] = set()
        self._conditions = conditions
        self._decided: dict[str, bool] = {}
        self._deciding: list[str] = []
        self._resources = resources

    def value(self, node: Any, path: Location) -> Any:
        if isinstance(node, str):
            return _plain(node, path)
        if isinstance(node, list):
            values = [self.value(item, (*path, index)) for index, item in enumerate(node)]
            return [value for value in values if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        name = function_of(node, path)
        if name is None:
            pairs = {key: self.value(item, (*path, key)) for key, item in node.items()}
            return {key: value for key, value in pairs.items() if value is not NO_VALUE}
        function = FUNCTIONS.get(name) or CONDITION_FUNCTIONS.get(name)
        if function is None:
            raise IntrinsicProblem((*path, name), REFUSED.get(name, f"there is no function {name}"))
        found = function(self, node[name], (*path, name))
        return _plain(found, path) if isinstance(found, str) else found

    def text(self, node: Any, path: Location) -> str:
        value = self.value(node, path)
        text = text_of(value)
        if text is None:
            raise IntrinsicProblem(path, f"must be text, not {_kind(value)}")
        return text

    def items(self, node: Any, path: Location) -> list[Any]:
        value = self.value(node, path)
        if not isinstance(value, list):
            raise IntrinsicProblem(path, f"must be a list, not {_kind(value)}")
        return value

    def condition(self, node: Any, path: Location) -> bool:
        if isinstance(node, dict) and set(node) == {"Condition"}:
            return self.named_condition(node["Condition"], (*path, "Condition"))
        name = function_of(node, path) if isinstance(node, dict) else None
        if name is not None and name in CONDITION_FUNCTIONS:
            return CONDITION_FUNCTIONS[name](self, node[name], (*path, name))
        value = text_of(self.value(node, path))
        if value not in ("true", "false"):
            raise IntrinsicProblem(path, "must be a condition function, or {Condition: name}")
        return value == "true"

    def named_condition(self, name: Any, path: Location) -> bool:
        if not isinstance(name, str) or name not in self._conditions:
            raise IntrinsicProblem(path, f"there is no condition {name}")
        if name in self._deciding:
            circle = " -> ".join([*self._deciding[self._deciding.index(name) :], name])
            raise IntrinsicProblem(path, f"circular conditions: {circle}")
        if name not in self._decided:
            self._deciding.append(name)
            try:
                self._decided[name] = self.condition(self._conditions[name], ("Conditions", name))
            finally:
                self._deciding.pop()
        return self._decided[name]

    def resource(self, logical_id: str) -> Known | None:
        return self._resources.get(logical_id)

    def note_import(self, name: str) -> None:
        self.imported.add(name)


def function_of(node: dict[str, Any], path: Location) -> str | None:
    """The function that a mapping is a call of; None for an ordinary mapping."""
    if len(node) == 1:
        (name,) = node
        return name if name == "Ref" or name.startswith("Fn::") else None
    for name in node:
        if name.startswith("Fn::"):
            raise IntrinsicProblem((*path, name), f"{name} must be the only key of its mapping")
    return None


def _plain(text: str, path: Location) -> str:
    if DYNAMIC_REFERENCE in text:
        reference = text[text.index(DYNAMIC_REFERENCE) :].split("}}")[0] + "}}"
        raise IntrinsicProblem(
            path,
            f"dynamic references ({reference}) are not supported here: make the value a parameter of the template and "
            "give it in globule.toml",
        )
    return text


def _kind(value: Any) -> str:
    if value is NO_VALUE:
        return "AWS::NoValue"
    return {dict: "a mapping", list: "a list", type(None): "null"}.get(type(value), type(value).__name__)
