"""In which order resources are created: each after all that it refers to or depends on."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from globule.cloudformation.intrinsics.references import variables_of
from globule.cloudformation.problems import Location


class Circle(Exception):
    """Resources that wait for one another."""

    def __init__(self, members: tuple[str, ...]) -> None:
        super().__init__(" -> ".join(members))
        self.members = members


class Conditions(Protocol):
    def named_condition(self, name: Any, path: Location) -> bool: ...


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys, each after those it needs; else as they were declared. Raises Circle."""
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        raise Circle(tuple(reversed(error.args[1]))) from None


def references(node: Any, conditions: Conditions, path: Location = ()) -> Iterator[str]:
    """Names of the parameters and resources that a value refers to. Of an Fn::If, only the branch taken."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from references(item, conditions, (*path, index))
    if not isinstance(node, dict):
        return
    match node:
        case {"Ref": str(name), **rest} if not rest:
            yield name
        case {"Fn::GetAtt": str(name), **rest} if not rest:
            yield name.split(".")[0]
        case {"Fn::GetAtt": [str(name), *_], **rest} if not rest:
            yield name
        case {"Fn::If": [condition, then, otherwise], **rest} if not rest:
            taken, index = (then, 1) if conditions.named_condition(condition, (*path, "Fn::If", 0)) else (otherwise, 2)
            yield from references(taken, conditions, (*path, "Fn::If", index))
        case _:
            for key, item in node.items():
                if key == "Fn::Sub":
                    yield from (name.split(".")[0] for name in variables_of(item))
                yield from references(item, conditions, (*path, key))
