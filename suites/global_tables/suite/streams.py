"""The records of one replica's stream, read from its beginning and gathered."""

from __future__ import annotations

import time
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from suite.global_table import KEY
from suite.waiting import eventually

# AWS allows five GetRecords a second for a shard, and two readers, of which one may be a user's.
BETWEEN_POLLS_S = 0.3

# A page may be empty although more follow. So many in a row are the end for now.
EMPTY_PAGES = 3

PAGES_LIMIT = 200


class StreamTail:
    """Follows every shard of a stream."""

    def __init__(self, client: Any, arn: str, *, patience_s: float) -> None:
        self.arn = arn
        self.records: list[dict[str, Any]] = []
        self._client = client
        self._patience_s = patience_s
        self._iterators: dict[str, str | None] = {}
        self._passed: dict[str, str] = {}
        self._polled = 0.0

    def wait(self, key: str, *, event: str | None = None, count: int = 1) -> list[dict[str, Any]]:
        """The records of an item, once there are `count` (of an event)."""

        def found() -> list[dict[str, Any]]:
            self.poll()
            records = self.of(key)
            return records if sum(event in (None, each["eventName"]) for each in records) >= count else []

        return eventually(found, within_s=self._patience_s, what=f"{count} {event or 'record'} of {key} in {self.arn}")

    def of(self, key: str) -> list[dict[str, Any]]:
        """The records of an item that were read so far, in their order."""
        return [record for record in self.records if record["dynamodb"]["Keys"][KEY] == {"S": key}]

    def poll(self) -> None:
        time.sleep(max(0.0, self._polled + BETWEEN_POLLS_S - time.monotonic()))
        self._polled = time.monotonic()
        for shard in self._shards():
            if shard not in self._iterators:
                self._iterators[shard] = self._iterator(shard)
            self._drain(shard)

    def _shards(self) -> list[str]:
        """Parents before their children, as DescribeStream lists them."""
        shards: list[str] = []
        page: dict[str, Any] = {}
        while True:
            description = self._client.describe_stream(StreamArn=self.arn, **page)["StreamDescription"]
            shards += [shard["ShardId"] for shard in description["Shards"]]
            if "LastEvaluatedShardId" not in description:
                return shards
            page = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}

    def _iterator(self, shard: str) -> str:
        start: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self._passed:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._passed[shard]}
        answer = self._client.get_shard_iterator(StreamArn=self.arn, ShardId=shard, **start)
        iterator: str = answer["ShardIterator"]
        return iterator

    def _drain(self, shard: str) -> None:
        empty = 0
        for _ in range(PAGES_LIMIT):
            iterator = self._iterators[shard]
            if iterator is None or empty == EMPTY_PAGES:
                return
            try:
                page = self._client.get_records(ShardIterator=iterator)
            except self._client.exceptions.ExpiredIteratorException:
                self._iterators[shard] = self._iterator(shard)
                continue
            self._iterators[shard] = page.get("NextShardIterator")
            self.records += page["Records"]
            if page["Records"]:
                self._passed[shard] = page["Records"][-1]["dynamodb"]["SequenceNumber"]
            empty = 0 if page["Records"] else empty + 1


def image(record: dict[str, Any], name: str) -> dict[str, Any] | None:
    """A record's NewImage or OldImage as Python's values."""
    found = record["dynamodb"].get(name)
    if found is None:
        return None
    deserializer = TypeDeserializer()
    return {attribute: deserializer.deserialize(value) for attribute, value in found.items()}
