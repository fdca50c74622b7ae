"""A server of one region on a port of its own, and AWS's client that talks to it."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from globule.run.dynamodb_alone import Alone

PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that runs in a thread of its own."""
    folder: Path = tmp_path_factory.mktemp("dynamodb")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    alone = asyncio.run_coroutine_threadsafe(Alone.open(folder, port=0), loop).result(PATIENCE_SECONDS)
    yield alone.server.address[1]
    asyncio.run_coroutine_threadsafe(alone.close(), loop).result(PATIENCE_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_SECONDS)
    loop.close()


@pytest.fixture(scope="session")
def client(port: int) -> Any:
    """boto3's client, which judges nothing itself and tries nothing again."""
    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(parameter_validation=False, retries={"max_attempts": 0}),
    )


Refused = Callable[..., tuple[str, str]]


@pytest.fixture(scope="session")
def refused(client: Any) -> Refused:
    """Calls an operation that must fail, and gives the error's code and message."""

    def call(operation: str, **parameters: Any) -> tuple[str, str]:
        with pytest.raises(client.exceptions.ClientError) as caught:
            getattr(client, operation)(**parameters)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call


Raw = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture
def raw(port: int) -> Iterator[Raw]:
    """Sends any body to an operation, and gives the status, the fields, and what JSON came back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)

    def post(target: str, body: Any) -> tuple[int, dict[str, str], Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        name = target if "." in target else f"DynamoDB_20120810.{target}"
        connection.request("POST", "/", data, {"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.0"})
        answer = connection.getresponse()
        headers = {field.lower(): value for field, value in answer.getheaders()}
        return answer.status, headers, json.loads(answer.read())

    yield post
    connection.close()


_NUMBERS = itertools.count()

NewTable = Callable[..., str]


@pytest.fixture(scope="session")
def new_table(client: Any) -> NewTable:
    """Makes a table with string keys `pk` and, if asked for, `sk`; gives its name."""

    def make(*, sort: bool = True, **parameters: Any) -> str:
        name = f"table-{next(_NUMBERS)}"
        keys = [("pk", "HASH"), ("sk", "RANGE")][: 2 if sort else 1]
        attributes = parameters.pop("attributes", {})
        client.create_table(
            **{
                "TableName": name,
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                "AttributeDefinitions": [
                    {"AttributeName": key, "AttributeType": kind}
                    for key, kind in {**{key: "S" for key, _ in keys}, **attributes}.items()
                ],
                "BillingMode": "PAY_PER_REQUEST",
                **parameters,
            }
        )
        return name

    return make


@pytest.fixture(scope="session")
def table(new_table: NewTable) -> str:
    """A table that all tests share: each uses keys of its own."""
    return new_table()


@pytest.fixture
def pk() -> dict[str, str]:
    """A partition key that nobody else uses."""
    return {"S": f"partition-{next(_NUMBERS)}"}
