"""`globule status`"""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.markup import escape
from rich.table import Table

from globule.cli.output import console, print_json, world_options
from globule.cli.worlds import find_world, status_of
from globule.run.messages import ProcessStatus, StatusReport
from globule.world.faults import LinkFault


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
    for fault in report.faults.links:
        console.print(f"[yellow]fault:[/] {_fault(fault)}")
    for line in _recorded(report):
        console.print(f"[dim]{escape(line)}[/]")
    console.print(_doors(report))


def _processes(report: StatusReport) -> Table:
    table = Table(title=f"World {report.version}", title_justify="left", box=None, pad_edge=False)
    for column in ("process", "state", "pid", "memory", "restarts", ""):
        table.add_column(column, justify="right" if column in ("pid", "memory", "restarts") else "left")
    for process in report.processes:
        table.add_row(
            process.name,
            _condition(process),
            str(process.pid or ""),
            f"{process.memory_bytes / 1e6:.0f} MB" if process.memory_bytes else "",
            str(process.restarts or ""),
            escape("; ".join(process.problems)),
        )
    return table


def _recorded(report: StatusReport) -> Iterator[str]:
    """One line a resource (or some of its properties), whatever the number of regions that have it."""
    regions: dict[str, list[str]] = {}
    for stack in report.stacks:
        for what in stack.recorded:
            regions.setdefault(f"{stack.name}: {what}", []).append(stack.region)
    if regions:
        yield "Recorded, not running:"
    for what, where in regions.items():
        yield f"  {what}" + (f" in {len(where)} regions" if len(where) > 1 else "")


def _condition(process: ProcessStatus) -> str:
    colour = {"serving": "green", "starting": "yellow", "dead": "red"}[process.state]
    return f"[{colour}]{process.state}[/]"


def _doors(report: StatusReport) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    port = report.doors["internet"].rpartition(":")[2]
    for name in report.names:
        table.add_row("browse", f"http://{name}.{report.home}.localhost:{port}/   (any city in place of {report.home})")
    table.add_row("proxy", f"{report.doors['internet']}   (curl -x http://tokyo@{report.doors['internet'][7:]} URL)")
    table.add_row("AWS endpoint", f"{report.doors['endpoint']}   (AWS_ENDPOINT_URL)")
    host, _, dns_port = report.doors["dns"].rpartition(":")
    table.add_row("DNS", f"{report.doors['dns']}   (dig -p {dns_port} @{host} NAME)")
    return table


def _fault(fault: LinkFault) -> str:
    one, other = ("everywhere else" if place == "*" else place for place in fault.between)
    if fault.cut:
        return f"nothing passes between {one} and {other}"
    return f"{one} and {other}: {fault.extra_delay_ms:g} ms more each way, {fault.loss:.0%} loss"
