"""INSERT, UPDATE, DELETE and EXISTS as actions of a transaction.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html and the pages beside it.
Each writes one item, whose whole key it has to say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.expressions.conditions import compile_condition_tree
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.projections import project
from globule.dynamodb.rules.expressions.tree import Condition, Steps
from globule.dynamodb.rules.expressions.updates import compile_update_tree
from globule.dynamodb.rules.partiql.plan import exact_key
from globule.dynamodb.rules.partiql.statements import Delete, Exists, Insert, Update
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Api, checked_size_bytes, raw
from globule.dynamodb.serving.operations.conditions import WriteCondition
from globule.dynamodb.serving.operations.transact_write_items import Action, key_action, put_action, update_action
from globule.dynamodb.serving.operations.updating import compiled_update
from globule.wire.aws.errors import AwsError

DUPLICATE = "Duplicate primary key exists in table"


class Write(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    inserts: bool = False
    returning: str | None = None
    changed: tuple[Steps, ...] = ()
    """The paths that an UPDATE changes."""

    def explained(self, problem: AwsError) -> AwsError:
        if self.inserts and problem.code == "ConditionalCheckFailedException":
            return AwsError("DuplicateItemException", DUPLICATE, details=problem.details)
        return problem

    def returned(self, old: Stored | None, new: Item | None) -> Any:
        """What RETURNING asks for; None where there is nothing."""
        match self.returning:
            case "ALL OLD":
                return None if old is None else raw(old.raw)
            case "ALL NEW":
                return new
            case "MODIFIED OLD":
                return None if old is None else project(self.changed, old.item()) or None
            case "MODIFIED NEW":
                return None if new is None else project(self.changed, new) or None
            case _:
                return None


def planned_write(api: Api, statement: Insert | Update | Delete | Exists, *, return_old: bool) -> Write:
    """Raises ValidationException or ResourceNotFoundException."""
    match statement:
        case Insert():
            table = api.table(statement.table)
            checked_size_bytes(statement.item)
            name = table.spec.keys.partition[0].name
            absent = WriteCondition(lambda item: name not in item, return_old=return_old)
            return Write(action=put_action(table, statement.item, absent), inserts=True)
        case Update():
            table = api.table(statement.table)
            compiled = compile_update_tree(statement.changes, statement.given)
            key, rest = exact_key(table.spec.keys, statement.where, statement.given)
            condition = _condition(rest, statement.given, present=table.spec.keys.partition[0].name, old=return_old)
            update = compiled_update(compiled, statement.given)
            return Write(
                action=update_action(table, key, update, condition),
                returning=statement.returning,
                changed=compiled.paths,
            )
        case Delete():
            table = api.table(statement.table)
            key, rest = exact_key(table.spec.keys, statement.where, statement.given)
            condition = _condition(rest, statement.given, present=None, old=return_old)
            return Write(action=key_action(table, key, condition, delete=True), returning=statement.returning)
        case Exists(select):
            table = api.table(select.table)
            assert select.where is not None, "exact_key refuses it"
            key, rest = exact_key(table.spec.keys, select.where, select.given)
            condition = _condition(rest, select.given, present=table.spec.keys.partition[0].name, old=return_old)
            return Write(action=key_action(table, key, condition, delete=False))


def _condition(rest: Condition | None, given: Placeholders, *, present: str | None, old: bool) -> WriteCondition:
    """What WHERE says beyond the key; `present` is an attribute that tells that the item is there at all, which only
    a DELETE (None) does not need: deleting what is not there succeeds, whatever else WHERE says."""
    if rest is None:
        if present is None:
            return WriteCondition(None)
        return WriteCondition(lambda item: present in item, return_old=old)
    compiled = compile_condition_tree("WHERE", rest, given)
    compiled.check(given.values)
    test, values = compiled.test, given.values
    if present is None:
        return WriteCondition(lambda item: not item or test(item, values), compiled=compiled, return_old=old)
    return WriteCondition(lambda item: present in item and test(item, values), compiled=compiled, return_old=old)
