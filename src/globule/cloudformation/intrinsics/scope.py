"""What an intrinsic function may look at, and how it says that it cannot be evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from globule.cloudformation.problems import Location


class IntrinsicProblem(Exception):
    """A function that has no value. `path` leads to it in the template."""

    def __init__(self, path: Location, why: str) -> None:
        super().__init__(why)
        self.path = path
        self.why = why


class NoValue:
    """The value of `AWS::NoValue`: whatever holds it drops it."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = NoValue()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of a template may ask of a resource that has been resolved."""

    type: str
    ref: Any
    attributes: Mapping[str, Any]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one stack in one region, before any of its resources is resolved."""

    region: str
    pseudo_parameters: Mapping[str, Any] = {}
    parameters: Mapping[str, Any] = {}
    mappings: Mapping[str, Any] = {}
    exports: Mapping[str, str] = {}
    """Exports of the region's other stacks, by name."""


class Scope(Protocol):
    """What the functions are given; `evaluation.Evaluation` is the one implementation."""

    @property
    def facts(self) -> Facts: ...

    def value(self, node: Any, path: Location) -> Any:
        """`node` without functions in it. May be NO_VALUE."""

    def text(self, node: Any, path: Location) -> str:
        """As `value`, where only text will do; numbers and booleans become text."""

    def items(self, node: Any, path: Location) -> list[Any]:
        """As `value`, where only a list will do."""

    def condition(self, node: Any, path: Location) -> bool:
        """A condition function, `{Condition: name}`, or a literal."""

    def named_condition(self, name: Any, path: Location) -> bool:
        """The value of a condition of the template's Conditions section."""

    def resource(self, logical_id: str) -> Known | None:
        """None where there is none of that name, or its condition is false."""

    def note_import(self, name: str) -> None:
        """Remember that this stack uses another one's export."""


def arguments(node: Any, path: Location, name: str, shape: str, *counts: int) -> list[Any]:
    """The list of a function's arguments. Raises IntrinsicProblem, quoting `shape`, where there are too few or many."""
    if not isinstance(node, list) or len(node) not in counts:
        raise IntrinsicProblem(path, f"{name} is written as {shape}")
    return node


def text_of(value: Any) -> str | None:
    """CloudFormation's text form of a scalar; None for what has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None
