"""Replication of a global table at 500 writes a second in each of three regions at once.

    python benchmarks/replication.py [--rate 500] [--seconds 20] [--partition 60]

Printed: the lag from each region to each other at p50 and p99, beside the link's one-way delay (bar: that plus 10 ms
at p99); then a partition at the same rate, how long both queues take to drain once it is healed (bar: 15 s), and what
`globule tables diff` says of every pair. The peer is the distance itself: the model's one-way delay of each link.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from globule.world.distance import round_trip_ms
from globule.world.places import address_of, region

REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
PORT_BASE = 6900
CONNECTIONS = 16
BAR_MS = 10.0
DRAIN_BAR_S = 15.0
DRAIN_LIMIT_S = 120.0
ITEM_BYTES = 400
TEMPLATE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "TableName": "bench",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
                "Replicas": [{"Region": code} for code in REGIONS],
            },
        }
    }
}
APPLICATION = """
[[stack]]
name = "data"
template = "data.json"
regions = ["us-east-1"]
[[stack]]
name = "nothing"
template = "nothing.json"
regions = ["eu-west-1", "ap-northeast-1"]
"""
# A region runs where a stack goes; these two have the replicas only.
NOTHING = {"Resources": {"Name": {"Type": "AWS::Logs::LogGroup"}}}


def globule(state: str, *arguments: str, check: bool = True) -> Any:
    command = [sys.executable, "-m", "globule.cli", *arguments, "--state", state, "--json"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=check)
    return json.loads(outcome.stdout) if arguments[0] in ("tables", "status") else outcome


async def write(code: str, rate: float, until: float, counter: itertools.count[int]) -> int:
    """Puts at a steady rate over a few keep-alive connections; how many were acknowledged."""
    done = 0
    interval_s = CONNECTIONS / rate

    async def one(offset: int) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(address_of(region(code)), PORT_BASE + 80)
        next_at = time.monotonic() + offset * interval_s / CONNECTIONS
        while next_at < until:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            next_at += interval_s
            item = {"pk": {"S": f"{code}-{next(counter)}"}, "body": {"S": "x" * ITEM_BYTES}}
            body = json.dumps({"TableName": "bench", "Item": item}).encode()
            writer.write(
                b"POST / HTTP/1.1\r\nHost: dynamodb.%s.amazonaws.com\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
                b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
                % (code.encode(), len(body))
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            assert head.startswith(b"HTTP/1.1 200"), head
            done += 1
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for offset in range(CONNECTIONS):
            tasks.create_task(one(offset))
    return done


def load(rate: float, seconds: float, counter: itertools.count[int]) -> int:
    async def all_regions() -> list[int]:
        until = time.monotonic() + seconds
        return await asyncio.gather(*(write(code, rate, until, counter) for code in REGIONS))

    return sum(asyncio.run(all_regions()))


def waiting(state: str) -> int:
    """Changes that some region has not been told of."""
    lag = globule(state, "tables", "lag")
    return sum(link["tables"]["bench"]["waiting"] for others in lag.values() for link in others.values())


def drain(state: str) -> float:
    start = time.monotonic()
    while waiting(state) and time.monotonic() - start < DRAIN_LIMIT_S:
        time.sleep(0.2)
    return time.monotonic() - start


def show_lag(state: str) -> bool:
    held = True
    lag = globule(state, "tables", "lag")
    print(f"{'from':16} {'to':16} {'one way':>9} {'p50':>9} {'p99':>9} {'p99 beyond':>11}")
    for one, others in lag.items():
        for other, link in others.items():
            figures = link["tables"]["bench"]["latency"]
            one_way = round_trip_ms(region(one), region(other), network="backbone") / 2
            beyond = figures["p99_ms"] - one_way
            held = held and beyond <= BAR_MS
            print(f"{one:16} {other:16} {one_way:6.1f} ms {figures['p50_ms']:6.1f} ms {figures['p99_ms']:6.1f} ms "
                  f"{beyond:8.1f} ms")  # fmt: skip
    print(f"p99 within the one-way delay plus {BAR_MS:g} ms: {'yes' if held else 'no'}")
    return held


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=500.0, help="writes a second in each region")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--partition", type=float, default=60.0, help="seconds that us-east-1 is cut off")
    arguments = parser.parse_args()
    counter = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("data.json", TEMPLATE), ("nothing.json", NOTHING)):
            (Path(folder) / name).write_text(json.dumps(content))
        (Path(folder) / "globule.toml").write_text(APPLICATION)
        state = f"{folder}/state"
        globule(state, "up", folder, "--detach", "--port-base", str(PORT_BASE))
        try:
            start = time.monotonic()
            written = load(arguments.rate, arguments.seconds, counter)
            print(
                f"{written / (time.monotonic() - start):.0f} writes/s in all, {arguments.rate:g} asked of each region"
            )
            show_lag(state)
            globule(state, "fault", "partition", "us-east-1", "eu-west-1")
            globule(state, "fault", "partition", "us-east-1", "ap-northeast-1")
            load(arguments.rate, arguments.partition, counter)
            held_back = waiting(state)
            globule(state, "fault", "heal")
            took_s = drain(state)
            print(f"partition of {arguments.partition:g} s: {held_back} changes held back, drained in {took_s:.1f} s "
                  f"(bar {DRAIN_BAR_S:g} s)")  # fmt: skip
            for one, other in itertools.combinations(REGIONS, 2):
                found = globule(state, "tables", "diff", one, other, check=False)["bench"]
                print(f"diff {one} {other}: {'equal' if found['equal'] else 'different'}, {found['items_here']} items")
        finally:
            globule(state, "down")


if __name__ == "__main__":
    main()
