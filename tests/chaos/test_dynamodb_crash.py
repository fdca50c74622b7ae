"""Three regions' tables in processes of their own, killed with SIGKILL at random instants under load, with partitions
and wrong clocks. What `globule.simulation` does on virtual time, on a real disk and real sockets.

    python tests/chaos/test_dynamodb_crash.py --kills 200 [--seed N]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent / "dynamodb_process.py"
REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
KILLS = 6
SEED = 20261124
CLOCK_OFFSETS_S = (0.0, -3.0, 5.0)
WRITERS_EACH = 2
SHARED_ITEMS = 6
SETTLING_LIMIT_S = 60.0


class Regions:
    """The three processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, region: str) -> None:
        offset = CLOCK_OFFSETS_S[REGIONS.index(region)]
        self.processes[region] = subprocess.Popen([sys.executable, str(PROGRAM), str(self.folder), region, str(offset)])

    def kill(self, region: str) -> None:
        self.processes[region].kill()
        self.processes[region].wait()
        self.port_file(region).unlink(missing_ok=True)

    def port_file(self, region: str) -> Path:
        return self.folder / f"{region}.port"

    def wait(self, region: str) -> None:
        deadline = time.monotonic() + SETTLING_LIMIT_S
        while not self.port_file(region).exists():
            assert self.processes[region].poll() is None, f"{region} ended by itself"
            assert time.monotonic() < deadline, f"{region} does not start"
            time.sleep(0.01)

    def cut(self, region: str, others: tuple[str, ...]) -> None:
        (self.folder / f"{region}.cut").write_text(" ".join(others))

    def heal(self) -> None:
        for file in self.folder.glob("*.cut"):
            file.unlink()

    def ask(self, region: str, path: str, body: bytes | None = None, operation: str = "") -> Any:
        """Raises OSError, HTTPException or LookupError where there is no good answer."""
        try:
            port = int(self.port_file(region).read_text())
        except (FileNotFoundError, ValueError) as problem:
            raise ConnectionRefusedError(region) from problem
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}"} if operation else {}
            connection.request("POST" if body is not None else "GET", path, body=body, headers=headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise LookupError(data)
        return json.loads(data)

    def call(self, region: str, operation: str, request: dict[str, Any]) -> Any:
        return self.ask(region, "/", json.dumps({"TableName": "chat", **request}).encode(), operation)


class Writer(threading.Thread):
    """Puts items whose `id` says who wrote them, and remembers which were acknowledged, over what."""

    def __init__(self, regions: Regions, region: str, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.regions = regions
        self.region = region
        self.name = f"{region}/{number}"
        self.random = random.Random(f"{seed} {self.name}")
        self.ended = threading.Event()
        self.acknowledged: list[tuple[str, str]] = []
        self.count = 0

    def run(self) -> None:
        while not self.ended.is_set():
            self.count += 1
            own = self.random.random() < 0.5
            key = f"{self.name}/{self.count}" if own else f"shared-{self.random.randrange(SHARED_ITEMS)}"
            item = {"pk": {"S": key}, "id": {"S": f"{self.region}/{self.name}/{self.count}"}}
            try:
                self.regions.call(self.region, "PutItem", {"Item": item})
            except (OSError, http.client.HTTPException, LookupError):
                time.sleep(0.05)
            else:
                self.acknowledged.append((key, item["id"]["S"]))
            time.sleep(self.random.random() * 0.01)


def contents_of(regions: Regions, region: str) -> dict[str, str] | None:
    """Ids by key; None while the replica is still being copied."""
    with contextlib.suppress(LookupError):
        return scan(regions, region)
    return None


def scan(regions: Regions, region: str) -> dict[str, str]:
    items: dict[str, str] = {}
    request: dict[str, Any] = {"ConsistentRead": True}
    while True:
        page = regions.call(region, "Scan", request)
        items |= {item["pk"]["S"]: item["id"]["S"] for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return items
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def followed(regions: Regions, region: str) -> set[str]:
    """Ids that this region's own writes took the place of, by its stream."""

    def stream(operation: str, request: dict[str, Any]) -> Any:
        body = json.dumps(request).encode()
        port = int(regions.port_file(region).read_text())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", "/", body, {"X-Amz-Target": f"DynamoDBStreams_20120810.{operation}"})
            return json.loads(connection.getresponse().read())

    (found,) = stream("ListStreams", {"TableName": "chat"})["Streams"]
    arn = found["StreamArn"]
    (shard,) = stream("DescribeStream", {"StreamArn": arn})["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = stream("GetShardIterator", place)["ShardIterator"]
    ids: set[str] = set()
    while True:
        page = stream("GetRecords", {"ShardIterator": iterator})
        if not page["Records"]:
            return ids
        iterator = page["NextShardIterator"]
        for record in page["Records"]:
            change = record["dynamodb"]
            if "OldImage" in change and change["NewImage"]["id"]["S"].startswith(f"{region}/"):
                ids.add(change["OldImage"]["id"]["S"])


def problems(regions: Regions, writers: list[Writer]) -> list[str]:
    """Broken promises, once everything has been healed and has settled."""
    deadline = time.monotonic() + SETTLING_LIMIT_S
    contents = [contents_of(regions, region) for region in REGIONS]
    while None in contents or contents[1:] != contents[:-1]:
        if time.monotonic() > deadline:
            figures = {region: regions.ask(region, "/statistics")["replication"] for region in REGIONS}
            return [f"replicas differ {SETTLING_LIMIT_S:.0f} s after healing: {figures}"]
        time.sleep(0.1)
        contents = [contents_of(regions, region) for region in REGIONS]
    found: list[str] = []
    for one, other in itertools.pairwise(REGIONS):
        comparison = regions.ask(one, f"/compare?{other}")
        if not comparison["equal"]:
            found.append(f"{one} and {other} hold the same, but compare says {comparison}")
    final = contents[0]
    assert final is not None
    here = set(final.values())
    later = set().union(*(followed(regions, region) for region in REGIONS))
    lost = {entry["lost"]["image"]["id"]["S"] for region in REGIONS for entry in regions.ask(region, "/conflicts")}
    for writer in writers:
        for key, id in writer.acknowledged:
            if id not in here and id not in later and id not in lost:
                found.append(f"acknowledged {id} of {key} is nowhere; the item is {final.get(key)}")
    return found


def play(folder: Path, *, kills: int, seed: int) -> tuple[list[str], str]:
    """Problems, and what happened in one line."""
    chance = random.Random(seed)
    regions = Regions(folder)
    writers = [Writer(regions, region, number, seed) for region in REGIONS for number in range(WRITERS_EACH)]
    try:
        for region in REGIONS:
            regions.start(region)
        for region in REGIONS:
            regions.wait(region)
        for writer in writers:
            writer.start()
        for _ in range(kills):
            time.sleep(0.1 + 0.5 * chance.random())
            victim = chance.choice(REGIONS)
            if chance.random() < 0.4:
                cut = chance.choice(REGIONS)
                regions.cut(cut, tuple(other for other in REGIONS if other != cut and chance.random() < 0.7))
            regions.kill(victim)
            time.sleep(0.3 * chance.random())
            if chance.random() < 0.5:
                regions.heal()
            regions.start(victim)
            regions.wait(victim)
        regions.heal()
        for writer in writers:
            writer.ended.set()
        for writer in writers:
            writer.join(timeout=30)
        found = problems(regions, writers)
        acknowledged = sum(len(writer.acknowledged) for writer in writers)
        conflicts = sum(len(regions.ask(region, "/conflicts")) for region in REGIONS)
        return found, f"{kills} kills, {acknowledged} writes acknowledged, {conflicts} entries in the ledgers"
    finally:
        for writer in writers:
            writer.ended.set()
        for process in regions.processes.values():
            process.kill()
            process.wait()


def test_kill_nine_of_regions_under_load_loses_nothing_and_all_replicas_converge(tmp_path: Path) -> None:
    found, summary = play(tmp_path, kills=KILLS, seed=SEED)
    assert found == [], f"seed {SEED}: {summary}"
    assert not summary.startswith(f"{KILLS} kills, 0 writes")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=SEED)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broken, story = play(Path(folder), kills=given.kills, seed=given.seed)
    sys.stdout.write("\n".join([f"seed {given.seed}: {story}", *broken[:20], ""]))
    sys.exit(1 if broken else 0)
