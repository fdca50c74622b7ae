"""Requests of the Streams API.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from globule.dynamodb.rules.shapes import TableName

StreamArn = Annotated[str, msgspec.Meta(min_length=37, max_length=1024)]
ShardId = Annotated[str, msgspec.Meta(min_length=28, max_length=65)]
SequenceNumber = Annotated[str, msgspec.Meta(min_length=21, max_length=40)]
IteratorType = Literal["AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "LATEST", "TRIM_HORIZON"]


class ListStreamsInput(msgspec.Struct, frozen=True, kw_only=True):
    TableName: TableName | None = None
    Limit: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    ExclusiveStartStreamArn: StreamArn | None = None


class ShardFilter(msgspec.Struct, frozen=True, kw_only=True):
    Type: Literal["CHILD_SHARDS"] | None = None
    ShardId: ShardId | None = None


class DescribeStreamInput(msgspec.Struct, frozen=True, kw_only=True):
    StreamArn: StreamArn
    Limit: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    ExclusiveStartShardId: ShardId | None = None
    ShardFilter: ShardFilter | None = None


class GetShardIteratorInput(msgspec.Struct, frozen=True, kw_only=True):
    StreamArn: StreamArn
    ShardId: ShardId
    ShardIteratorType: IteratorType
    SequenceNumber: SequenceNumber | None = None


class GetRecordsInput(msgspec.Struct, frozen=True, kw_only=True):
    ShardIterator: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    Limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
