"""An item while an update changes it.

Changes are noted against the item as it was and made at the end, all together, so that the elements of a list can be
meant by the positions that they had. A place can be changed once only (`paths.overlap`).
"""

from __future__ import annotations

from typing import Any

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.paths import child
from globule.dynamodb.rules.expressions.tree import Steps
from globule.wire.aws.errors import AwsError


def invalid_path() -> AwsError:
    return validation("The document path provided in the update expression is invalid for update")


class Document:
    def __init__(self, item: Item) -> None:
        self._item = item
        self._changes: list[tuple[dict[str, Any], str | int, AttributeValue | None]] = []
        """Containers (`{"M": ...}` or `{"L": ...}`), where in them, and what to put there; None removes."""

    def set(self, steps: Steps, value: AttributeValue) -> None:
        """Raises ValidationException where there is nothing to put it into."""
        self._changes.append((self._container(steps), steps[-1], value))

    def remove(self, steps: Steps) -> None:
        """Raises as `set`. Removing what is not there is no error."""
        self._changes.append((self._container(steps), steps[-1], None))

    def finish(self) -> Item:
        lists: dict[int, tuple[list[AttributeValue], dict[int, AttributeValue | None]]] = {}
        for container, step, value in self._changes:
            if isinstance(step, str):
                content = container["M"]
                if value is None:
                    content.pop(step, None)
                else:
                    content[step] = value
            else:
                elements = container["L"]
                lists.setdefault(id(elements), (elements, {}))[1][step] = value
        for elements, changes in lists.values():
            _change_list(elements, changes)
        return self._item

    def _container(self, steps: Steps) -> dict[str, Any]:
        container: dict[str, Any] | None = {"M": self._item}
        for step in steps[:-1]:
            container = child(container, step) if container is not None else None
        if container is None or ("M" if isinstance(steps[-1], str) else "L") not in container:
            raise invalid_path()
        return container


def _change_list(elements: list[AttributeValue], changes: dict[int, AttributeValue | None]) -> None:
    """In place. What is set beyond the end is appended, in the order of the positions."""
    removed = []
    for position in sorted(changes):
        value = changes[position]
        if value is None:
            if position < len(elements):
                removed.append(position)
        elif position < len(elements):
            elements[position] = value
        else:
            elements.append(value)
    for position in reversed(removed):
        del elements[position]
