"""Start-up times and idle memory of the chat in three regions.

    python benchmarks/startup.py

Cold: from nothing (no state directory) to the first page in a city; warm: the same state directory again. The peer
is the interpreter itself: a `python -c pass`, and one that imports boto3, in the same run. Bars: 5 s cold, 3 s warm,
60 MB a process.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PORT_BASE = 6700
ROUNDS = 3
CITY = "tokyo"


def globule(state: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "globule.cli", *arguments, "--state", state]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def up_to_first_page(state: str) -> tuple[float, float]:
    """Seconds from the command's start until it says that the world serves, and until a page is there."""
    start = time.monotonic()
    globule(state, "up", str(ROOT / "examples" / "chat"), "--detach", "--port-base", str(PORT_BASE))
    serves = time.monotonic() - start
    connection = http.client.HTTPConnection("127.0.0.1", PORT_BASE + 80, timeout=30)
    connection.request("GET", "https://chat.example.com/en/", headers={"X-Globule-From": CITY})
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 200, response.status
    return serves, time.monotonic() - start


def python(code: str) -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - start


def main() -> None:
    cold, warm, memory = [], [], {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(up_to_first_page(f"{folder}/state"))
            for process in json.loads(globule(f"{folder}/state", "status", "--json"))["processes"]:
                memory.setdefault(process["name"], []).append(process["memory_bytes"] / 1e6)
            globule(f"{folder}/state", "down")
            warm.append(up_to_first_page(f"{folder}/state"))
            globule(f"{folder}/state", "down")
    bare = statistics.median(python("pass") for _ in range(ROUNDS))
    boto3 = statistics.median(python("import boto3; boto3.client('dynamodb', 'us-east-1')") for _ in range(ROUNDS))
    print(f"{'':14} {'serves':>9} {'first page':>11}   first page, in starts of python with a boto3 client")
    for name, times in (("cold", cold), ("warm", warm)):
        serves, page = (statistics.median(values) for values in zip(*times, strict=True))
        print(f"{name:14} {serves:7.2f} s {page:9.2f} s   {page / boto3:.1f}")
    print(f"{'python':14} {bare:7.2f} s\n{'python + boto3':14} {boto3:7.2f} s")
    for name, values in memory.items():
        print(f"{name:14} {statistics.median(values):5.0f} MB")


if __name__ == "__main__":
    main()
