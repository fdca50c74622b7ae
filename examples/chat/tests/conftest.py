"""The functions' folders on the path, and the environment that Lambda gives them."""

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent
sys.path[:0] = [str(FOLDER / name) for name in ("functions", "edge", "tests")]
os.environ.setdefault("AWS_REGION", "eu-west-1")
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
os.environ.setdefault("TABLE_NAME", "messages")


@pytest.fixture
def table():
    from fake_table import FakeTable

    return FakeTable()
