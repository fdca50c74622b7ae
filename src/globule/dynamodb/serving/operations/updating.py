"""An update of one item, as UpdateItem, TransactWriteItems and PartiQL make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import keys, legacy, values
from globule.dynamodb.rules.errors import invalid_parameters
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.tree import Steps
from globule.dynamodb.rules.expressions.updates import CompiledUpdate
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored, Writer
from globule.dynamodb.serving.operations.api import Api, checked_size_bytes
from globule.dynamodb.serving.operations.conditions import WriteCondition


class PlannedUpdate(msgspec.Struct, frozen=True, kw_only=True):
    apply: Callable[[Item], Item]
    """Changes the item that it is given, and returns it. Raises ValidationException."""
    paths: tuple[Steps, ...] = ()
    """What is changed."""
    read_paths: tuple[Steps, ...] = ()
    assigned_kinds: tuple[tuple[str, str], ...] = ()
    only_removes: bool = False

    def check_table(self, table: TableRecord) -> None:
        """Raises ValidationException where it changes a key, or gives a key of an index a type that it cannot
        have."""
        spec = table.spec
        changed = {steps[0] for steps in self.paths}
        for attribute in spec.keys.attributes:
            if attribute.name in changed:
                raise invalid_parameters(f"Cannot update attribute {attribute.name}. This attribute is part of the key")
        kinds = dict(self.assigned_kinds)
        for index, attribute, _ in keys.index_key_attributes(spec):
            kind = kinds.get(attribute.name)
            if kind is not None and kind != attribute.type:
                raise keys.index_type_mismatch(index, attribute, kind)
        keys.check_no_nested_keys(spec, self.paths)
        keys.check_no_nested_keys(spec, self.read_paths)

    def perform(
        self, writer: Writer, table: TableRecord, key: Item, condition: WriteCondition
    ) -> tuple[Stored | None, Item | None]:
        """What was there, and what is there now. Raises ConditionalCheckFailedException or ValidationException."""
        stored = writer.get(table, key)
        condition.require(stored)
        if stored is None and self.only_removes:
            return None, None
        item = self.apply(stored.item() if stored is not None else dict(key))
        keys.check_updated_index_keys(table.spec, item)
        if any(len(steps) > 1 for steps in self.paths):
            values.check_nesting(item)
        writer.put(table, item, size_bytes=checked_size_bytes(item, updated=True))
        return stored, item


def expression_update(api: Api, text: str, given: Placeholders) -> PlannedUpdate:
    """Raises ValidationException."""
    return compiled_update(api.expressions.update(text, given), given)


def compiled_update(compiled: CompiledUpdate, given: Placeholders) -> PlannedUpdate:
    substituted = given.values
    return PlannedUpdate(
        apply=lambda item: compiled.apply(item, substituted),
        paths=compiled.paths,
        read_paths=compiled.read_paths,
        assigned_kinds=compiled.assigned_kinds,
        only_removes=compiled.only_removes,
    )


def legacy_update(updates: dict[str, Any]) -> PlannedUpdate:
    """From AttributeUpdates. Raises ValidationException."""
    legacy.check_updates(updates)
    return PlannedUpdate(
        apply=lambda item: legacy.apply_updates(updates, item),
        paths=tuple((name,) for name in updates),
        assigned_kinds=tuple(
            (name, next(iter(update.Value)))
            for name, update in updates.items()
            if update.Value is not None and update.Action != "DELETE"
        ),
        only_removes=legacy.only_deletes(updates),
    )
