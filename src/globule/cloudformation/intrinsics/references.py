"""Functions that refer to parameters and resources: Ref, GetAtt, Sub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from globule.cloudformation.intrinsics.scope import NO_VALUE, IntrinsicProblem, Known, Scope, arguments, text_of
from globule.cloudformation.problems import Location

VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}|\$\{!([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_.:]+")


def ref(scope: Scope, node: Any, path: Location) -> Any:
    if not isinstance(node, str):
        raise IntrinsicProblem(path, "Ref takes the name of a parameter or a resource")
    if node == "AWS::NoValue":
        return NO_VALUE
    if node in scope.facts.pseudo_parameters:
        return scope.facts.pseudo_parameters[node]
    if node in scope.facts.parameters:
        return scope.facts.parameters[node]
    return _resource(scope, node, path).ref


def get_att(scope: Scope, node: Any, path: Location) -> Any:
    given = node.split(".", 1) if isinstance(node, str) else node
    logical_id, *parts = arguments(given, path, "Fn::GetAtt", "[logical id, attribute]", 2)
    if not isinstance(logical_id, str):
        raise IntrinsicProblem((*path, 0), "the logical id of Fn::GetAtt must be text")
    return _attribute(scope, logical_id, scope.text(parts[0], (*path, 1)), path)


def sub(scope: Scope, node: Any, path: Location) -> str:
    given = [node] if isinstance(node, str) else arguments(node, path, "Fn::Sub", "[text, {variable: value}]", 1, 2)
    template, variables = given[0], given[1] if len(given) == 2 else {}
    if not isinstance(template, str) or not isinstance(variables, dict):
        raise IntrinsicProblem(path, "Fn::Sub is written as text, or as [text, {variable: value, ...}]")
    inner = (*path, 1)

    def replaced(match: re.Match[str]) -> str:
        if match[2] is not None:
            return "${" + match[2] + "}"  # ${!Literal}
        name = match[1].strip()
        if name in variables:
            return scope.text(variables[name], (*inner, name))
        return _variable(scope, name, path)

    return VARIABLE.sub(replaced, template)


def variables_of(node: Any) -> Iterator[str]:
    """The names that the text of an Fn::Sub refers to, its own variables left out."""
    given = node if isinstance(node, list) else [node]
    template, own = given[0] if given else None, given[1] if len(given) == 2 else {}
    if isinstance(template, str) and isinstance(own, dict):
        for match in VARIABLE.finditer(template):
            if match[1] is not None and match[1].strip() not in own:
                yield match[1].strip()


def _variable(scope: Scope, name: str, path: Location) -> str:
    if not _NAME.fullmatch(name):
        raise IntrinsicProblem(
            path,
            f"${{{name}}}: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, "
            "periods, and colons",
        )
    logical_id, dot, attribute = name.partition(".")
    value = _attribute(scope, logical_id, attribute, path) if dot else ref(scope, name, path)
    text = text_of(value)
    if text is None:
        raise IntrinsicProblem(path, f"${{{name}}} is {value!r}; Fn::Sub can only insert text")
    return text


def _attribute(scope: Scope, logical_id: str, attribute: str, path: Location) -> Any:
    known = _resource(scope, logical_id, path)
    if attribute not in known.attributes:
        has = ", ".join(sorted(known.attributes)) or "none"
        raise IntrinsicProblem(path, f"{known.type} has no attribute {attribute} here; it has: {has}")
    return known.attributes[attribute]


def _resource(scope: Scope, logical_id: str, path: Location) -> Known:
    known = scope.resource(logical_id)
    if known is None:
        raise IntrinsicProblem(path, f"unresolved reference: there is no parameter or resource {logical_id} here")
    return known
