"""`globule dig`"""

from __future__ import annotations

import secrets
import socket
import time

import click

from globule.cli.cities import city
from globule.cli.output import print_json, world_options
from globule.cli.worlds import find_world, home_of, ports_of
from globule.wire import dns, dns_values
from globule.world.ports import DOORS
from globule.world.subnets import SUBNET_BITS, client_subnet

# dig's own.
TIMEOUT_S = 5.0

RCODES = {
    dns.NOERROR: "NOERROR",
    dns.FORMERR: "FORMERR",
    dns.SERVFAIL: "SERVFAIL",
    dns.NXDOMAIN: "NXDOMAIN",
    dns.NOTIMP: "NOTIMP",
    dns.REFUSED: "REFUSED",
}


@click.command()
@click.argument("name")
@click.argument("type_", metavar="[TYPE]", default="A")
@click.option("--from", "place", metavar="CITY", help="Where the client is (default: the world's home).")
@world_options
def command(name: str, type_: str, place: str | None, state: str | None, as_json: bool) -> None:
    """Ask the world's name server for NAME, as the resolver of somebody who is in CITY."""
    world = find_world(state)
    client = city(place or home_of(world), "--from")
    codes = {text: code for code, text in dns.TYPE_NAMES.items()}
    number = codes.get(type_.upper())
    if number is None:
        raise click.UsageError(f"{type_!r} is not a record type; known: {', '.join(codes)}")
    subnet = dns.ClientSubnet(client_subnet(client).partition("/")[0], SUBNET_BITS)
    try:
        query = dns.encode_message(
            dns.Message(
                id=secrets.randbits(16),
                questions=(dns.Question(name.rstrip("."), number),),
                edns=dns.Edns(client_subnet=subnet),
            )
        )
    except dns.InvalidName as error:
        raise click.UsageError(f"{name!r} is not a domain name: {error}") from None
    start = time.monotonic()
    answer = _ask(query, (DOORS, ports_of(world).dns))
    elapsed_ms = (time.monotonic() - start) * 1000
    _show(answer, elapsed_ms, place=client.name, as_json=as_json)


def _ask(query: bytes, address: tuple[str, int]) -> dns.Message:
    """Over UDP; over TCP where the answer does not fit."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(TIMEOUT_S)
            datagrams.connect(address)  # so that nobody else's datagram arrives, and a closed port is told
            datagrams.send(query)
            answer = dns.parse_message(datagrams.recv(65535))
        if not answer.truncated:
            return answer
        with socket.create_connection(address, TIMEOUT_S) as stream, stream.makefile("rb") as reading:
            stream.sendall(len(query).to_bytes(2, "big") + query)
            return dns.parse_message(reading.read(int.from_bytes(reading.read(2), "big")))
    except (OSError, dns.MalformedMessage) as error:
        raise click.ClickException(
            f"no answer from {address[0]}:{address[1]}: {error}. `globule status` says whether the edge serves"
        ) from None


def _show(answer: dns.Message, elapsed_ms: float, *, place: str, as_json: bool) -> None:
    status = RCODES.get(answer.rcode, str(answer.rcode))
    rows = [
        {
            "name": f"{record.name}.",
            "ttl_s": record.ttl_seconds,
            "type": dns.TYPE_NAMES.get(record.type, f"TYPE{record.type}"),
            "value": dns_values.value_text(record),
        }
        for record in answer.answers
    ]
    if as_json:
        print_json({"from": place, "status": status, "milliseconds": round(elapsed_ms, 1), "answers": rows})
        return
    for row in rows:
        click.echo(f"{row['name']}\t{row['ttl_s']}\tIN\t{row['type']}\t{row['value']}")
    click.echo(f";; {status}, from {place}, {elapsed_ms:.1f} ms")
