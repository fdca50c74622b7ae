"""BatchWriteItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html

All of a batch's writes go into one transaction of the store, so they share one sync; AWS promises less.
"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules import keys
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.requests.batches import BatchWriteItemInput, WriteRequest
from globule.dynamodb.rules.values import AMBIGUOUS, canonical_item
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.items import Stored, Writer
from globule.dynamodb.serving.operations.api import Answer, Api, checked_size_bytes, collection_metrics
from globule.dynamodb.serving.operations.batch_get_item import DUPLICATES
from globule.dynamodb.serving.operations.metering import Tally
from globule.dynamodb.serving.operations.writing import written
from globule.wire.aws.errors import AwsError

WRITES_LIMIT = 25


class _Write(msgspec.Struct, frozen=True):
    table: TableRecord
    key: Item
    item: Item | None
    """None deletes."""
    size_bytes: int = 0


async def batch_write_item(api: Api, request: BatchWriteItemInput) -> Answer:
    checked = {name: [_check(each) for each in writes] for name, writes in request.RequestItems.items()}
    if sum(map(len, checked.values())) > WRITES_LIMIT:
        raise validation("Too many items requested for the BatchWriteItem call")
    writes = [write for name, found in checked.items() for write in _fit(api, name, found)]

    def change(writer: Writer) -> list[Stored | None]:
        return [
            writer.delete(write.table, write.key)
            if write.item is None
            else writer.put(write.table, write.item, size_bytes=write.size_bytes)
            for write in writes
        ]

    before = await api.tables.write(change)
    answer: Answer = {"UnprocessedItems": {}}
    tally = Tally(api.meter, request.ReturnConsumedCapacity, "Write")
    for write, old in zip(writes, before, strict=True):
        tally.add(write.table, written(write.table, old, write.item))
    tally.put_into(answer)
    if request.ReturnItemCollectionMetrics == "SIZE":
        answer["ItemCollectionMetrics"] = all_collection_metrics([(write.table, write.key) for write in writes])
    return answer


def _check(request: WriteRequest) -> tuple[Item, int | None]:
    """An item to put and its size, or a key to delete. Raises ValidationException."""
    put, delete = request.PutRequest, request.DeleteRequest
    if put is not None and delete is None:
        item = canonical_item(put.Item)
        return item, checked_size_bytes(item)
    if delete is not None and put is None:
        return canonical_item(delete.Key), None
    raise validation(AMBIGUOUS)


def _fit(api: Api, name: str, found: list[tuple[Item, int | None]]) -> list[_Write]:
    """Raises ResourceNotFoundException or ValidationException."""
    table = api.table(name)
    api.meter.admit(table, "Write")
    writes: list[_Write] = []
    seen: set[bytes] = set()
    for item, size_bytes in found:
        if size_bytes is not None:
            try:
                keys.check_item(table.spec, item)
            except AwsError as problem:
                raise keys.in_batch(problem) from None
        else:
            keys.check_key(table.spec.keys, item)
        key = table.spec.keys.of(item)
        encoded = msgspec.json.encode(key)
        if encoded in seen:
            raise validation(DUPLICATES)
        seen.add(encoded)
        if size_bytes is None:
            writes.append(_Write(table, key, None))
        else:
            writes.append(_Write(table, key, item, size_bytes))
    return writes


def all_collection_metrics(written: list[tuple[TableRecord, Item]]) -> dict[str, list[Any]]:
    """One entry for each item collection that was written to, by table."""
    found: dict[str, list[Any]] = {}
    for table, key in written:
        metrics = collection_metrics(table, key)
        if metrics is not None and metrics not in found.setdefault(table.name, []):
            found[table.name].append(metrics)
    return found
