"""All functions of one region, ready to be invoked: implements `host.functions.Invoker`.

It depends on no service, so the edge process has one too, for Lambda@Edge: the functions of us-east-1, by the ARN of
a version. Under its folder:

    logs/       what functions print (`serving.logs`)
    code/       unpacked archives and inline sources
    bundled/    what AWS's Python runtime brings along
    bytecode/   compiled Python, so that nothing is written into the user's folders
    workers/    each worker's TMPDIR

All but the logs are emptied at the start.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from globule.awslambda.rules import outcomes
from globule.awslambda.rules.directory import Directory, Target
from globule.awslambda.rules.runtimes import kind_of
from globule.awslambda.serving.bundled import PRELOADED, link_bundled
from globule.awslambda.serving.code import CodeUnavailable, code_folder
from globule.awslambda.serving.fleet import Fleet
from globule.awslambda.serving.invocation import Invocation, Outcome
from globule.awslambda.serving.launch import PYTHON_RUNTIME, Surroundings
from globule.awslambda.serving.logs import LogStore
from globule.awslambda.serving.worker import Worker
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.functions import InvocationResult
from globule.host.network import Network
from globule.host.processes import ProcessKeeper
from globule.host.tracing import Tracer, sampled
from globule.wire.aws.errors import AwsError
from globule.world.snapshot import World

# How often memory limits are enforced and idle workers looked for, while there is any worker.
LOOK_S = 0.25
# Workers of all functions together. Each has some tens of megabytes; the least recently used idle one makes room.
WORKERS_LIMIT = 100


class FunctionPool:
    """Invokes functions of `region`. Workers are started when they are needed, and by the first world already what
    makes them start fast."""

    def __init__(
        self,
        region: str,
        folder: Path,
        *,
        network: Network,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
        variables: Mapping[str, str],
    ) -> None:
        """`variables` are environment variables of every function: AWS_ENDPOINT_URL, PATH."""
        self.region = region
        self.logs = LogStore(folder / "logs")
        self._folder = folder
        self._clock = clock
        self._entropy = entropy
        self._tracer = tracer
        for name in ("workers", "code", "bytecode"):
            shutil.rmtree(folder / name, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._around = Surroundings(
            keeper=ProcessKeeper(
                options=("-X", "utf8"),
                path=(link_bundled(folder / "bundled"),),
                modules=PRELOADED,
                scripts=(PYTHON_RUNTIME,),
            ),
            network=network,
            clock=clock,
            logs=self.logs,
            region=region,
            variables=variables,
            node=shutil.which("node", path=variables.get("PATH")),
        )
        self._directory = Directory(World(), region)
        self._fleets: dict[str, Fleet] = {}
        """By the unqualified ARN and the version."""
        self._draining: set[Fleet] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        """Lives of workers, and clean-ups after them. `close` ends them all."""
        self._care: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<FunctionPool {self.region} functions={len(self._directory.functions)} workers={len(self._workers())}>"

    @property
    def directory(self) -> Directory:
        """What the present world's names mean."""
        return self._directory

    def follow(self, world: World) -> None:
        """Functions that changed get new workers from the next invocation on; the old ones finish what they run."""
        self._directory = Directory(world, self.region)
        functions = self._directory.functions
        if any(kind_of(function.runtime) == "python" for function in functions.values()):
            self._around.keeper.prepare()
        for key, fleet in list(self._fleets.items()):
            now = functions.get(fleet.function.arn)
            if now is None or now != fleet.function or self._directory.layers_of(now) != fleet.layers:
                self._retire(key)

    def problems(self) -> list[str]:
        return list(self._directory.problems())

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        trace: str | None = None,
        client_context: str | None = None,
    ) -> InvocationResult:
        """See `host.functions.Invoker`."""
        too_large = outcomes.request_too_large(len(payload), event=False)
        if too_large is not None:
            raise too_large
        target = self._directory.resolve(function, qualifier, chance=self._entropy.uniform())
        started = self._clock.now()
        invocation = Invocation(
            self._new_request_id(),
            target.invoked_arn,
            payload or b"{}",
            trace=trace or self._untraced(),
            client_context=client_context,
        )
        outcome = await self._fleet(target).run(invocation)
        note = f"cold start, {target.function.name}" if invocation.cold else target.function.name
        self._tracer.record(
            sampled(trace), "function", place=self.region, start=started, end=self._clock.now(), note=note
        )
        return _result(invocation, target, outcome)

    def statistics(self) -> dict[str, Any]:
        return {
            "functions": {key: fleet.statistics() for key, fleet in self._fleets.items()},
            "workers": len(self._workers()),
            "logs": self.logs.statistics(),
        }

    async def close(self) -> None:
        """Kill every worker, and write what they printed."""
        if self._care is not None:
            self._care.cancel()
        self._directory = Directory(World(), self.region)  # what waits is not found, instead of getting a new worker
        for key in list(self._fleets):
            self._retire(key)
        for worker in self._workers():
            worker.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._around.keeper.close()
        self.logs.flush()
        await _remove(self._folder / "workers")

    def _workers(self) -> list[Worker]:
        return [worker for fleet in (*self._fleets.values(), *self._draining) for worker in fleet.workers]

    def _fleet(self, target: Target) -> Fleet:
        """The fleet that serves a target, made on first use. A version has workers of its own, as it has on AWS."""
        key = f"{target.function.arn}:{target.version}"
        fleet = self._fleets.get(key)
        if fleet is None:
            layers = self._directory.layers_of(target.function)
            version = target.version
            fleet = Fleet(target.function, layers, lambda fleet: self._launch(fleet, version), self._clock)
            self._fleets[key] = fleet
        return fleet

    def _retire(self, key: str) -> None:
        """Invocations that wait go to the function as it is now; where it is gone, they are told so."""
        fleet = self._fleets.pop(key)
        waiting = fleet.drain()
        self._spawn(_remove(self._bytecode(fleet)))
        if fleet.workers:
            self._draining.add(fleet)
        arn, _, version = key.rpartition(":")
        function = self._directory.functions.get(arn)
        for invocation in waiting:
            if function is None:
                missing = AwsError("ResourceNotFoundException", f"Function not found: {arn}", status=404)
                invocation.done.set_exception(missing)
            else:
                self._fleet(Target(function=function, version=version, invoked_arn=invocation.arn)).adopt(invocation)

    def _launch(self, fleet: Fleet, version: str) -> Worker:
        self._make_room()
        worker = Worker(
            fleet.function,
            version,
            self._entropy.bytes(16).hex(),
            self._around,
            on_idle=fleet.worker_idle,
            on_end=fleet.worker_ended,
        )
        self._spawn(self._live(fleet, worker))
        if self._care is None or self._care.done():
            self._care = asyncio.get_running_loop().create_task(self._look_after_workers())
        return worker

    async def _live(self, fleet: Fleet, worker: Worker) -> None:
        """Start a worker, and remove its folder when it has ended."""
        folder = self._folder / "workers" / self._entropy.bytes(8).hex()
        try:
            scratch = self._folder / "code"
            task_root = await code_folder(fleet.function.code, fleet.function.runtime, scratch)
            layers = [await code_folder(layer.content, "", scratch) for layer in fleet.layers]
            await worker.start(task_root, tuple(layers), folder=folder, bytecode=self._bytecode(fleet))
        except CodeUnavailable as error:
            worker.fail_start("Runtime.CodeUnavailable", str(error))
        except OSError as error:
            # A full disk, or no descriptors left: this worker cannot be, the others go on.
            worker.fail_start("Runtime.StartFailed", str(error))
        await worker.ended.wait()
        await _remove(folder)

    def _bytecode(self, fleet: Fleet) -> Path:
        """By content, since Python takes an edit of the same second and size for the file that it knows."""
        return self._folder / "bytecode" / fleet.content

    def _make_room(self) -> None:
        workers = self._workers()
        idle = sorted((worker for worker in workers if worker.is_idle), key=lambda worker: worker.idle_since)
        for worker in idle[: max(0, len(workers) + 1 - WORKERS_LIMIT)]:
            worker.stop()

    async def _look_after_workers(self) -> None:
        while self._workers():
            await self._clock.sleep(LOOK_S)
            for fleet in [*self._fleets.values(), *self._draining]:
                fleet.look_after()
            self._draining = {fleet for fleet in self._draining if fleet.workers}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _new_request_id(self) -> str:
        """A UUID of version 4."""
        digits = self._entropy.bytes(16).hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def _untraced(self) -> str:
        """Functions always find a trace header; this one asks nobody to record anything."""
        return f"Root=1-{int(self._clock.now()):08x}-{self._entropy.bytes(12).hex()};Sampled=0"


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _result(invocation: Invocation, target: Target, outcome: Outcome) -> InvocationResult:
    return InvocationResult(
        payload=outcome.payload,
        function_error=outcomes.UNHANDLED if outcome.failed else None,
        executed_version=target.version,
        log_tail=outcome.log_tail,
        cold=invocation.cold,
        duration_ms=outcome.duration_ms,
    )
