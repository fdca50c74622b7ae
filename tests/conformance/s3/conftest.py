"""Real servers for real clients."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from s3_server import S3Server


@pytest.fixture
def s3_server(tmp_path: Path) -> Iterator[S3Server]:
    with S3Server(tmp_path).running() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server) -> Iterator[Any]:
    client = s3_server.client()
    yield client
    client.close()


@pytest.fixture
def bucket(s3: Any) -> str:
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return "photos"


@pytest.fixture
def http_status() -> Any:
    """A plain HTTP request: status, fields and body."""

    def ask(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    return ask
