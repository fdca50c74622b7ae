"""boto3's clients, one set for each region."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from suite.settings import Settings

# Sent to an endpoint that is not AWS where the environment holds no credentials: most check none.
PLACEHOLDER = "test"

CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})


@dataclass(frozen=True)
class Region:
    name: str
    dynamodb: Any
    """The low-level client."""
    tables: Any
    """The resource that makes Table objects."""
    streams: Any

    def describe(self, table: str) -> dict[str, Any] | None:
        """The table's description; None where there is no such table."""
        try:
            description: dict[str, Any] = self.dynamodb.describe_table(TableName=table)["Table"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return None
        return description


def connect(settings: Settings, name: str) -> Region:
    common: dict[str, Any] = {"region_name": name, "config": CONFIG}
    if not settings.on_aws:
        common["endpoint_url"] = settings.endpoint_urls[name]
        if "AWS_ACCESS_KEY_ID" not in os.environ and "AWS_PROFILE" not in os.environ:
            common |= {"aws_access_key_id": PLACEHOLDER, "aws_secret_access_key": PLACEHOLDER}
    session = boto3.Session()
    return Region(
        name=name,
        dynamodb=session.client("dynamodb", **common),
        tables=session.resource("dynamodb", **common),
        streams=session.client("dynamodbstreams", **common),
    )
