"""The AWS SDK for JavaScript v3, and its document client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import PATIENCE_SECONDS

HERE = Path(__file__).parent / "js"
PACKAGES = Path(os.environ.get("GLOBULE_JAVASCRIPT_PACKAGES", HERE))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not here")
@pytest.mark.skipif(
    not (PACKAGES / "node_modules/@aws-sdk/lib-dynamodb").exists(),
    reason="the SDK is not here: `npm install` in tests/conformance/clients/js, or set GLOBULE_JAVASCRIPT_PACKAGES",
)
def test_an_application_in_javascript_works(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["node", str(HERE / "dynamodb.cjs"), str(PACKAGES.resolve())],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "read": {
            "customer": "types",
            "number": 1,
            "text": "é\U0001f600",
            "bytes": [0, 255],
            "words": ["a", "b"],
            "deep": {"list": [1, None, True, {"empty": ""}]},
        },
        "unprocessed": {},
        "numbers": [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]],
        "updated": {"amount": 5},
        "condition": {
            "name": "ConditionalCheckFailedException",
            "item": {"customer": {"S": "many"}, "number": {"N": "1"}, "amount": {"N": "5"}},
        },
        "transaction": {"name": "TransactionCanceledException", "reasons": ["None", "ConditionalCheckFailed"]},
        "missing": {"name": "ResourceNotFoundException"},
        "statement": [{"amount": 5}],
        "records": 27,
    }
