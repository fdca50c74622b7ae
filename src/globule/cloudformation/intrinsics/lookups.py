"""Functions that look something up outside of the template's resources: FindInMap, GetAZs, ImportValue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globule.cloudformation.intrinsics.scope import IntrinsicProblem, Scope, arguments
from globule.cloudformation.problems import Location
from globule.world import places


def find_in_map(scope: Scope, node: Any, path: Location) -> Any:
    """With the language extension `{DefaultValue: ...}` as a fourth argument.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html
    """
    given = arguments(node, path, "Fn::FindInMap", "[map, top-level key, second-level key]", 3, 4)
    name, top, second = [scope.text(key, (*path, index)) for index, key in enumerate(given[:3])]
    level: Any = scope.facts.mappings
    for key in (name, top, second):
        level = level.get(key) if isinstance(level, Mapping) else None
    if level is not None:
        return level
    if len(given) == 4:
        if not isinstance(given[3], dict) or set(given[3]) != {"DefaultValue"}:
            raise IntrinsicProblem((*path, 3), "the fourth argument of Fn::FindInMap is {DefaultValue: value}")
        return scope.value(given[3]["DefaultValue"], (*path, 3, "DefaultValue"))
    raise IntrinsicProblem(path, f"Fn::FindInMap: there is no {name}.{top}.{second} in the Mappings section")


def get_azs(scope: Scope, node: Any, path: Location) -> list[str]:
    try:
        return list(places.availability_zones(scope.text(node, path) or scope.facts.region))
    except places.UnknownPlace as unknown:
        raise IntrinsicProblem(path, f"Fn::GetAZs: {unknown}") from None


def import_value(scope: Scope, node: Any, path: Location) -> str:
    name = scope.text(node, path)
    found = scope.facts.exports.get(name)
    if found is None:
        known = ", ".join(sorted(scope.facts.exports)) or "none"
        raise IntrinsicProblem(
            path,
            f"no export named {name} in {scope.facts.region}: exports do not cross regions, and the stack that "
            f"exports must come before this one; exports here: {known}",
        )
    scope.note_import(name)
    return found
