"""ProjectionExpression (and the older AttributesToGet): the parts of an item that a read returns.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules.errors import invalid_parameters
from globule.dynamodb.rules.expressions.condition_checks import undefined_name
from globule.dynamodb.rules.expressions.paths import overlap, parse_path
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.reserved import is_reserved
from globule.dynamodb.rules.expressions.tokens import END, Cursor, invalid
from globule.dynamodb.rules.expressions.tree import Steps

KIND = "ProjectionExpression"


class Projection(msgspec.Struct, frozen=True):
    """What to return of each item. `placeholders` are those that its text used."""

    paths: tuple[Steps, ...]
    placeholders: frozenset[str] = frozenset()

    @property
    def attributes(self) -> frozenset[str]:
        """Top-level names."""
        return frozenset(str(steps[0]) for steps in self.paths)

    def of(self, item: Item) -> Item:
        """The projected parts; the same values, new containers."""
        if all(len(steps) == 1 for steps in self.paths):
            return {name: item[name] for (name,) in self.paths if name in item}
        return project(self.paths, item)


def compile_projection(text: str, given: Placeholders) -> Projection:
    """Raises ValidationException."""
    cursor = Cursor(KIND, text)
    found = [parse_path(cursor)]
    while cursor.skip(","):
        found.append(parse_path(cursor))
    cursor.take(END)
    names = [step for path in found for step in path.steps if isinstance(step, str)]
    _check_names(names, given)
    paths = tuple(given.steps(path.steps) for path in found)
    clash = overlap(paths)
    if clash is not None:
        raise invalid(KIND, clash)
    return Projection(paths, frozenset(name for name in names if name[0] == "#"))


def _check_names(names: Iterable[str], given: Placeholders) -> None:
    for name in names:
        if name[0] != "#" and is_reserved(name):
            raise invalid(KIND, f"Attribute name is a reserved keyword; reserved keyword: {name}")
    for name in names:
        if name[0] == "#" and name not in given.names:
            raise undefined_name(KIND, name)


def attributes_to_get(names: Sequence[str]) -> Projection:
    """Raises ValidationException for a name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid_parameters(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return Projection(tuple((name,) for name in names))


class _Branch:
    """A container that is only partly wanted: what is wanted of it, by step."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next: dict[str | int, _Branch | None] = {}


def project(paths: Iterable[Steps], item: Item) -> Item:
    """The parts of an item that paths lead to, inside as much of their containers as is needed to hold them. Elements
    of a list keep their order and close ranks."""
    root = _Branch()
    for steps in paths:
        branch = root
        for step in steps[:-1]:
            inner = branch.next.setdefault(step, _Branch())
            assert inner is not None, "paths do not overlap"
            branch = inner
        branch.next[steps[-1]] = None
    return _of_map(item, root)


def _of_map(content: Item, branch: _Branch) -> Item:
    result: Item = {}
    for step, inner in branch.next.items():
        value = content.get(step) if isinstance(step, str) else None
        if value is not None:
            _keep(result, step, value, inner)
    return result


def _of_list(content: list[AttributeValue], branch: _Branch) -> list[AttributeValue]:
    found: dict[Any, AttributeValue] = {}
    for step, inner in branch.next.items():
        if isinstance(step, int) and step < len(content):
            _keep(found, step, content[step], inner)
    return [found[position] for position in sorted(found)]


def _keep(result: dict[Any, AttributeValue], step: str | int, value: AttributeValue, inner: _Branch | None) -> None:
    if inner is None:
        result[step] = value
        return
    part: Any = None
    if "M" in value:
        part = {"M": _of_map(value["M"], inner)}
    elif "L" in value:
        part = {"L": _of_list(value["L"], inner)}
    if part is not None and any(part.values()):
        result[step] = part
