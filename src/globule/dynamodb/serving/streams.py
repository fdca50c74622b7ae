"""DynamoDB Streams: change records of each table, 24 hours of them, read shard by shard.

`answer` is the whole of the API (target prefix `DynamoDBStreams_20120810`): the front door hands it the operation and
the decoded body, and renders what it returns or the AwsError that it raises. `wait` lets a reader in this process
(Lambda's event source) sleep until there is something to read.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from globule.dynamodb.model import Keys
from globule.dynamodb.rules.errors import not_found, validation
from globule.dynamodb.rules.requests.streams import (
    DescribeStreamInput,
    GetRecordsInput,
    GetShardIteratorInput,
    ListStreamsInput,
)
from globule.dynamodb.rules.shapes import Shape
from globule.dynamodb.rules.shards import (
    Iterator,
    Shard,
    children,
    decode_iterator,
    encode_iterator,
    iterator_expired,
)
from globule.dynamodb.rules.stream_records import KeptChange, parse_sequence, sequence_text, shown_change
from globule.dynamodb.serving.catalogue import Catalogue, StreamRecord, TableRecord
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.spaces import STREAM, numbered, sequence_of
from globule.host.clock import Clock
from globule.storage.store import Store
from globule.wire.aws.errors import AwsError

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
ANSWER_LIMIT_RECORDS = 1000
ANSWER_LIMIT_BYTES = 1024 * 1024

_LISTED = 100

_SHAPES: Mapping[str, Shape[Any]] = {
    "ListStreams": Shape(ListStreamsInput),
    "DescribeStream": Shape(DescribeStreamInput),
    "GetShardIterator": Shape(GetShardIteratorInput),
    "GetRecords": Shape(GetRecordsInput),
}

_decode = msgspec.msgpack.Decoder(KeptChange).decode

Numbered = tuple[int, KeptChange]
"""A change, and its sequence."""


class Streams:
    """The streams of one region; `Tables.streams`."""

    def __init__(self, store: Store, catalogue: Catalogue, *, region: str, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._region = region
        self._clock = clock
        self._changed = asyncio.Event()
        self._answers: Mapping[str, Callable[[Any], dict[str, Any]]] = {
            "ListStreams": self._list_streams,
            "DescribeStream": self._describe_stream,
            "GetShardIterator": self._get_shard_iterator,
            "GetRecords": self._get_records,
        }

    async def answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """ListStreams, DescribeStream, GetShardIterator, GetRecords. Raises AwsError."""
        answer = self._answers.get(operation)
        if answer is None:
            raise AwsError("UnknownOperationException", "")
        return answer(_SHAPES[operation].read(msgspec.json.encode(body)))

    def notify(self) -> None:
        """Something was written."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Until something is written to any table of the region; whether it is of interest, GetRecords says."""
        await self._changed.wait()

    def _list_streams(self, request: ListStreamsInput) -> dict[str, Any]:
        name = None if request.TableName is None else request.TableName.rpartition("table/")[2]
        streams = sorted(
            (stream.arn, table.name, stream.label)
            for table in self._catalogue.records()
            if name in (None, table.name)
            for stream in table.streams
        )
        if request.ExclusiveStartStreamArn is not None:
            streams = [stream for stream in streams if stream[0] > request.ExclusiveStartStreamArn]
        limit = request.Limit or _LISTED
        answer: dict[str, Any] = {
            "Streams": [
                {"StreamArn": arn, "TableName": table, "StreamLabel": label} for arn, table, label in streams[:limit]
            ]
        }
        if len(streams) > limit:
            answer["LastEvaluatedStreamArn"] = streams[limit - 1][0]
        return answer

    def _describe_stream(self, request: DescribeStreamInput) -> dict[str, Any]:
        table, stream = self._find(request.StreamArn)
        shards = self._shards(table, stream)
        if request.ShardFilter is not None and request.ShardFilter.ShardId is not None:
            shards = children(shards, request.ShardFilter.ShardId)
        names = [shard.name for shard in shards]
        if request.ExclusiveStartShardId in names:
            shards = shards[names.index(request.ExclusiveStartShardId) + 1 :]
        limit = request.Limit or _LISTED
        description: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": "ENABLED" if stream.disabled_at is None else "DISABLED",
            "StreamViewType": stream.view,
            "CreationRequestDateTime": stream.enabled_at,
            "TableName": table.name,
            "KeySchema": _key_schema(table.spec.keys),
            "Shards": [_described(shard) for shard in shards[:limit]],
        }
        if len(shards) > limit:
            description["LastEvaluatedShardId"] = shards[limit - 1].name
        return {"StreamDescription": description}

    def _get_shard_iterator(self, request: GetShardIteratorInput) -> dict[str, Any]:
        table, stream = self._find(request.StreamArn)
        shard = self._shard(table, stream, request.ShardId)
        given = request.SequenceNumber
        match request.ShardIteratorType:
            case "TRIM_HORIZON":
                after = max(shard.after, stream.trimmed)
            case "LATEST":
                after = self._last(table) if shard.last is None else shard.last
            case kind:
                sequence = None if given is None else parse_sequence(given)
                if sequence is None or not shard.after < sequence <= (shard.last or self._last(table)):
                    raise validation(
                        f"Invalid SequenceNumber: {given}"
                        if given is not None
                        else "SequenceNumber must be specified for this ShardIteratorType"
                    )
                after = sequence - 1 if kind == "AT_SEQUENCE_NUMBER" else sequence
                if after < stream.trimmed:
                    raise _trimmed()
        return {"ShardIterator": encode_iterator(Iterator(stream.arn, shard.name, after, self._clock.now()))}

    def _get_records(self, request: GetRecordsInput) -> dict[str, Any]:
        iterator = decode_iterator(request.ShardIterator)
        if iterator is None:
            raise validation("Invalid ShardIterator")
        if iterator_expired(iterator, self._clock.now()):
            raise AwsError("ExpiredIteratorException", "Iterator expired")
        table, stream = self._find(iterator.stream)
        shard = self._shard(table, stream, iterator.shard)
        if iterator.after < stream.trimmed and iterator.after > shard.after:
            raise _trimmed()
        last = self._last(table) if shard.last is None else shard.last
        changes, read_to = self._read(stream, iterator.after, last, request.Limit or ANSWER_LIMIT_RECORDS)
        answer: dict[str, Any] = {
            "Records": [
                shown_change(kept, arn=stream.arn, region=self._region, view=stream.view, sequence=sequence)
                for sequence, kept in changes
            ]
        }
        if shard.last is None or read_to < shard.last:
            after = Iterator(stream.arn, shard.name, read_to, self._clock.now())
            answer["NextShardIterator"] = encode_iterator(after)
        return answer

    def _read(
        self, stream: StreamRecord, after: int, last: int, limit: int
    ) -> tuple[list[tuple[int, KeptChange]], int]:
        """Changes in order, and up to where they were looked for."""
        changes: list[tuple[int, KeptChange]] = []
        size_bytes = 0
        start, end = numbered(STREAM, stream.number, after + 1), numbered(STREAM, stream.number, last + 1)
        if start >= end:
            return changes, after
        for key, data in self._store.read().scan(start, end):
            size_bytes += len(data)
            if len(changes) >= limit or (changes and size_bytes > ANSWER_LIMIT_BYTES):
                return changes, changes[-1][0]
            changes.append((sequence_of(key), _decode(data)))
        return changes, last

    def _find(self, arn: str) -> tuple[TableRecord, StreamRecord]:
        """Raises ResourceNotFoundException."""
        for table in self._catalogue.records():
            for stream in table.streams:
                if stream.arn == arn:
                    return table, stream
        raise not_found(f"Requested resource not found: Stream: {arn} not found")

    def _shards(self, table: TableRecord, stream: StreamRecord) -> list[Shard]:
        """The oldest first."""
        ends: list[int | None] = [shard.after for shard in stream.shards[1:]]
        ends.append(None if stream.disabled_at is None else (stream.last or self._last(table)))
        return [
            Shard(name=shard.name, after=shard.after, last=end, parent=shard.parent)
            for shard, end in zip(stream.shards, ends, strict=True)
        ]

    def _shard(self, table: TableRecord, stream: StreamRecord, name: str) -> Shard:
        """Raises ResourceNotFoundException."""
        for shard in self._shards(table, stream):
            if shard.name == name:
                return shard
        raise not_found(f"Requested resource not found: Shard {name} in stream {stream.arn} not found")

    def _last(self, table: TableRecord) -> int:
        """The sequence of the table's last change."""
        return read_counters(self._store.read(), table.number).sequence


def _described(shard: Shard) -> dict[str, Any]:
    span = {"StartingSequenceNumber": sequence_text(shard.after + 1)}
    if shard.last is not None:
        span["EndingSequenceNumber"] = sequence_text(shard.last)
    described: dict[str, Any] = {"ShardId": shard.name, "SequenceNumberRange": span}
    if shard.parent is not None:
        described["ParentShardId"] = shard.parent
    return described


def _key_schema(keys: Keys) -> list[dict[str, str]]:
    return [
        *({"AttributeName": attribute.name, "KeyType": "HASH"} for attribute in keys.partition),
        *({"AttributeName": attribute.name, "KeyType": "RANGE"} for attribute in keys.sort),
    ]


def _trimmed() -> AwsError:
    return AwsError(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard",
    )
