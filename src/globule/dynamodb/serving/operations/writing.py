"""What single-item writes answer besides attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Answer, Api, collection_metrics


class WriteRequest(Protocol):
    @property
    def ReturnConsumedCapacity(self) -> capacity.Wanted: ...
    @property
    def ReturnItemCollectionMetrics(self) -> str | None: ...


def written(table: TableRecord, old: Stored | None, new: Item | None) -> Callable[[], capacity.Consumed]:
    """Computes what a write took."""
    return lambda: capacity.written(table.spec, old.item() if old is not None else None, new)


def write_answer(
    api: Api, request: WriteRequest, table: TableRecord, *, key: Item, old: Stored | None, new: Item | None
) -> Answer:
    """ConsumedCapacity and ItemCollectionMetrics, where they were asked for. `key` holds at least the key."""
    answer: Answer = {}
    consumed = api.consumed(
        table,
        request.ReturnConsumedCapacity,
        written(table, old, new),
        "Write",
    )
    if consumed is not None:
        answer["ConsumedCapacity"] = consumed
    if request.ReturnItemCollectionMetrics == "SIZE":
        metrics = collection_metrics(table, key)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer
