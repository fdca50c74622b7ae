"""What single-item writes answer besides attributes."""

from __future__ import annotations

from typing import Protocol

from globule.dynamodb.model import Item
from globule.dynamodb.rules import capacity
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored
from globule.dynamodb.serving.operations.api import Answer, collection_metrics


class WriteRequest(Protocol):
    @property
    def ReturnConsumedCapacity(self) -> capacity.Wanted: ...
    @property
    def ReturnItemCollectionMetrics(self) -> str | None: ...


def write_answer(
    request: WriteRequest, table: TableRecord, *, key: Item, old: Stored | None, new: Item | None
) -> Answer:
    """ConsumedCapacity and ItemCollectionMetrics, where they were asked for. `key` holds at least the key."""
    answer: Answer = {}
    if request.ReturnConsumedCapacity not in (None, "NONE"):
        consumed = capacity.written(table.spec, old.item() if old is not None else None, new)
        answer["ConsumedCapacity"] = capacity.described(table.name, consumed, request.ReturnConsumedCapacity)
    if request.ReturnItemCollectionMetrics == "SIZE":
        metrics = collection_metrics(table, key)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer
