"""Items a second: durable PutItem, GetItem, Query of ten items, UpdateItem; beside dynalite and moto in the same run.

    python benchmarks/dynamodb.py [--seconds 2] [--connections 16]

Each server is a process of its own with 2,000 items of about 250 bytes in partitions of 20. The client is a raw epoll
loop over keep-alive connections, so that it is not the limit; it still takes one of the machine's cores. Beside the
rate stands the CPU time that the server spent on a request, which other work on the machine disturbs less. GetItem is
strongly consistent. dynalite keeps its data on disk but does not sync it; moto keeps it in memory; Globule answers a
write when it is synced.

dynalite is installed with npm, and moto with pip, into a temporary folder that is kept for the next run; where one
cannot be installed it is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

DYNALITE, MOTO = "4.0.0", "5.2.5"
PARTITIONS, ITEMS_EACH = 100, 20
START_LIMIT_SECONDS = 60.0
CACHE = Path(tempfile.gettempdir()) / "globule-benchmark-dynamodb"
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
BARS = {"PutItem": 3.0, "GetItem": 2.5, "Query": 5.0}
"""Times dynalite's rate, with 16 connections."""


class Figure(NamedTuple):
    rate: float
    median_ms: float
    p99_ms: float
    cpu_us: float


def message(port: int, operation: str, body: Any) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: DynamoDB_20120810.{operation}\r\nX-Amz-Date: 20260101T000000Z\r\n"
        f"Authorization: {CREDENTIAL}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"p{number // ITEMS_EACH}"}, "sk": {"S": f"s{number % ITEMS_EACH:03}"}}


def item(number: int, version: int = 0) -> dict[str, Any]:
    return {
        **key(number),
        "text": {"S": "x" * 100},
        "version": {"N": str(version)},
        "detail": {"M": {"flag": {"BOOL": True}, "list": {"L": [{"S": "y"}, {"N": "5"}]}}},
        "title": {"S": "z" * 40},
    }


def messages(port: int, operation: str) -> list[bytes]:
    """Three thousand requests for random items."""
    dice = random.Random(1)
    made = []
    for _ in range(3000):
        number = dice.randrange(PARTITIONS * ITEMS_EACH)
        body: dict[str, Any] = {"TableName": "bench"}
        match operation:
            case "PutItem":
                body["Item"] = item(number, dice.randrange(10**6))
            case "GetItem":
                body |= {"Key": key(number), "ConsistentRead": True}
            case "UpdateItem":
                one = {":one": {"N": "1"}}
                body |= {"Key": key(number), "UpdateExpression": "ADD version :one", "ExpressionAttributeValues": one}
            case "Query":
                values = {":p": key(number)["pk"], ":s": {"S": "s010"}}
                body |= {"KeyConditionExpression": "pk = :p AND sk < :s", "ExpressionAttributeValues": values}
        made.append(message(port, operation, body))
    return made


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, requests: list[bytes], first: int) -> None:
        self._port = port
        self.socket = self._connected()
        self._requests = requests
        self._next = first
        self._buffer = b""
        self.sent_at = 0.0
        self.closed = False
        """The server said that it closes the connection."""

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), timeout=START_LIMIT_SECONDS)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def reconnect(self) -> None:
        """For a server that closes after each answer."""
        self.socket.close()
        self.socket = self._connected()
        self.closed = False

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(self._requests[self._next % len(self._requests)])
        self._next += 1

    def receive(self) -> bool:
        """Whether a whole answer has arrived. Exits where it is an error."""
        arrived = self.socket.recv(65536)
        if not arrived:
            raise SystemExit("the server went away in the middle of an answer")
        data = self._buffer + arrived
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head = data[:end].lower()
            start = head.find(b"content-length:") + 15
            stop = head.find(b"\r", start)
            if len(data) >= end + 4 + int(head[start : stop if stop >= 0 else end]):
                if data[9:12] != b"200":
                    raise SystemExit(f"the server refused a request: {data[:500]!r}")
                self._buffer = b""
                self.closed = b"connection: close" in head
                return True
        self._buffer = data
        return False


def ask(port: int, operation: str, body: Any) -> None:
    """One request, answered."""
    client = Client(port, [message(port, operation, body)], 0)
    client.send()
    while not client.receive():
        pass
    client.socket.close()


def measure(port: int, pid: int, operation: str, connections: int, seconds: float) -> Figure:
    requests = messages(port, operation)
    clients = [Client(port, requests, first * 37) for first in range(connections)]
    poll = select.epoll()
    by_number = {client.socket.fileno(): client for client in clients}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    took: list[float] = []
    cpu, begin = cpu_seconds(pid), time.perf_counter()
    for client in clients:
        client.send()
    while time.perf_counter() - begin < seconds:
        for number, _ in poll.poll():
            client = by_number[number]
            if client.receive():
                took.append(time.perf_counter() - client.sent_at)
                if client.closed:
                    del by_number[number]
                    client.reconnect()
                    by_number[client.socket.fileno()] = client
                    poll.register(client.socket.fileno(), select.EPOLLIN)
                client.send()
    elapsed, spent = time.perf_counter() - begin, cpu_seconds(pid) - cpu
    poll.close()
    for client in clients:
        client.socket.close()
    took.sort()
    return Figure(
        len(took) / elapsed,
        took[len(took) // 2] * 1000,
        took[len(took) * 99 // 100] * 1000,
        spent / len(took) * 1e6,
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mebibytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """The server's process id, once it answers and holds the items."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_LIMIT_SECONDS
            while time.monotonic() < deadline:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
                    break
                except OSError:
                    time.sleep(0.05)
            fill(port)
            yield process.pid
        finally:
            process.kill()


def fill(port: int) -> None:
    keys = ("pk", "HASH"), ("sk", "RANGE")
    table = {
        "TableName": "bench",
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        "BillingMode": "PAY_PER_REQUEST",
    }
    ask(port, "CreateTable", table)
    time.sleep(1.0)  # dynalite's tables become active by and by
    for first in range(0, PARTITIONS * ITEMS_EACH, 25):
        writes = [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]
        ask(port, "BatchWriteItem", {"RequestItems": {"bench": writes}})


def installed(name: str, command: list[str], proof: Path) -> bool:
    """Installs a peer once. Says so where it cannot."""
    if proof.exists():
        return True
    if shutil.which(command[0]) is None:
        print(f"{name} is left out: there is no {command[0]}")
        return False
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=600)
    if done.returncode != 0 or not proof.exists():
        print(f"{name} is left out: {' '.join(command)} failed: {done.stderr.strip()[-300:]}")
        return False
    return True


def servers(folder: Path) -> Iterator[tuple[str, list[str], int]]:
    """Name, command, port."""
    port = free_port()
    own = [sys.executable, "-m", "globule.run.dynamodb_alone", "--port", str(port), "--state", str(folder / "own")]
    yield "globule", own, port
    cli = CACHE / "node_modules" / "dynalite" / "cli.js"
    if installed(f"dynalite {DYNALITE}", ["npm", "install", "--no-save", f"dynalite@{DYNALITE}"], cli):
        port = free_port()
        options = ["--port", str(port), "--path", str(folder / "dynalite"), "--createTableMs", "0"]
        yield f"dynalite {DYNALITE}", ["node", str(cli), *options], port
    python = CACHE / "moto" / "bin" / "python"
    if installed(f"moto {MOTO}", [sys.executable, "-m", "venv", "moto"], python) and installed(
        f"moto {MOTO}",
        [str(python), "-m", "pip", "install", "--quiet", f"moto[server,dynamodb]=={MOTO}"],
        CACHE / "moto" / "bin" / "moto_server",
    ):
        port = free_port()
        yield f"moto {MOTO}", [str(python), "-m", "moto.server", "-p", str(port)], port


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    figures: dict[str, dict[str, Figure]] = {}
    runs = [(name, arguments.connections) for name in ("GetItem", "Query", "PutItem", "UpdateItem")] + [("PutItem", 1)]
    with tempfile.TemporaryDirectory() as folder:
        for server, command, port in servers(Path(folder)):
            with running(command, port) as pid:
                for operation, connections in runs:
                    figure = measure(port, pid, operation, connections, arguments.seconds)
                    figures.setdefault(f"{operation} x{connections}", {})[server] = figure
                    print(
                        f"{server:16} {operation:>10} x{connections:<3} {figure.rate:8.0f}/s  "
                        f"median {figure.median_ms:7.2f} ms  p99 {figure.p99_ms:7.2f} ms  CPU {figure.cpu_us:6.0f} us",
                        flush=True,
                    )
                print(f"{server:16} resident {resident_mebibytes(pid):.0f} MiB")
    report(figures, arguments.connections)


def report(figures: dict[str, dict[str, Figure]], connections: int) -> None:
    print("\nglobule's rate as a multiple, and the multiple by CPU time")
    for run, by_server in figures.items():
        own = by_server["globule"]
        for server, figure in by_server.items():
            if server == "globule":
                continue
            bar = BARS.get(run.partition(" ")[0]) if server.startswith("dynalite") and run.endswith("x16") else None
            wanted = f"  (bar {bar})" if bar is not None else ""
            print(f"{run:15} {server:16} {own.rate / figure.rate:6.2f}  {figure.cpu_us / own.cpu_us:6.2f}{wanted}")


if __name__ == "__main__":
    main()
