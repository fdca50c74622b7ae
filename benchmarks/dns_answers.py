"""DNS answers a CPU second of the server, beside a server on dnspython, in the same run.

    python benchmarks/dns_answers.py

Three latency records and a client subnet, as the chat has. "Repeated" asks the same questions again and again, as a
resolver does, and is answered from memory; "cookies" gives each datagram an EDNS cookie of its own, as every run of
dig does; "all different" asks for another name each time, so that each is parsed and decided anew. The server runs in
a process of its own; its CPU time is read from the operating system, so the asker's speed does not matter.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import select
import socket
import sys
import time
from multiprocessing.connection import Connection

import dns.message
import dns.rrset
import uvloop

from globule.host.clock import SystemClock
from globule.host.datagrams import answer_datagrams
from globule.host.entropy import SystemEntropy
from globule.route53.model import HostedZone, Latency, RecordSet
from globule.route53.serving.board import HealthBoard
from globule.route53.serving.names import Names
from globule.route53.serving.responder import Responder
from globule.wire.dns import ClientSubnet, Edns, Message, Question, encode_message
from globule.world import places
from globule.world.snapshot import Deployed, World
from globule.world.subnets import client_subnet

SECONDS = 3.0
# In flight at once: enough that the server never waits, far fewer than the socket's buffer holds.
WINDOW = 64
BAR = 60_000


def names() -> Names:
    zone = HostedZone(id="Z1", name="example.com", name_servers=("ns-1.awsdns-01.com",))
    records = [
        RecordSet(
            name="*.example.com",
            record_type="A",
            zone_id="Z1",
            ttl_seconds=60,
            policy=Latency(region),
            set_identifier=region,
            values=(places.address_of(places.region(region)),),
        )
        for region in ("us-east-1", "eu-west-1", "ap-northeast-1")
    ]
    world = World(
        resources=tuple(
            Deployed(stack="s", region="us-east-1", logical_id=f"L{n}", type="T", physical_id="p", resource=resource)
            for n, resource in enumerate((zone, *records))
        )
    )
    return Names(world, owned=lambda world, name: None, board=HealthBoard(SystemClock()), entropy=SystemEntropy())


def ours(pipe: Connection) -> None:
    async def serve() -> None:
        datagrams = answer_datagrams(("127.0.0.1", 0), Responder(names()).over_udp)
        await measured(pipe, datagrams.address[1])
        datagrams.close()

    uvloop.run(serve())


def theirs(pipe: Connection) -> None:
    """As small as a server on dnspython can be: one fixed answer."""

    def respond(data: bytes, source: tuple[str, int]) -> bytes:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "A", "127.10.0.1"))
        return answer.to_wire()

    async def serve() -> None:
        datagrams = answer_datagrams(("127.0.0.1", 0), respond)
        await measured(pipe, datagrams.address[1])
        datagrams.close()

    uvloop.run(serve())


async def measured(pipe: Connection, port: int) -> None:
    """Say the port, then each time something arrives the CPU seconds used so far; end at the first None."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def report() -> None:
        if pipe.recv() is None:
            loop.remove_reader(pipe.fileno())
            done.set()
            return
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)

    loop.add_reader(pipe.fileno(), report)
    pipe.send(port)
    await done.wait()


def question(number: int, *, name: str = "chat.example.com", cookie: bytes = b"") -> bytes:
    network = client_subnet(places.cities()[number % 50]).partition("/")[0]
    edns = Edns(client_subnet=ClientSubnet(network, 24), options=((10, cookie),) if cookie else ())
    return encode_message(Message(id=number % 65536, questions=(Question(name, 1),), edns=edns))


def ask(port: int, questions: list[bytes]) -> int:
    """Keep WINDOW questions in flight for SECONDS; how many answers came."""
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    asker.setblocking(False)
    asker.connect(("127.0.0.1", port))
    answers = sent = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        while sent - answers < WINDOW:
            asker.send(questions[sent % len(questions)])
            sent += 1
        if not select.select([asker], [], [], 1.0)[0]:
            sent = answers  # some were dropped: start the window anew
            continue
        try:
            while True:
                asker.recv(2048)
                answers += 1
        except BlockingIOError:
            pass
    asker.close()
    return answers


def run(target: object, questions: list[bytes]) -> tuple[float, float]:
    """Answers a CPU second of the server, and a second."""
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=target, args=(other,))  # type: ignore[arg-type]
    process.start()
    port = pipe.recv()
    pipe.send("start")
    before = pipe.recv()
    answers = ask(port, questions)
    pipe.send("end")
    used_seconds = pipe.recv() - before
    pipe.send(None)
    process.join()
    return answers / used_seconds, answers / SECONDS


def main() -> int:
    repeated = [question(number) for number in range(1000)]
    cookies = [question(number, cookie=number.to_bytes(8)) for number in range(60_000)]
    different = [question(number, name=f"chat{number}.example.com") for number in range(60_000)]
    rows = {
        "globule, repeated": run(ours, repeated),
        "globule, cookies": run(ours, cookies),
        "globule, all different": run(ours, different),
        "dnspython": run(theirs, repeated),
    }
    print(f"{'':24}{'a CPU second':>14}{'a second':>12}")
    for name, (per_cpu_second, per_second) in rows.items():
        print(f"{name:24}{per_cpu_second:14,.0f}{per_second:12,.0f}")
    least, peer = rows["globule, cookies"][0], rows["dnspython"][0]
    print(f"cookies to dnspython: {least / peer:.1f}; bar {BAR:,} a CPU second: {'met' if least >= BAR else 'not met'}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
