"""Expressions as trees, with their placeholders still in them.

A path's step is an attribute name, a `#placeholder`, or a list index. Trees are frozen, hashable, and depend on
nothing but the expression's text, so they can be kept and shared.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]
Steps = tuple[str | int, ...]


class Path(msgspec.Struct, frozen=True):
    steps: Steps


class Value(msgspec.Struct, frozen=True):
    placeholder: str
    """With its colon."""


class Call(msgspec.Struct, frozen=True):
    """A function: an operand (`size`, `if_not_exists`, `list_append`) or a condition (`attribute_exists`...)."""

    function: str
    arguments: tuple[Operand, ...]


Operand = Path | Value | Call


class Comparison(msgspec.Struct, frozen=True):
    operator: Comparator
    left: Operand
    right: Operand


class Between(msgspec.Struct, frozen=True):
    operand: Operand
    low: Operand
    high: Operand


class In(msgspec.Struct, frozen=True):
    operand: Operand
    candidates: tuple[Operand, ...]


class Not(msgspec.Struct, frozen=True):
    part: Condition


class And(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


Condition = Comparison | Between | In | Call | Not | And | Or


class Arithmetic(msgspec.Struct, frozen=True):
    operator: Literal["+", "-"]
    left: Operand
    right: Operand


class Set(msgspec.Struct, frozen=True):
    path: Path
    value: Operand | Arithmetic


class Remove(msgspec.Struct, frozen=True):
    path: Path


class Add(msgspec.Struct, frozen=True):
    path: Path
    value: Value


class Delete(msgspec.Struct, frozen=True):
    path: Path
    value: Value


Action = Set | Remove | Add | Delete


class Update(msgspec.Struct, frozen=True):
    sections: tuple[str, ...]
    """`SET`, `REMOVE`, ... in the order written; a valid update has each at most once."""
    actions: tuple[Action, ...]


def path_text(steps: Steps) -> str:
    """As AWS's messages print a path: `[a, [0], b]`."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"
