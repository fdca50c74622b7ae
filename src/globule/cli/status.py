"""`globule status`"""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.markup import escape
from rich.table import Table

from globule.cli.output import console, print_json, world_options
from globule.cli.worlds import find_world, status_of
from globule.faults import sentences
from globule.run.messages import ProcessStatus, StatusReport


@click.command()
@world_options
def command(state: str | None, as_json: bool) -> None:
    """Show the world's processes, doors, stacks and faults."""
    report = status_of(find_world(state))
    if as_json:
        print_json(report)
    else:
        show(report)


def show(report: StatusReport) -> None:
    """For people."""
    console.print(_processes(report))
    for process in report.processes:
        for problem in process.problems:
            console.print(f"[red]{process.name}: {escape(problem)}[/]")
    for fault in report.faults.links:
        console.print(f"[yellow]fault: {sentences.of_link(fault)}[/]")
    if any(stack.recorded for stack in report.stacks):
        console.print("\nRecorded, not running")
        console.print(_recorded(report))
    if any(stack.outputs for stack in report.stacks):
        console.print("\nOutputs")
        console.print(_outputs(report))
    console.print()
    for line in _doors(report):
        console.print(line, soft_wrap=True)


def _processes(report: StatusReport) -> Table:
    table = Table(title=f"World {report.version}", title_justify="left", box=None, pad_edge=False)
    for column in ("process", "state", "pid", "memory", "restarts"):
        table.add_column(column, justify="right" if column in ("pid", "memory", "restarts") else "left")
    for process in report.processes:
        table.add_row(
            process.name,
            _condition(process),
            str(process.pid or ""),
            f"{process.memory_bytes / 1e6:.0f} MB" if process.memory_bytes else "",
            str(process.restarts or ""),
        )
    return table


def _condition(process: ProcessStatus) -> str:
    colour = {"serving": "green", "starting": "yellow", "dead": "red"}[process.state]
    return f"[{colour}]{process.state}[/]"


def _recorded(report: StatusReport) -> Table:
    """A row a type, whatever the number of resources and regions that have it."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for stack in report.stacks:
        for entry in stack.recorded:
            found.setdefault((entry.type, entry.properties), {})[entry.logical_id] = None
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for (kind, properties), names in found.items():
        which = f"{', '.join(properties)} of " if properties else ""
        table.add_row(f"[dim]  {escape(kind)}[/]", f"[dim]{escape(which + ', '.join(names))}[/]")
    return table


def _outputs(report: StatusReport) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for stack in report.stacks:
        for name, value in stack.outputs.items():
            table.add_row(f"  {stack.name}", stack.region, name, escape(value))
    return table


def _doors(report: StatusReport) -> Iterator[str]:
    internet, dns = report.doors["internet"], report.doors["dns"]
    host, _, dns_port = dns.rpartition(":")
    for name in report.names:
        address = f"http://{name}.{report.home}.localhost:{internet.rpartition(':')[2]}/"
        yield f"browse  {escape(address)}  [dim]or any other city[/]"
    yield _door("proxy", internet, f"curl -x http://tokyo@{internet.removeprefix('http://')} URL")
    yield _door("TLS", report.doors["internet_secure"], f"trusted with {report.state}/certificates/authority.pem")
    yield _door("AWS", report.doors["endpoint"], "AWS_ENDPOINT_URL")
    yield _door("DNS", dns, f"dig -p {dns_port} @{host} NAME")


def _door(name: str, address: str, use: str) -> str:
    return f"{name:<8}{escape(address):<26}[dim]{escape(use)}[/]"
