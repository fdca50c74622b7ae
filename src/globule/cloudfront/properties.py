"""Reading nested template properties: what is read is supported, what nobody read is refused by its path.

CloudFormation has already checked types and names against AWS's schema, and turned texts into the numbers and
booleans that the schema asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globule.world.resource_type import PropertyProblem

Path = tuple[str | int, ...]


class Properties:
    """One object of a template. Call `done` when everything that is understood has been read."""

    def __init__(self, members: Mapping[str, Any], path: Path = (), recorded: list[str] | None = None) -> None:
        self._members = members
        self._known: set[str] = set()
        self.path = path
        self.recorded: list[str] = [] if recorded is None else recorded
        """Paths of what is accepted and does nothing here, of this object and of all that it belongs to."""

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def problem(self, name: str, why: str) -> PropertyProblem:
        return PropertyProblem((*self.path, name), why)

    def text(self, name: str, default: str = "") -> str:
        value: str = self._take(name, str, default)
        return value

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise self.problem(name, "is required")
        return value

    def one_of(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        value = self.text(name, default)
        if value not in choices:
            raise self.problem(name, f"must be one of {', '.join(choices)}")
        return value

    def boolean(self, name: str, default: bool = False) -> bool:
        value: bool = self._take(name, bool, default)
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        value: float = self._take(name, (int, float), default)
        if not least <= value <= most:
            raise self.problem(name, f"must be from {least:g} to {most:g}")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        return int(self.number(name, default, least=least, most=most))

    def texts(self, name: str) -> tuple[str, ...]:
        values: list[Any] = self._take(name, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise PropertyProblem((*self.path, name, index), "must be a string")
        return tuple(values)

    def integers(self, name: str) -> tuple[int, ...]:
        values: list[Any] = self._take(name, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, int) or isinstance(value, bool):
                raise PropertyProblem((*self.path, name, index), "must be a whole number")
        return tuple(values)

    def object(self, name: str) -> Properties | None:
        value: Mapping[str, Any] | None = self._take(name, Mapping, None)
        return None if value is None else Properties(value, (*self.path, name), self.recorded)

    def required_object(self, name: str) -> Properties:
        found = self.object(name)
        if found is None:
            raise self.problem(name, "is required")
        return found

    def objects(self, name: str) -> tuple[Properties, ...]:
        values: list[Any] = self._take(name, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, Mapping):
                raise PropertyProblem((*self.path, name, index), "must be an object")
        return tuple(Properties(value, (*self.path, name, index), self.recorded) for index, value in enumerate(values))

    def ignore(self, *names: str) -> None:
        """Accept what means nothing to a data plane: comments, counts of lists."""
        self._known.update(names)

    def record(self, *names: str) -> None:
        """Accept what would do something at AWS and does nothing here, and say so."""
        self._known.update(names)
        self.recorded.extend(".".join(map(str, (*self.path, name))) for name in names if self._members.get(name))

    def refuse(self, name: str, why: str) -> None:
        """Refuse a member with a sentence of its own, where it is given and not empty."""
        self._known.add(name)
        if self._members.get(name):
            raise self.problem(name, why)

    def done(self) -> None:
        for name in self._members:
            if name not in self._known:
                known = ", ".join(sorted(self._known))
                raise self.problem(name, f"is not supported here; supported: {known}")

    def _take(self, name: str, kind: Any, default: Any) -> Any:
        self._known.add(name)
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.problem(name, "is of the wrong type")
        return value
