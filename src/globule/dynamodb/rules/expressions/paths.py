"""Document paths: `a`, `a.b[0].#c`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules.expressions.tokens import NAME, NAME_PLACEHOLDER, NUMBER, Cursor
from globule.dynamodb.rules.expressions.tree import Path, Steps, path_text

# Steps of one path; an item nests 32 levels at most.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes
DEPTH_LIMIT = 32
# Digits of a list index. AWS's own bound is not documented; an item of 400 KB holds fewer elements than this.
INDEX_LIMIT_DIGITS = 9


def parse_path(cursor: Cursor) -> Path:
    """Takes one path. Raises ValidationException."""
    steps: list[str | int] = [_name(cursor)]
    while True:
        if cursor.skip("."):
            steps.append(_name(cursor))
        elif cursor.skip("["):
            digits = cursor.take(NUMBER).text
            if len(digits) > INDEX_LIMIT_DIGITS:
                raise cursor.invalid(f"List index is not within the allowable range; index: [{digits}]")
            steps.append(int(digits))
            cursor.take("]")
        else:
            break
    if len(steps) > DEPTH_LIMIT:
        raise cursor.invalid(f"The document path has too many nesting elements; nesting levels: {len(steps)}")
    return Path(tuple(steps))


def _name(cursor: Cursor) -> str:
    if cursor.next.kind not in (NAME, NAME_PLACEHOLDER):
        raise cursor.unexpected()
    return cursor.advance().text


def getter(steps: Steps) -> Callable[[Item], AttributeValue | None]:
    """A function that finds what a path leads to; None where it leads nowhere."""
    first, *rest = steps
    if not rest:
        return lambda item: item.get(first)  # type: ignore[arg-type]

    def get(item: Item) -> AttributeValue | None:
        value: Any = item.get(first)  # type: ignore[arg-type]
        for step in rest:
            if value is None:
                return None
            value = child(value, step)
        return value  # type: ignore[no-any-return]

    return get


def child(value: AttributeValue, step: str | int) -> AttributeValue | None:
    """One step into a map or a list."""
    if isinstance(step, str):
        content = value.get("M")
        return content.get(step) if content is not None else None
    content = value.get("L")
    return content[step] if content is not None and step < len(content) else None


class _Place:
    """A node of the tree that the paths of one expression draw."""

    __slots__ = ("end", "next", "path")

    def __init__(self, path: Steps) -> None:
        self.path = path
        """The first path that leads here or through here."""
        self.end = False
        self.next: dict[str | int, _Place] = {}


def overlap(paths: Sequence[Steps]) -> str | None:
    """AWS's words for the first two paths that cannot both be meant; None where there are none.

    One overlaps another that it leads through; two conflict where the same place is a map in one and a list in the
    other.
    """
    conflict: str | None = None
    root = _Place(())
    for path in paths:
        place = root
        for step in path:
            sibling = next(iter(place.next.values()), None)
            if sibling is not None and isinstance(next(iter(place.next)), str) != isinstance(step, str):
                conflict = conflict or _clash("conflict", sibling.path, path)
            place = place.next.setdefault(step, _Place(path))
            if place.end:
                return _clash("overlap", place.path, path)
        if place.next:
            return _clash("overlap", place.path, path)
        place.end = True
        place.path = path
    return conflict


def _clash(how: str, one: Steps, other: Steps) -> str:
    return (
        f"Two document paths {how} with each other; must remove or rewrite one of these paths; "
        f"path one: {path_text(one)}, path two: {path_text(other)}"
    )
