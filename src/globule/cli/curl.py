"""`globule curl`"""

from __future__ import annotations

import http.client
import secrets
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import click

from globule.cli.cities import city as find_city
from globule.cli.output import print_json, world_options
from globule.cli.waterfall import draw
from globule.cli.worlds import ask, find_world, ports_of
from globule.host import tracing
from globule.run.messages import Spans, Traced
from globule.world.ports import DOORS

# What curl waits for ever for; a world's own limits are far below this.
TIMEOUT_S = 120.0
PIECE_BYTES = 64 * 1024
# One JSON document, which is built in memory.
JSON_BODY_LIMIT_BYTES = 64 * 1024 * 1024


@click.command()
@click.argument("url")
@click.option("--from", "city", metavar="CITY", help="Where the client is (default: the world's home).")
@click.option("--request", "-X", "method", help="Method (default: GET, or POST with --data).")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'")
@click.option("--data", "-d", help="Body; @FILE reads it from a file, @- from standard input.")
@click.option("--include", "-i", is_flag=True, help="Print the response's head too.")
@click.option("--head", "-I", is_flag=True, help="A HEAD request; print the response's head.")
@click.option("--explain", is_flag=True, help="Print where the time went, step by step.")
@world_options
def command(
    url: str,
    city: str | None,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    include: bool,
    head: bool,
    explain: bool,
    state: str | None,
    as_json: bool,
) -> None:
    """Request URL as somebody who is in CITY, and print the body, as curl would."""
    world = find_world(state)
    trace = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    fields = [_field(text) for text in headers]
    if city is not None:
        fields.append(("X-Globule-From", find_city(city, "--from").name))
    if explain:
        fields.append((tracing.HEADER, f"Root={trace};Sampled=1"))
    body = _body(data)
    if not urlsplit(url).netloc:
        url = f"http://{url}"
    start = time.time()
    try:
        response = _request(ports_of(world).internet, method or _method(head, body), url, fields, body)
        if as_json:
            content = response.read(JSON_BODY_LIMIT_BYTES)
        else:
            _print(response, with_head=include or head, end_line=explain or sys.stdout.isatty())
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"{url}: {error or type(error).__name__}") from None
    end = time.time()
    spans = _spans(ask(world, Spans(trace=trace))) if explain else ()
    if as_json:
        print_json(
            {
                "status": response.status,
                "headers": response.getheaders(),
                "body": content.decode("utf-8", "replace"),
                "milliseconds": round((end - start) * 1000, 1),
                "spans": spans,
            }
        )
    elif explain:
        draw(spans, start=start, end=end)


def _request(
    door: int, method: str, url: str, fields: Sequence[tuple[str, str]], body: bytes | None
) -> http.client.HTTPResponse:
    """Through the internet's door as a proxy, with curl's own fields where none are given."""
    given = {name.lower() for name, _ in fields}
    connection = http.client.HTTPConnection(DOORS, door, timeout=TIMEOUT_S)
    try:
        connection.connect()
    except OSError as error:
        raise OSError(f"the internet's door does not open ({error}); see globule status") from None
    connection.putrequest(method, url, skip_host="host" in given, skip_accept_encoding=True)
    defaults = {"User-Agent": "globule-curl", "Accept": "*/*"}
    if body is not None:
        defaults |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    for name, value in (*fields, *((name, value) for name, value in defaults.items() if name.lower() not in given)):
        connection.putheader(name, value)
    connection.endheaders(body)
    return connection.getresponse()


def _print(response: http.client.HTTPResponse, *, with_head: bool, end_line: bool) -> None:
    out = sys.stdout.buffer
    if with_head:
        lines = [f"HTTP/1.1 {response.status} {response.reason}", *map(": ".join, response.getheaders()), "", ""]
        out.write("\r\n".join(lines).encode("latin-1"))
    last = b"\n"
    while piece := response.read1(PIECE_BYTES):
        out.write(piece)
        out.flush()
        last = piece
    if end_line and not last.endswith(b"\n"):
        out.write(b"\n")
    out.flush()


def _spans(reply: object) -> tuple[tracing.Span, ...]:
    assert isinstance(reply, Traced)
    return reply.spans


def _method(head: bool, body: bytes | None) -> str:
    return "HEAD" if head else "GET" if body is None else "POST"


def _field(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header {text!r} is not 'NAME: VALUE'")
    return name.strip(), value.strip()


def _body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    if data == "@-":
        return sys.stdin.buffer.read()
    try:
        with open(data[1:], "rb") as file:
            return file.read()
    except OSError as error:
        raise click.UsageError(f"--data {data}: {error.strerror}") from None
