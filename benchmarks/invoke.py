"""Warm invocations a second, from an HTTP API to a function and back, beside serverless-offline in the same run.

    python benchmarks/invoke.py [--seconds 3] [--without-peer]

A region's own parts (HTTP server, API Gateway, function pool, workers) run in a process of their own, as they do in a
region; a raw client in this process holds keep-alive connections and posts a small JSON body that the function
returns. "Overhead" is what the round trip takes beyond the handler, which does nothing. Cold starts are measured on
functions that have no worker yet.

The peer is installed with npm into a temporary folder that is kept for the next run; without npm it is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

from globule.apigateway.model import HttpApi, HttpStage, LambdaIntegration, RouteTarget
from globule.apigateway.serving.service import ApiGatewayService
from globule.awslambda.model import Function, InlineCode
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.http_server import serve
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.world.snapshot import Deployed, World

REGION = "eu-west-1"
HOST = f"echo.execute-api.{REGION}.amazonaws.com"
CONNECTIONS = 16
PEER_PACKAGES = ("serverless@3", "serverless-offline@13")  # the last that need no licence
PEER_START_LIMIT_S = 60.0
BAR_TIMES = 20.0
BAR_OVERHEAD_MS = 1.0

SOURCES = {
    "python3.12": {
        "echo": "def handler(event, context):\n"
        "    return {'statusCode': 200, 'headers': {'content-type': 'application/json'}, 'body': event['body']}\n",
        "boto3": "import boto3\nclient = boto3.client('dynamodb')\ndef handler(event, context): return 1\n",
    },
    "nodejs22.x": {
        "echo": "exports.handler = async (event) => ({ statusCode: 200, "
        "headers: { 'content-type': 'application/json' }, body: event.body });\n",
    },
}


def function(runtime: str, name: str, source: str) -> Function:
    return Function(
        name=name,
        arn=f"arn:aws:lambda:{REGION}:000000000000:function:{name}",
        runtime=runtime,
        handler="index.handler",
        code=InlineCode(source=source, content_hash=name),
        log_group=f"/aws/lambda/{name}",
    )


def world() -> World:
    functions = [
        function(runtime, f"{runtime.partition('.')[0]}-{name}", source)
        for runtime, sources in SOURCES.items()
        for name, source in sources.items()
    ]
    routes = tuple(
        RouteTarget(
            key=f"POST /{each.name}",
            integration=LambdaIntegration(function=each.arn, payload_version="2.0", timeout_ms=30_000),
        )
        for each in functions
    )
    api = HttpApi(api_id="echo", name="echo", account="000000000000", routes=routes)
    models = [*functions, api, HttpStage(api_id="echo", name="$default")]
    return World(
        resources=tuple(
            Deployed(stack="s", region=REGION, logical_id=f"R{n}", type="T", physical_id=f"R{n}", resource=model)
            for n, model in enumerate(models)
        )
    )


def be_the_region(folder: str, ready: Connection) -> None:
    async def live() -> None:
        clock, entropy, network, tracer = SystemClock(), SystemEntropy(), LoopbackNetwork(), Tracer()
        pool = FunctionPool(
            REGION,
            Path(folder),
            network=network,
            clock=clock,
            entropy=entropy,
            tracer=tracer,
            variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PATH": os.environ["PATH"]},
        )
        pool.follow(world())
        gateway = ApiGatewayService(REGION, pool, clock=clock, entropy=entropy, tracer=tracer)
        await gateway.follow(world())
        server = await serve(network, ("127.0.0.1", 0), gateway.handle)
        cold = {}
        for name in ("python3-echo", "python3-boto3", "nodejs22-echo"):
            if name.startswith("node") and shutil.which("node") is None:
                continue
            started = time.perf_counter()
            result = await pool.invoke(name, b'{"body": "1"}')
            cold[name] = (time.perf_counter() - started) * 1000
            assert result.function_error is None, result.payload
        ready.send((server.address[1], cold))
        await asyncio.get_running_loop().run_in_executor(None, ready.recv)
        await server.aclose(0.1)
        await pool.close()

    uvloop.run(live())


class Client(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, until: float, latencies: list[float]) -> None:
        self._request = request
        self._until = until
        self._latencies = latencies
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._buffer.decode("latin-1")))
            return
        self._buffer = b""
        now = time.perf_counter()
        self._latencies.append(now - self._asked)
        if now < self._until:
            self._ask()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, failure: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(failure or ConnectionError("closed"))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise RuntimeError(f"no Content-Length in {head!r}")


def measure(port: int, path: str, *, connections: int, seconds: float, host: str = HOST) -> tuple[float, float]:
    """Requests a second, and the median round trip in milliseconds."""
    body = json.dumps({"message": "hello"}).encode()
    request = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def drive() -> tuple[float, float]:
        latencies: list[float] = []
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        clients = [
            (await loop.create_connection(lambda: Client(request, started + seconds, latencies), "127.0.0.1", port))[1]
            for _ in range(connections)
        ]
        await asyncio.gather(*(client.done for client in clients))
        elapsed = time.perf_counter() - started
        for client in clients:
            client._transport.close()
        return len(latencies) / elapsed, statistics.median(latencies) * 1000

    return uvloop.run(drive())


@contextmanager
def region() -> Iterator[tuple[int, dict[str, float]]]:
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=be_the_region, args=(folder, theirs))
        process.start()
        try:
            yield ours.recv()
        finally:
            ours.send("end")
            process.join(10)
            process.kill()


@contextmanager
def peer() -> Iterator[int | None]:
    """serverless-offline on a free port; None where it cannot be had."""
    folder = Path(tempfile.gettempdir()) / "globule-benchmark-serverless-offline"
    if shutil.which("npm") is None:
        print("serverless-offline is left out: there is no npm on this machine")
        yield None
        return
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules" / "serverless-offline").is_dir():
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", *PEER_PACKAGES]
        if subprocess.run(install, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            print("serverless-offline is left out: npm could not install it")
            yield None
            return
    ports = free_ports(3)
    settings = dict(zip(("httpPort", "lambdaPort", "websocketPort"), ports, strict=True))
    (folder / "handler.js").write_text(SOURCES["nodejs22.x"]["echo"])
    description = {
        "service": "echo",
        "frameworkVersion": "3",
        "provider": {"name": "aws", "runtime": "nodejs18.x", "region": REGION},
        "plugins": ["serverless-offline"],
        "custom": {"serverless-offline": {**settings, "noPrependStageInUrl": True}},
        "functions": {"echo": {"handler": "handler.handler", "events": [{"httpApi": "POST /echo"}]}},
    }
    (folder / "serverless.json").write_text(json.dumps(description))
    environment = {**os.environ, "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
    process = subprocess.Popen(
        ["node", "node_modules/serverless/bin/serverless.js", "offline", "start"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield ports[0] if answers(ports[0]) else None
    finally:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def answers(port: int) -> bool:
    deadline = time.monotonic() + PEER_START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            measure(port, "/echo", connections=1, seconds=0.1, host=f"127.0.0.1:{port}")
            return True
        except (OSError, RuntimeError):
            time.sleep(0.2)
    print("serverless-offline is left out: it did not start")
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--without-peer", action="store_true")
    arguments = parser.parse_args()
    best: dict[str, float] = {}
    with region() as (port, cold):
        print("cold start: " + ", ".join(f"{name} {took_ms:.0f} ms" for name, took_ms in cold.items()))
        print("(the first one includes the start of the process keeper)")
        for name in ("python3-echo", "nodejs22-echo"):
            if name not in cold:
                continue
            _, overhead_ms = measure(port, f"/{name}", connections=1, seconds=arguments.seconds)
            best[name], _ = measure(port, f"/{name}", connections=CONNECTIONS, seconds=arguments.seconds)
            print(
                f"{name:15} {best[name]:8,.0f} requests/s with {CONNECTIONS} connections; one connection: median "
                f"{overhead_ms:.3f} ms (bar: under {BAR_OVERHEAD_MS:.0f} ms)"
            )
    if arguments.without_peer:
        return
    with peer() as peer_port:
        if peer_port is None:
            return
        theirs, _ = measure(
            peer_port, "/echo", connections=CONNECTIONS, seconds=arguments.seconds, host=f"127.0.0.1:{peer_port}"
        )
        times = best["python3-echo"] / theirs
        print(f"{'serverless-offline':15} {theirs:8,.0f} requests/s (a Node.js handler)")
        print(f"Globule's Python function: {times:.1f} times as many (bar: {BAR_TIMES:.0f})")


if __name__ == "__main__":
    sys.exit(main())
