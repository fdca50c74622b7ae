"""Requests that leave at the same instant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

# Whether two requests overlap is chance. Where every write is older than its replication, one race in a few is
# enough; over one shared copy none of them ever shows it.
RACES = 30


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave, in their order; a ClientError is given, not raised."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return call()
        except ClientError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
