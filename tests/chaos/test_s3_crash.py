"""S3 under load, killed again and again."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KILLS = 6
WRITERS = 4
# What S3 answers to somebody anonymous about a key that is not there.
MISSING = 403
SEED = int(os.environ.get("GLOBULE_TEST_SEED", "20261124"))
PROGRAM = Path(__file__).parent / "s3_process.py"


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ask(port: int, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body=body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def body_of(key: str, size: int) -> bytes:
    """Every object's body follows from its key, so that any mixture shows."""
    digest = hashlib.sha256(key.encode()).digest()
    return (digest * (size // len(digest) + 1))[:size]


class Writer(threading.Thread):
    """Puts objects until the server goes; remembers which were acknowledged, and which were perhaps written."""

    def __init__(self, port: int, name: str, seed: int) -> None:
        super().__init__()
        self.acknowledged: dict[str, int] = {}
        self.attempted: dict[str, int] = {}
        self._port = port
        self._name = name
        self._random = random.Random(seed)

    def run(self) -> None:
        number = 0
        while True:
            key = f"{self._name}/{number}"
            size = self._random.choice((0, 10, 3_000, 200_000, 2_500_000))
            self.attempted[key] = size
            try:
                status, _ = ask(self._port, "PUT", f"/photos/{key}", body_of(key, size))
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            self.acknowledged[key] = size
            number += 1


@pytest.mark.world
def test_what_was_acknowledged_is_whole_and_what_was_not_is_whole_or_absent(tmp_path):
    """kill -9 at random instants of uploads of all sizes; the seed is printed with a failure."""
    chance = random.Random(SEED)
    acknowledged: dict[str, int] = {}
    attempted: dict[str, int] = {}
    for kill in range(KILLS):
        with s3(tmp_path) as (process, port):
            assert ask(port, "PUT", "/photos")[0] == 200
            writers = [Writer(port, f"{kill}-{number}", chance.randrange(2**32)) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.05, 0.6))  # the instant of the crash is meant to be arbitrary
            process.kill()
            for writer in writers:
                writer.join()
                acknowledged |= writer.acknowledged
                attempted |= writer.attempted
    assert len(acknowledged) > KILLS * WRITERS, f"seed {SEED}"
    with s3(tmp_path) as (_, port):
        present = 0
        for key, size in attempted.items():
            status, body = ask(port, "GET", f"/photos/{key}")
            assert status in (200, MISSING), f"seed {SEED}"
            assert status == 200 or key not in acknowledged, f"seed {SEED}: {key} was acknowledged and is gone"
            assert status == MISSING or body == body_of(key, size), f"seed {SEED}: {key} is not what was written"
            present += status == 200 and size > 0
        deadline = time.monotonic() + 20
        while len(_files(tmp_path)) != present and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(_files(tmp_path)) == present, f"seed {SEED}: files that nobody needs were not swept"


def _files(folder: Path) -> list[Path]:
    return [path for path in (folder / "objects").rglob("*") if path.is_file()]
