"""`globule up`"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import click

from globule.cli.attached import attend
from globule.cli.cities import city
from globule.cli.output import world_options
from globule.cloudformation.application import read_application
from globule.cloudformation.problems import TemplateProblems
from globule.run.guardian import start_guardian
from globule.run.living import living, stop_world
from globule.run.order import Order, read_order, write_order
from globule.run.settings import read_settings
from globule.run.state import State, StateProblem
from globule.world.ports import DOORS, Ports

# The highest door is 90 above it.
LARGEST_PORT_BASE = 65_000
LARGEST_FACTOR = 100.0
# Faster than this, probes would come before their answers.
LEAST_TIME_SCALE = 0.001


@click.command()
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--regions", metavar="A,B,...", default="", help="For a bare template: the regions it goes to.")
@click.option("--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="For a bare template.")
@click.option("--detach", "-d", is_flag=True, help="Return once the world serves.")
@click.option("--home", metavar="CITY", help="Where clients are that do not say so.")
@click.option(
    "--port-base",
    type=click.IntRange(1, LARGEST_PORT_BASE),
    default=4500,
    show_default=True,
    help="Moves all doors together.",
)
@click.option("--wan", default="1", metavar="SCALE", help="Scale of distance: `off`, or a factor such as 0.1.")
@click.option("--time-scale", default="1", metavar="FACTOR", help="Scale of health check intervals and TTLs.")
@click.option("--no-reload", is_flag=True, help="Do not follow changes of templates and code.")
@world_options
def command(
    path: Path,
    regions: str,
    parameters: tuple[str, ...],
    detach: bool,
    home: str | None,
    port_base: int,
    wan: str,
    time_scale: str,
    no_reload: bool,
    state: str | None,
    as_json: bool,
) -> None:
    """Run the application at PATH: a folder with globule.toml, or a SAM or CloudFormation template.

    Without --detach it stays, shows what happens, and stops the world on Ctrl-C. With --json it prints an object a
    line: what happens, and the world's status once it serves.
    """
    world = State(read_settings(state, home=path if path.is_dir() else path.parent).state)
    order = Order(
        path=str(path.resolve()),
        regions=tuple(filter(None, map(str.strip, regions.split(",")))),
        parameters=dict(_pair(text) for text in parameters),
        home=None if home is None else city(home, "--home").name,
        port_base=port_base,
        wan=0.0 if wan == "off" else _factor("--wan", wan, least=0.0),
        time_scale=_factor("--time-scale", time_scale, least=LEAST_TIME_SCALE),
        reload=not no_reload,
    )
    _check(world, order)
    write_order(world, order)
    asyncio.run(attend(world, start_guardian(world), detach=detach, as_json=as_json))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--parameter {text!r} is not KEY=VALUE")
    return key, value


def _factor(option: str, text: str, *, least: float) -> float:
    with contextlib.suppress(ValueError):
        if least <= (factor := float(text)) <= LARGEST_FACTOR:
            return factor
    raise click.UsageError(f"{option} {text!r}: a factor from {least:g} to {LARGEST_FACTOR:g} is wanted")


def _check(world: State, order: Order) -> None:
    """Problems that are better said here than found in a log."""
    try:
        read_application(Path(order.path), regions=order.regions, parameters=order.parameters)
        world.prepare()
        alive = living(world)
        if "guardian" in alive or "supervisor" in alive:
            raise StateProblem(f"a world is running on {world.root} already. Stop it with: globule down")
        if alive and read_order(world).port_base != order.port_base:  # they listen at the old doors
            asyncio.run(stop_world(world))
            world.prepare()
            alive = {}
    except (TemplateProblems, StateProblem) as problem:
        raise click.ClickException(str(problem)) from None
    for door, kind, port in _doors(Ports(order.port_base), edge_lives="edge" in alive):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:  # connections that ended a moment ago are in nobody's way
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((DOORS, port))
            except OSError as error:
                raise click.ClickException(
                    f"{door} cannot have port {port}: {error.strerror}. Stop what uses it, or move all doors with "
                    f"--port-base (now {order.port_base})."
                ) from None


def _doors(ports: Ports, *, edge_lives: bool) -> Iterator[tuple[str, socket.SocketKind, int]]:
    """What must be free. An edge that outlived its supervisor has its doors already, and keeps them."""
    yield "the AWS endpoint", socket.SOCK_STREAM, ports.endpoint
    yield "the console", socket.SOCK_STREAM, ports.console
    if not edge_lives:
        yield "the internet", socket.SOCK_STREAM, ports.internet
        yield "the internet with TLS", socket.SOCK_STREAM, ports.internet_secure
        yield "DNS over TCP", socket.SOCK_STREAM, ports.dns
        yield "DNS over UDP", socket.SOCK_DGRAM, ports.dns
