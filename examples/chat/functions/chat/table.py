"""The table's replica in this function's own region."""

import os
from typing import Any

import boto3
from botocore.config import Config

# A replica is a few milliseconds away. One that does not answer within these is as good as down, and saying so
# early lets DNS lead people to another region.
_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})


def open_table() -> Any:
    """A boto3 Table. Called once, when the function starts."""
    return boto3.resource("dynamodb", config=_CONFIG).Table(os.environ["TABLE_NAME"])


def region() -> str:
    return os.environ["AWS_REGION"]
