"""A server of one region in a process of its own, and what clients that nobody has changed need to find it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

PATIENCE_SECONDS = 30.0
REGION = "eu-west-1"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    state = tmp_path_factory.mktemp("dynamodb")
    command = [sys.executable, "-m", "globule.run.dynamodb_alone", "--port", "0", "--region", REGION]
    with subprocess.Popen([*command, "--state", str(state)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address is not None, "it says where it listens"
        yield address[0]
        server.terminate()
        assert server.wait(PATIENCE_SECONDS) == 0


@pytest.fixture(scope="session")
def environment(endpoint: str) -> dict[str, str]:
    """Of a program that looks for AWS where AWS's programs do."""
    return {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}
