"""The store on a real disk: kill -9 under load, and a disk that fills up."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from globule.storage.opening import open_store, verify_store

WRITER = '''
"""Writes counters from several tasks and says each one when it is durable."""
import asyncio, sys
from pathlib import Path
from globule.storage.opening import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    async def write(name):
        number = int(store.read().get(name) or 0)
        while True:
            number += 1
            def change(transaction, number=number):
                transaction.put(name, b"%d" % number)
                transaction.put(b"twin-" + name, b"%d" % number)
            await store.write(change)
            print(name.decode(), number, flush=True)
    await asyncio.gather(*(write(b"w%d" % index) for index in range(8)))

asyncio.run(main())
'''

FILLER = '''
"""Fills a disk whose size is limited, then gets more room."""
import asyncio, resource, sys
from pathlib import Path
from globule.storage.opening import open_store
from globule.storage.store import StoreFull

async def main():
    store = await open_store(Path(sys.argv[1]))
    await store.write(lambda transaction: transaction.put(b"first", b"1"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    written = 0
    try:
        while written < 1000:
            await store.write(lambda transaction: transaction.put(b"%d" % written, b"x" * 200_000))
            written += 1
    except StoreFull as problem:
        print(problem)
    else:
        print("never full")
    read = store.read()
    assert read.get(b"first") == b"1"
    assert all(read.get(b"%d" % number) for number in range(written))
    assert read.get(b"%d" % written) is None
    for _ in range(3):
        try:
            await store.write(lambda transaction: transaction.put(b"again", b"y" * 30_000_000))
        except StoreFull:
            print("still full")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write(lambda transaction: transaction.put(b"last", b"z" * 30_000_000))
    await store.close()
    print("recovered", written)

asyncio.run(main())
'''

ROUNDS = 6


async def contents(folder: Path) -> dict[bytes, bytes]:
    store = await open_store(folder)
    found = dict(store.read().scan())
    await store.close()
    return found


def test_kill_nine_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    entropy = random.Random(11)
    acknowledged: dict[str, int] = {}
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert process.stdout is not None
        target = entropy.randrange(50, 600)
        for seen, line in enumerate(process.stdout):
            name, number = line.split()
            acknowledged[name] = int(number)
            if seen == target:
                process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert verify_store(tmp_path).problems == []
        kept = asyncio.run(contents(tmp_path))
        for name, number in acknowledged.items():
            assert int(kept[name.encode()]) >= number
            assert kept[name.encode()] == kept[b"twin-" + name.encode()]
    assert len(acknowledged) == 8


@pytest.mark.parametrize("limit_bytes", [20_000_000, 40_000_000])
def test_a_full_disk_refuses_writes_by_name_keeps_reads_and_recovers(tmp_path: Path, limit_bytes: int) -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path), str(limit_bytes)], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"{tmp_path}: the disk is full"
    assert lines[1:4] == ["still full"] * 3
    assert lines[4].startswith("recovered ")
    assert int(lines[4].split()[1]) > 5
    assert verify_store(tmp_path).problems == []
