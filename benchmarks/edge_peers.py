"""The edge and its peers (nginx, Varnish), each as one process behind the same origin, loaded by wrk.

Used by `edge_hit.py` and `edge_miss.py`. Figures are requests per CPU second of the server's processes: on a shared
machine they mean more than requests per second. Servers have one core, wrk and the origin another; rounds are
interleaved, and medians taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from globule.cloudfront.model import CacheBehavior, CustomOrigin, Distribution, Origin
from globule.cloudfront.serving.edge import Edge
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.network import LoopbackNetwork
from globule.host.tracing import Tracer
from globule.wan.dialer import Dialer
from globule.wan.links import Links
from globule.wan.naming import Endpoint
from globule.world.places import Place, address_of, edge_location, region
from globule.world.snapshot import Deployed, Scales, World

SERVER_CORE = 0
LOAD_CORE = 1 if (os.cpu_count() or 1) > 1 else 0
ROUNDS = 3
ROUND_S = 3
CONNECTIONS = 32
START_S = 20.0
HOST = "bench.example.com"
ORIGIN = "origin.example.com"
# Managed cache policies: CachingOptimizedForUncompressedObjects and CachingDisabled.
CACHED, DISABLED = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
SIZES = {"1 KB": ("/1k", 1024), "100 KB": ("/100k", 100 * 1024)}


@dataclass
class Peer:
    name: str
    pid: int
    address: tuple[str, int]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tool(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def start(command: list[str], folder: Path, address: tuple[str, int], core: int) -> subprocess.Popen[bytes]:
    """Start a server on a core of its own and wait until it listens."""
    log = (folder / f"{Path(command[0]).name}-{address[1]}.log").open("wb")
    process = subprocess.Popen(
        command, stdout=log, stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, {core}), start_new_session=True
    )
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start: {Path(log.name).read_text()[-2000:]}") from None
            time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """Of a process and its descendants."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
                ticks[int(entry.name)] = int(fields[11]) + int(fields[12])
    total, waiting = 0, [pid]
    while waiting:
        found = waiting.pop()
        total += ticks.get(found, 0)
        waiting += children.get(found, [])
    return total / os.sysconf("SC_CLK_TCK")


def load(peer: Peer, path: str, size: int) -> float:
    """Requests per CPU second of one round."""
    url = f"http://{peer.address[0]}:{peer.address[1]}{path}"
    before = cpu_seconds(peer.pid)
    output = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{ROUND_S}s", "-H", f"Host: {HOST}", url],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
    ).stdout
    used = cpu_seconds(peer.pid) - before
    requests = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
    if "Non-2xx" in output or "Socket errors" in output or requests == 0:
        raise SystemExit(f"{peer.name} did not answer all requests:\n{output}")
    read = urllib.request.urlopen(urllib.request.Request(url, headers={"Host": HOST}), timeout=5).read()
    assert len(read) == size, f"{peer.name} answered {len(read)} bytes"
    return requests / used


def compare(peers: list[Peer]) -> dict[str, dict[str, float]]:
    """Size to peer to its median requests per CPU second."""
    results: dict[str, dict[str, float]] = {}
    for label, (path, size) in SIZES.items():
        rounds: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(ROUNDS):
            for peer in peers:
                rounds[peer.name].append(load(peer, path, size))
        results[label] = {name: statistics.median(figures) for name, figures in rounds.items()}
    return results


NGINX = """
user root;
worker_processes 1;
daemon off;
pid {folder}/nginx-{port}.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush {nopush};
  tcp_nodelay on;
  keepalive_timeout 75;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/body-{port};
  proxy_temp_path {folder}/temp-{port};
  fastcgi_temp_path {folder}/f-{port};
  uwsgi_temp_path {folder}/u-{port};
  scgi_temp_path {folder}/s-{port};
  {body}
}}
"""

ORIGIN_BODY = """
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    open_file_cache max=10 inactive=1h;
    add_header Cache-Control max-age=3600;
  }}
"""

PROXY_BODY = """
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; keepalive_requests 100000000; }}
  {cache_path}
  open_file_cache max=10 inactive=1h;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host {origin_host};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      {cache}
    }}
  }}
"""


def _nginx(folder: Path, name: str, body: str, *, nopush: str, core: int) -> Peer:
    port = free_port()
    command = tool("nginx")
    assert command is not None
    file = folder / f"nginx-{port}.conf"
    file.write_text(NGINX.format(folder=folder, port=port, nopush=nopush, body=body.replace("PORT", str(port))))
    process = start([command, "-c", str(file), "-p", str(folder)], folder, ("127.0.0.1", port), core)
    return Peer(name, process.pid, ("127.0.0.1", port))


def origin(folder: Path) -> Peer:
    files = folder / "files"
    files.mkdir()
    for path, size in SIZES.values():
        (files / path[1:]).write_bytes(b"x" * size)
    return _nginx(folder, "origin", ORIGIN_BODY.format(port="PORT", folder=folder), nopush="off", core=LOAD_CORE)


def nginx(folder: Path, origin_port: int, *, cached: bool, nopush: str) -> Peer:
    cache_path = f"proxy_cache_path {folder}/cache-PORT keys_zone=all:10m inactive=1h;" if cached else ""
    cache = "proxy_cache all; add_header X-Cache $upstream_cache_status;" if cached else ""
    body = PROXY_BODY.format(port="PORT", origin=origin_port, origin_host=ORIGIN, cache_path=cache_path, cache=cache)
    name = f"nginx proxy_{'cache' if cached else 'pass'}, tcp_nopush {nopush}"
    return _nginx(folder, name, body, nopush=nopush, core=SERVER_CORE)


def varnish(folder: Path, origin_port: int) -> Peer:
    port = free_port()
    command = tool("varnishd")
    assert command is not None
    process = start(
        [command, "-F", "-j", "none", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}",
         "-b", f"127.0.0.1:{origin_port}", "-s", "malloc,256m", "-T", "none"],
        folder, ("127.0.0.1", port), SERVER_CORE,
    )  # fmt: skip
    return Peer("Varnish", process.pid, ("127.0.0.1", port))


def edge(folder: Path, origin_port: int, *, cached: bool) -> Peer:
    port = free_port()
    command = [sys.executable, __file__, str(port), str(origin_port), "cached" if cached else "direct"]
    address = (_edge_address(), port)
    return Peer("edge", start(command, folder, address, SERVER_CORE).pid, address)


def _edge_address() -> str:
    return address_of(edge_location("FRA"))


@contextlib.contextmanager
def running() -> Iterator[tuple[Path, Callable[[Peer], Peer]]]:
    """A folder, and a function that takes care that a peer ends."""
    if tool("wrk") is None or tool("nginx") is None:
        print("skipped: wrk and nginx are needed (apt-get install wrk nginx-light)")
        raise SystemExit(0)
    peers: list[Peer] = []

    def keep(peer: Peer) -> Peer:
        peers.append(peer)
        return peer

    with tempfile.TemporaryDirectory() as folder:
        try:
            yield Path(folder), keep
        finally:
            for peer in peers:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(peer.pid, 15)
            for peer in peers:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(peer.pid, 0)


def edge_world(*, cached: bool, scales: Scales) -> World:
    """One distribution in front of one origin."""
    distribution = Distribution(
        id="E1",
        arn="",
        domain_name="d1.cloudfront.net",
        aliases=(HOST,),
        origins=(Origin(id="o", domain_name=ORIGIN, config=CustomOrigin(protocol_policy="http-only")),),
        default_behavior=CacheBehavior(
            target_origin_id="o", viewer_protocol_policy="allow-all", cache_policy_id=CACHED if cached else DISABLED
        ),
    )
    deployed = Deployed(
        stack="s", region="us-east-1", logical_id="D", type="D", physical_id="E1", resource=distribution
    )
    return World(scales=scales, resources=(deployed,))


class Names:
    """Every name is the origin."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, name: str, *, source: Place) -> tuple[Endpoint, ...]:
        return (Endpoint(("127.0.0.1", self._port), region("eu-central-1")),)


async def serve_edge(port: int, origin_port: int, *, cached: bool) -> None:
    """One edge location in front of the origin, at no distance: what `run.edge` composes, without the rest."""
    world = edge_world(cached=cached, scales=Scales(wan=0))
    network = LoopbackNetwork()
    edge = Edge(
        network=network,
        dialer=Dialer(network, Links(world)),
        resolver=Names(origin_port),
        invoker=None,  # type: ignore[arg-type]
        clock=SystemClock(),
        entropy=SystemEntropy(),
        tracer=Tracer(),
        key="key",
        places=[edge_location("FRA")],
    )
    await edge.listen(port)
    await edge.follow(world)
    await asyncio.Event().wait()


if __name__ == "__main__" and len(sys.argv) == 4:
    uvloop.run(serve_edge(int(sys.argv[1]), int(sys.argv[2]), cached=sys.argv[3] == "cached"))
