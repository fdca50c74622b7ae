"""What must hold for a write: ConditionExpression, or the older Expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from globule.dynamodb.model import Item
from globule.dynamodb.rules import keys, legacy
from globule.dynamodb.rules.errors import condition_failed
from globule.dynamodb.rules.expressions.conditions import CompiledCondition
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Api, raw


class ConditionalRequest(Protocol):
    """The members of a request that make it conditional."""

    @property
    def ConditionExpression(self) -> str | None: ...
    @property
    def ExpressionAttributeNames(self) -> dict[str, str] | None: ...
    @property
    def ExpressionAttributeValues(self) -> dict[str, Any] | None: ...
    @property
    def ReturnValuesOnConditionCheckFailure(self) -> str | None: ...


class WriteCondition:
    """A test of the stored item, and what its failure says."""

    def __init__(
        self,
        test: Callable[[Item], bool] | None,
        *,
        compiled: CompiledCondition | None = None,
        return_old: bool = False,
    ) -> None:
        self.test = test
        self._compiled = compiled
        self._return_old = return_old

    def check_table(self, table: TableRecord) -> None:
        """Raises ValidationException where a path leads into a key."""
        if self._compiled is not None:
            keys.check_no_nested_keys(table.spec, self._compiled.paths)

    def holds(self, item: Item) -> bool:
        return self.test is None or self.test(item)

    def require(self, stored: Stored | None) -> None:
        """Raises ConditionalCheckFailedException."""
        if self.test is not None and not self.test({} if stored is None else stored.item()):
            raise condition_failed(raw(stored.raw) if stored is not None and self._return_old else None)


def expression_condition(api: Api, request: ConditionalRequest, given: Placeholders) -> WriteCondition:
    """Raises ValidationException."""
    return_old = request.ReturnValuesOnConditionCheckFailure == "ALL_OLD"
    if request.ConditionExpression is None:
        return WriteCondition(None)
    compiled = api.expressions.condition("ConditionExpression", request.ConditionExpression, given)
    test, values = compiled.test, given.values
    return WriteCondition(lambda item: test(item, values), compiled=compiled, return_old=return_old)


def request_condition(api: Api, request: Any, given: Placeholders) -> WriteCondition:
    """Of a request that may have the older parameters, too. Raises ValidationException."""
    if request.ConditionExpression is not None:
        return expression_condition(api, request, given)
    test = legacy.expected_test(request.Expected, request.ConditionalOperator)
    return WriteCondition(test, return_old=request.ReturnValuesOnConditionCheckFailure == "ALL_OLD")
