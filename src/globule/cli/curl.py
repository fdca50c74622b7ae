"""`globule curl`"""

from __future__ import annotations

import http.client
import secrets
import sys
import time
from urllib.parse import urlsplit

import click

from globule.cli.output import print_json, world_options
from globule.cli.waterfall import draw
from globule.cli.worlds import ask, find_world, status_of
from globule.host import tracing
from globule.run.messages import Spans, Traced

# What curl waits for ever for; a world's own limits are far below this.
TIMEOUT_S = 120.0


@click.command(context_settings={"ignore_unknown_options": False})
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
    report = status_of(world)
    trace = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    fields = dict(_field(text) for text in headers)
    if city:
        fields["X-Globule-From"] = city
    if explain:
        fields[tracing.HEADER] = f"Root={trace};Sampled=1"
    body = _body(data)
    if not urlsplit(url).netloc:
        url = f"http://{url}"
    door = urlsplit(report.doors["internet"])
    connection = http.client.HTTPConnection(door.hostname or "", door.port, timeout=TIMEOUT_S)
    start = time.time()
    try:
        connection.request(method or ("HEAD" if head else "POST" if data else "GET"), url, body=body, headers=fields)
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(f"{url}: {error}") from None
    end = time.time()
    spans: tuple[tracing.Span, ...] = ()
    if explain:
        reply = ask(world, Spans(trace=trace))
        assert isinstance(reply, Traced)
        spans = reply.spans
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
        return
    if include or head:
        click.echo(f"HTTP/1.1 {response.status} {response.reason}")
        for name, value in response.getheaders():
            click.echo(f"{name}: {value}")
        click.echo()
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    if explain:
        if content and not content.endswith(b"\n"):
            click.echo()
        draw(spans, start=start, end=end)


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
