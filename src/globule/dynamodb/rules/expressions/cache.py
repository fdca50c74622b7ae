"""Expressions of all kinds, compiled once and kept: the door to this package.

What is kept is keyed by the text and by what the placeholders are (names, and types of values), so that everything
but what depends on the values themselves has been checked once and for all.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from globule.dynamodb.rules.expressions.conditions import CompiledCondition, compile_condition
from globule.dynamodb.rules.expressions.key_conditions import CompiledKeyCondition, compile_key_condition
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.projections import Projection, compile_projection
from globule.dynamodb.rules.expressions.updates import CompiledUpdate, compile_update

T = TypeVar("T")

# An application has tens of expressions; a compiled one takes a few kilobytes.
KEPT_EXPRESSIONS = 1000
# Placeholders larger than this are not kept: nobody sends the same twice.
KEPT_PLACEHOLDERS_CHARACTERS = 4096


class Expressions:
    """Compiles expressions, and forgets the ones that were used longest ago. All methods raise ValidationException,
    and note which placeholders were used."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()

    def __repr__(self) -> str:
        return f"<Expressions kept={len(self._kept)}>"

    def condition(self, kind: str, text: str, given: Placeholders) -> CompiledCondition:
        """`kind` is `ConditionExpression` or `FilterExpression`."""
        compiled = self._compiled(kind, text, given, lambda: compile_condition(kind, text, given))
        given.use(compiled.placeholders)
        if compiled.depends_on_values:
            compiled.check(given.values)
        return compiled

    def key_condition(self, text: str, given: Placeholders) -> CompiledKeyCondition:
        compiled = self._compiled("key", text, given, lambda: compile_key_condition(text, given))
        given.use(compiled.placeholders)
        if compiled.depends_on_values:
            compiled.check(given.values)
        return compiled

    def update(self, text: str, given: Placeholders) -> CompiledUpdate:
        compiled = self._compiled("update", text, given, lambda: compile_update(text, given))
        given.use(compiled.placeholders)
        return compiled

    def projection(self, text: str, given: Placeholders) -> Projection:
        compiled = self._compiled("projection", text, given, lambda: compile_projection(text, given))
        given.use(compiled.placeholders)
        return compiled

    def _compiled(self, kind: str, text: str, given: Placeholders, compile_it: Callable[[], T]) -> T:
        if given.size() > KEPT_PLACEHOLDERS_CHARACTERS:
            return compile_it()
        key = (kind, text, given.signature())
        kept: T | None = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = compile_it()
            if len(self._kept) > KEPT_EXPRESSIONS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return kept
