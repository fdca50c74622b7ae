"""Statements as values."""

from __future__ import annotations

from typing import Literal

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.tree import Condition, Path
from globule.dynamodb.rules.expressions.tree import Update as UpdateTree

Returning = Literal["ALL OLD", "ALL NEW", "MODIFIED OLD", "MODIFIED NEW"]


class Select(msgspec.Struct, frozen=True, kw_only=True):
    table: str
    index: str | None = None
    paths: tuple[Path, ...] | None = None
    """None is `*`."""
    where: Condition | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Names, and whether each descends."""
    given: Placeholders


class Insert(msgspec.Struct, frozen=True, kw_only=True):
    table: str
    item: Item


class Update(msgspec.Struct, frozen=True, kw_only=True):
    table: str
    changes: UpdateTree
    where: Condition
    returning: Returning | None = None
    given: Placeholders


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    table: str
    where: Condition
    returning: Returning | None = None
    given: Placeholders


class Exists(msgspec.Struct, frozen=True):
    """`EXISTS(SELECT ...)`: the condition check of a transaction."""

    select: Select


Statement = Select | Insert | Update | Delete | Exists
