"""A region that throttles, by AWS's own client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from globule.run.dynamodb_alone import Alone


async def test_a_table_is_held_to_its_capacity_where_the_region_throttles(tmp_path: Path) -> None:
    alone = await Alone.open(tmp_path, port=0, throttles=True)
    code = await asyncio.to_thread(_write_too_much, alone.server.address[1])
    await alone.close()
    assert code == "ProvisionedThroughputExceededException"


def _write_too_much(port: int) -> Any:
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}),
    )
    client.create_table(
        TableName="small",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    item = {"pk": {"S": "p"}, "v": {"S": "x" * 350_000}}
    client.put_item(TableName="small", Item=item)
    with pytest.raises(client.exceptions.ProvisionedThroughputExceededException) as caught:
        client.put_item(TableName="small", Item=item)
    client.close()
    return caught.value.response["Error"]["Code"]
