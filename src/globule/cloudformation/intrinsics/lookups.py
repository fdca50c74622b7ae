"""Functions that look something up outside of the template's resources: FindInMap, GetAZs, ImportValue."""

from __future__ import annotations

from typing import Any

from globule.cloudformation.intrinsics.scope import IntrinsicProblem, Scope, arguments
from globule.cloudformation.problems import Location

# A region has three zones here (DESIGN.md).
ZONES = "abc"


def find_in_map(scope: Scope, node: Any, path: Location) -> Any:
    """With the language extension `{DefaultValue: ...}` as a fourth argument.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html
    """
    given = arguments(node, path, "Fn::FindInMap", "[map, top-level key, second-level key]", 3, 4)
    name, top, second = [scope.text(key, (*path, index)) for index, key in enumerate(given[:3])]
    found = scope.facts.mappings.get(name, {}).get(top, {}).get(second)
    if found is not None:
        return found
    if len(given) == 4:
        if not isinstance(given[3], dict) or set(given[3]) != {"DefaultValue"}:
            raise IntrinsicProblem((*path, 3), "the fourth argument of Fn::FindInMap is {DefaultValue: value}")
        return scope.value(given[3]["DefaultValue"], (*path, 3, "DefaultValue"))
    missing = f"{name} has no {top}" if name in scope.facts.mappings else f"there is no mapping {name}"
    if top in scope.facts.mappings.get(name, {}):
        missing = f"{name}.{top} has no {second}"
    raise IntrinsicProblem(path, f"Fn::FindInMap: {missing}")


def get_azs(scope: Scope, node: Any, path: Location) -> list[str]:
    region = scope.text(node, path) or scope.facts.region
    return [f"{region}{zone}" for zone in ZONES]


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
