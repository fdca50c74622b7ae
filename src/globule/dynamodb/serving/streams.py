"""DynamoDB Streams: change records of each table, 24 hours of them, read shard by shard.

`answer` is the whole of the API (target prefix `DynamoDBStreams_20120810`): the front door hands it the operation and
the decoded body, and renders what it returns or the AwsError that it raises.
"""

from __future__ import annotations

from typing import Any


class Streams:
    """The streams of one region; `Tables.streams`."""

    async def answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """ListStreams, DescribeStream, GetShardIterator, GetRecords. Raises AwsError."""
        ...
