"""What a worker's process is started with: which program, for which kind of runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from globule.awslambda.model import Function
from globule.awslambda.rules.runtimes import kind_of
from globule.awslambda.serving.logs import LogStore
from globule.host.clock import Clock
from globule.host.network import Network
from globule.host.processes import Command, ProcessKeeper, StartFailed

RUNTIMES = Path(__file__).parent.parent / "runtimes"
PYTHON_RUNTIME = RUNTIMES / "python_runtime.py"
NODEJS_RUNTIME = RUNTIMES / "nodejs_runtime.mjs"

# A worker's memory is looked at from time to time, so this bounds what a Python worker can take in between. Virtual
# reservations count too, hence not the function's own limit; Node.js reserves more than any such limit.
DATA_SLACK_BYTES = 1024 * 1024 * 1024


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What all workers of a pool have in common."""

    keeper: ProcessKeeper
    network: Network
    clock: Clock
    logs: LogStore
    region: str
    variables: Mapping[str, str]
    """Environment variables from the composition root."""
    node: str | None
    """Path of the Node.js executable; None where there is none."""


def command(
    function: Function, environment: Mapping[str, str], task_root: Path, layers: tuple[Path, ...], *, node: str | None
) -> Command:
    """Raises StartFailed."""
    kind = kind_of(function.runtime)
    if kind == "python":
        return Command(
            name=function.name,
            environment=environment,
            folder=task_root,
            script=PYTHON_RUNTIME,
            data_limit_bytes=function.memory_mb * 1024 * 1024 + DATA_SLACK_BYTES,
        )
    if kind == "nodejs":
        if node is None:
            raise StartFailed(
                f"function {function.name} needs Node.js ({function.runtime}), and there is no `node` on the PATH; "
                "install Node.js"
            )
        options = ("--enable-source-maps",) if "NODE_OPTIONS" not in environment else ()
        arguments = (node, *options, str(NODEJS_RUNTIME))
    else:
        # https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html: the function's own, else a layer's.
        places = [folder / "bootstrap" for folder in (task_root, *reversed(layers))]
        arguments = (str(next((place for place in places if place.is_file()), places[0])),)
    return Command(name=function.name, environment=environment, folder=task_root, arguments=arguments)
