"""`globule up`"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import msgspec
from rich.markup import escape

from globule.cli.output import console, print_json, world_options
from globule.cli.status import show
from globule.cli.worlds import status_of
from globule.cloudformation.application import read_application
from globule.cloudformation.problems import TemplateProblems
from globule.run.channel import Channel, ChannelClosed
from globule.run.messages import Event, Stop, Watch
from globule.run.order import Order, write_order
from globule.run.settings import STATE_FOLDER, child_environment, read_settings
from globule.run.state import State, StateProblem
from globule.world import places
from globule.world.ports import DOORS, Ports

# From the guardian's start to the supervisor's first answer: an interpreter's start on a busy machine.
SUPERVISOR_LIMIT_S = 60.0
POLL_S = 0.02
# The highest door is 90 above it.
LARGEST_PORT_BASE = 65_000

_COLOURS = {
    "problem": "red",
    "process": "yellow",
    "fault": "yellow",
    "unchanged": "yellow",
    "ready": "green",
    "reload": "cyan",
}


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
@click.option("--time-scale", default=1.0, metavar="FACTOR", help="Scale of health check intervals and TTLs.")
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
    time_scale: float,
    no_reload: bool,
    state: str | None,
    as_json: bool,
) -> None:
    """Run the application at PATH: a folder with globule.toml, or a SAM or CloudFormation template.

    Without --detach it stays, shows what happens, and stops the world on Ctrl-C.
    """
    folder = path if path.is_dir() else path.parent
    world = State(read_settings(state or str(folder.resolve() / STATE_FOLDER)).state)
    order = Order(
        path=str(path.resolve()),
        regions=tuple(filter(None, map(str.strip, regions.split(",")))),
        parameters=dict(_pair(text) for text in parameters),
        home=_city(home),
        port_base=port_base,
        wan=_scale(wan),
        time_scale=time_scale,
        reload=not no_reload,
    )
    _check(world, order)
    guardian = _start(world, order)
    try:
        asyncio.run(_follow(world, guardian, detach=detach, as_json=as_json))
    except ChannelClosed:
        raise click.ClickException(f"the supervisor did not start; see {world.logs / 'supervisor.log'}") from None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--parameter {text!r} is not KEY=VALUE")
    return key, value


def _city(name: str | None) -> str | None:
    try:
        return None if name is None else places.city(name).name
    except places.UnknownPlace as unknown:
        raise click.UsageError(f"--home: {unknown}") from None


def _scale(text: str) -> float:
    if text == "off":
        return 0.0
    try:
        scale = float(text)
    except ValueError:
        scale = -1.0
    if not 0 <= scale <= 100:
        raise click.UsageError(f"--wan {text!r}: say `off`, or a factor from 0 to 100")
    return scale


def _check(world: State, order: Order) -> None:
    """Problems that are better said here than found in a log."""
    try:
        read_application(Path(order.path), regions=order.regions, parameters=order.parameters)
    except TemplateProblems as problems:
        raise click.ClickException(str(problems)) from None
    try:
        world.prepare()
    except StateProblem as problem:
        raise click.ClickException(str(problem)) from None
    except OSError as error:
        raise click.ClickException(f"{world.root} cannot be used: {error.strerror}") from None
    if world.socket("supervisor").exists() and _answers(world):
        raise click.ClickException(f"a world is running on {world.root} already. Stop it with: globule down")
    ports = Ports(order.port_base)
    for port in (ports.internet, ports.internet_secure, ports.endpoint, ports.dns, ports.console):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((DOORS, port))
            except OSError:
                raise click.ClickException(
                    f"port {port} is in use. Stop what uses it, or move all doors with --port-base "
                    f"(now {order.port_base})."
                ) from None


def _answers(world: State) -> bool:
    async def knock() -> bool:
        try:
            await (await Channel.open(world.socket("supervisor"))).close()
        except ChannelClosed:
            return False
        return True

    return asyncio.run(knock())


def _start(world: State, order: Order) -> subprocess.Popen[bytes]:
    write_order(world, order)
    world.socket("supervisor").unlink(missing_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "globule.run.guardian", "--state", str(world.root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,
    )


async def _follow(world: State, guardian: subprocess.Popen[bytes], *, detach: bool, as_json: bool) -> None:
    """Show events: until ready when detached, else until Ctrl-C, which stops the world."""
    channel = await _reach(world, guardian)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    watching = asyncio.create_task(_watch(channel, world, detach=detach, as_json=as_json))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if watching.done():
        watching.result()
        if detach:
            return
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    console.print("Stopping...")
    await _stop(world, guardian)


async def _reach(world: State, guardian: subprocess.Popen[bytes]) -> Channel:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SUPERVISOR_LIMIT_S
    while loop.time() < deadline and guardian.poll() is None:
        with contextlib.suppress(ChannelClosed):
            return await Channel.open(world.socket("supervisor"))
        await asyncio.sleep(POLL_S)
    raise ChannelClosed


async def _watch(channel: Channel, world: State, *, detach: bool, as_json: bool) -> None:
    """Prints events; returns when ready and detached. Raises ClickException where the world cannot start.

    Problems before that are told once it is known what came of them.
    """
    say = _json_line if as_json else _line
    problems: list[Event] = []
    ready = False
    async for event in channel.stream(Watch()):
        assert isinstance(event, Event)
        if ready or event.kind not in ("problem", "failed", "unchanged", "ready"):
            say(event)
        elif event.kind == "problem":
            problems.append(event)
        elif event.kind == "failed" or (event.kind == "unchanged" and detach):
            await _stop(world, None)
            raise click.ClickException("\n".join(dict.fromkeys(each.text for each in problems)) or event.text)
        else:
            ready = True
            await _show_start(world, problems, event, detach=detach, as_json=as_json)
            if detach:
                return


async def _show_start(world: State, problems: list[Event], event: Event, *, detach: bool, as_json: bool) -> None:
    report = await asyncio.to_thread(status_of, world)
    if as_json:
        for problem in problems:
            _json_line(problem)
        print_json(report)
        return
    show(report)
    for problem in problems:
        _line(problem)
    if event.kind == "unchanged":
        _line(event)
    if not detach:
        console.print("\nCtrl-C stops the world.")


def _line(event: Event) -> None:
    console.print(f"[{_COLOURS.get(event.kind, 'dim')}]{escape(event.text)}[/]")


def _json_line(event: Event) -> None:
    click.echo(msgspec.json.encode(event))


async def _stop(world: State, guardian: subprocess.Popen[bytes] | None) -> None:
    with contextlib.suppress(ChannelClosed):
        channel = await Channel.open(world.socket("supervisor"))
        await channel.ask(Stop())
        await channel.close()
    if guardian is not None:
        await asyncio.to_thread(guardian.wait)
