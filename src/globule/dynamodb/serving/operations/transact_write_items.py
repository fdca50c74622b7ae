"""TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html

All conditions are judged and all writes are made in one transaction of the store, which runs alone: transactions
never conflict here, so TransactionConflict is not among the reasons for a cancellation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity, keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.requests.batches import Put, TransactWriteItem, TransactWriteItemsInput, Update
from globule.dynamodb.rules.sizes import item_size_bytes
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored, Writer
from globule.dynamodb.serving.operations.api import Answer, Api, checked_size_bytes
from globule.dynamodb.serving.operations.batch_write_item import all_collection_metrics
from globule.dynamodb.serving.operations.cancellation import (
    SAME_ITEM_TWICE,
    TRANSACTION_LIMIT_BYTES,
    cancel_where_invalid,
    cancelled,
)
from globule.dynamodb.serving.operations.conditions import WriteCondition, expression_condition
from globule.dynamodb.serving.operations.metering import Tally
from globule.dynamodb.serving.operations.tokens import digest
from globule.dynamodb.serving.operations.updating import PlannedUpdate, expression_update
from globule.dynamodb.serving.operations.writing import written
from globule.wire.aws.errors import AwsError

Outcome = tuple[Stored | None, Item | None]
"""What was there, and what is there now."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a transaction."""

    table: TableRecord
    key: Item
    """Of a Put, the whole item."""
    check: Callable[[], None]
    """Fits the action to its table. Raises ValidationException, which cancels the transaction."""
    perform: Callable[[Writer], Outcome]
    """Raises ValidationException or ConditionalCheckFailedException, which do, too."""

    def item_name(self) -> tuple[str, bytes]:
        """The same for two actions on one item."""
        return self.table.name, msgspec.json.encode(self.table.spec.keys.of(self.key))


async def transact_write_items(api: Api, request: TransactWriteItemsInput) -> Answer:
    actions = [_action(api, each) for each in request.TransactItems]
    _check_sizes(actions)
    answer: Answer = {}
    (await perform_once(api, actions, digest(request.TransactItems), request)).put_into(answer)
    if request.ReturnItemCollectionMetrics == "SIZE":
        metrics = all_collection_metrics([(action.table, action.key) for action in actions])
        if metrics:
            answer["ItemCollectionMetrics"] = metrics
    return answer


class TokenRequest(Protocol):
    """The members of a transaction's request that its actions do not depend on."""

    @property
    def ClientRequestToken(self) -> str | None: ...
    @property
    def ReturnConsumedCapacity(self) -> capacity.Wanted: ...


async def perform_once(api: Api, actions: list[Action], fingerprint: bytes, request: TokenRequest) -> Tally:
    """Does it, unless it was done already under the request's token; says what was consumed: to make the changes, or
    else as if they were read. `fingerprint` is the digest of what is to be done. Raises as `perform_all` and
    `RequestTokens.begin`."""
    token, wanted = request.ClientRequestToken, request.ReturnConsumedCapacity
    if token is None:
        return _writing(api, actions, await perform_all(api, actions), wanted)
    sizes_bytes: list[int] | None = api.tokens.begin(token, fingerprint)
    if sizes_bytes is not None:
        return _reading(api, actions, sizes_bytes, wanted)
    try:
        outcomes = await perform_all(api, actions)
        sizes_bytes = [_size_bytes(outcome) for outcome in outcomes]
    finally:
        api.tokens.finish(token, fingerprint, sizes_bytes)
    return _writing(api, actions, outcomes, wanted)


def _size_bytes(outcome: Outcome) -> int:
    """The item's, before or after the change, whichever is larger."""
    old, new = outcome
    return max(0 if old is None else old.size_bytes, 0 if new is None else item_size_bytes(new))


async def perform_all(api: Api, actions: list[Action]) -> list[Outcome]:
    """Raises TransactionCanceledException, ValidationException or ResourceNotFoundException."""
    for action in actions:
        api.meter.admit(action.table, "Write")
    cancel_where_invalid([action.check for action in actions])
    if len({action.item_name() for action in actions}) < len(actions):
        raise validation(SAME_ITEM_TWICE)

    def change(writer: Writer) -> list[Outcome]:
        outcomes: list[Outcome] = []
        problems: list[AwsError | None] = []
        for action in actions:
            try:
                outcomes.append(action.perform(writer))
                problems.append(None)
            except AwsError as problem:
                problems.append(problem)
        if any(problem is not None for problem in problems):
            raise cancelled(problems)
        return outcomes

    return await api.tables.write(change)


def _writing(api: Api, actions: list[Action], outcomes: list[Outcome], wanted: capacity.Wanted) -> Tally:
    tally = Tally(api.meter, wanted, "Write", transactional=True)
    for action, (old, new) in zip(actions, outcomes, strict=True):
        tally.add(action.table, written(action.table, old, new))
    return tally


def _reading(api: Api, actions: list[Action], sizes_bytes: list[int], wanted: capacity.Wanted) -> Tally:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, ClientRequestToken"""
    tally = Tally(api.meter, wanted, "Read", transactional=True)
    for action, size_bytes in zip(actions, sizes_bytes, strict=True):
        units = capacity.read_units(size_bytes, consistent=True)
        tally.add(action.table, lambda units=units: capacity.Consumed(table=units))  # type: ignore[misc]
    return tally


def _check_sizes(actions: list[Action]) -> None:
    if sum(item_size_bytes(action.key) for action in actions) > TRANSACTION_LIMIT_BYTES:
        raise validation("Member must have length less than or equal to 4194304")


def _action(api: Api, request: TransactWriteItem) -> Action:
    """What can be judged without the item's table is judged at once. Raises ValidationException or
    ResourceNotFoundException."""
    given = [each for each in (request.ConditionCheck, request.Put, request.Delete, request.Update) if each is not None]
    if len(given) != 1:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    (one,) = given
    update = None
    key = canonical_item(one.Item if isinstance(one, Put) else one.Key)
    placeholders = Placeholders(one.ExpressionAttributeNames, one.ExpressionAttributeValues)
    if isinstance(one, Update):
        update = expression_update(api, one.UpdateExpression, placeholders)
    condition = expression_condition(api, one, placeholders)
    if update is not None or one.ConditionExpression is not None:
        # Placeholders without any expression are not looked at, unlike PutItem's and DeleteItem's.
        placeholders.check_all_used()
    table = api.table(one.TableName)
    keys.check_key_values(table.spec.keys, key)
    if isinstance(one, Put):
        checked_size_bytes(key)
        return put_action(table, key, condition)
    if update is not None:
        return update_action(table, key, update, condition)
    return key_action(table, key, condition, delete=request.Delete is not None)


def put_action(table: TableRecord, item: Item, condition: WriteCondition) -> Action:
    def check() -> None:
        condition.check_table(table)
        keys.check_item(table.spec, item)

    def perform(writer: Writer) -> Outcome:
        if condition.test is not None:
            condition.require(writer.get(table, item))
        return writer.put(table, item), item

    return Action(table=table, key=item, check=check, perform=perform)


def update_action(table: TableRecord, key: Item, update: PlannedUpdate, condition: WriteCondition) -> Action:
    def check() -> None:
        keys.check_key(table.spec.keys, key)
        update.check_table(table)
        condition.check_table(table)

    return Action(
        table=table, key=key, check=check, perform=lambda writer: update.perform(writer, table, key, condition)
    )


def key_action(table: TableRecord, key: Item, condition: WriteCondition, *, delete: bool) -> Action:
    """A Delete, or else a ConditionCheck."""

    def check() -> None:
        keys.check_key(table.spec.keys, key)
        condition.check_table(table)

    def perform(writer: Writer) -> Outcome:
        stored = writer.get(table, key)
        condition.require(stored)
        if delete:
            return writer.delete(table, key), None
        return stored, stored.item() if stored is not None else None

    return Action(table=table, key=key, check=check, perform=perform)
