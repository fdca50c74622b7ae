"""Kills a region while people chat, and measures what it costs: time to recover, and messages lost.

    python benchmarks/region_loss.py [--people 50] [--seconds 20] [--time-scale 1]

Fifty people in European cities post and read; eu-west-1 is killed; after some time it is restarted. Printed: the
outage that each person saw (median, p95, worst) beside what Route 53 promises (request interval times failure
threshold, plus the record's TTL), and every acknowledged message counted in every region after healing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

from chat_load import Person, outages

ROOT = Path(__file__).parent.parent
CITIES = ("london", "paris", "berlin", "madrid", "rome", "frankfurt", "dublin", "amsterdam", "vienna", "warsaw")
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
# The chat's api.yaml: RequestInterval, FailureThreshold, and the record's TTL.
INTERVAL_S, THRESHOLD, TTL_S = 10, 2, 10
HEALING_LIMIT_S = 120.0


def globule(state: str, *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", "globule.cli", *arguments, "--state", state, "--json"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(outcome.stdout or "{}") if arguments[0] == "status" else {}


def stored(endpoint: str, region: str, table: str, rooms: set[str]) -> set[str]:
    """The ids of all messages in one region's replica."""
    client = boto3.client(
        "dynamodb", region_name=region, endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b"
    )
    found: set[str] = set()
    for room in rooms:
        pages = client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="room = :room",
            ExpressionAttributeValues={":room": {"S": room}},
            ConsistentRead=True,
        )
        found.update(item["id"]["S"] for page in pages for item in page["Items"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0, help="before the kill, and after the recovery")
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--port-base", type=int, default=6500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = f"{folder}/state"
        command = [
            sys.executable,
            "-m",
            "globule.cli",
            "up",
            str(ROOT / "examples" / "chat"),
            "--detach",
            "--state",
            state,
        ]
        scale = str(arguments.time_scale)
        subprocess.run([*command, "--port-base", str(arguments.port_base), "--time-scale", scale], check=True)
        try:
            measure(state, arguments)
        finally:
            globule(state, "down")


def measure(state: str, arguments: argparse.Namespace) -> None:
    status = globule(state, "status")
    table = next(stack["outputs"]["TableName"] for stack in status["stacks"] if "TableName" in stack["outputs"])  # type: ignore[attr-defined]
    promise_s = (INTERVAL_S * THRESHOLD + TTL_S) * arguments.time_scale
    people = [
        Person(
            city=city, room=f"room-{number % 5}", door=arguments.port_base + 80, host="chat.example.com", pause_s=0.2
        )
        for number, city in zip(range(arguments.people), itertools.cycle(CITIES), strict=False)
    ]
    for person in people:
        person.start()
    time.sleep(arguments.seconds)
    killed = time.time()
    globule(state, "fault", "kill", "eu-west-1")
    time.sleep(promise_s + arguments.seconds)
    lost_s = outages(people, killed)
    elsewhere = sorted({attempt.region for person in people for attempt in person.attempts[-20:] if attempt.region})
    globule(state, "fault", "restart", "eu-west-1")
    globule(state, "fault", "heal")
    time.sleep(arguments.seconds)
    for person in people:
        person.finish()
    acknowledged = {identifier for person in people for identifier in person.acknowledged}
    rooms = {person.room for person in people}
    endpoint = f"http://127.0.0.1:{arguments.port_base + 66}"
    deadline = time.monotonic() + HEALING_LIMIT_S
    missing = {region: len(acknowledged) for region in REGIONS}
    while any(missing.values()) and time.monotonic() < deadline:
        missing = {region: len(acknowledged - stored(endpoint, region, table, rooms)) for region in REGIONS}
    print(f"people {len(people)}, acknowledged messages {len(acknowledged)}")
    print(f"after the kill, answers came from {', '.join(elsewhere)}")
    quantiles = statistics.quantiles(lost_s, n=20)
    print(
        f"outage seen: median {statistics.median(lost_s):.1f} s, p95 {quantiles[18]:.1f} s, worst {max(lost_s):.1f} s"
    )
    print(f"promise: {INTERVAL_S} s x {THRESHOLD} + TTL {TTL_S} s, times {arguments.time_scale:g} = {promise_s:.1f} s")
    print(
        "acknowledged messages missing after healing: "
        + ", ".join(f"{region} {count}" for region, count in missing.items())
    )
    if any(missing.values()):
        sys.exit("acknowledged messages are missing")


if __name__ == "__main__":
    main()
