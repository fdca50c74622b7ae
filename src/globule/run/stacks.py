"""The supervisor's memory of stacks, and what an application's files make of them.

    stacks/NAME.REGION.json     what that stack is, for planning the next change
    unfinished.json             what all stacks will be once a change is through; only while it is under way

Whoever is killed in the middle of a change takes it up again, and must find the same tables under the same names, as
they have been written to already. Names are made of random tokens, so these are kept before anything is published.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from globule.cloudformation.application import Application
from globule.cloudformation.prepare import Templates, watched_files
from globule.cloudformation.prepared import Prepared
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.resolve import NotRunning
from globule.cloudformation.state import StackState
from globule.host.entropy import SystemEntropy
from globule.run.catalogue import RESOURCE_TYPES
from globule.run.messages import RecordedResource, StackStatus
from globule.run.order import Order
from globule.run.state import State, StateProblem, replace_file
from globule.run.watching import changes
from globule.world.snapshot import World

ACCOUNT = World().account

T = TypeVar("T")


class Stacks:
    """What stands, what is asked for, and the files that say so."""

    def __init__(self, state: State, order: Order) -> None:
        """Raises StateProblem where what is remembered cannot be read."""
        self._state = state
        self._order = order
        self._templates = Templates(RESOURCE_TYPES, cache=state.transforms, entropy=SystemEntropy(), account=ACCOUNT)
        self.catalogue = self._templates.catalogue
        self.standing = tuple(_remembered(file, StackState) for file in sorted(state.stacks.glob("*.json")))
        self._unfinished: tuple[StackState, ...] = ()
        if self._unfinished_file.exists():
            self._unfinished = _remembered(self._unfinished_file, tuple[StackState, ...])
        self._prepared: Prepared | None = None

    def read(self) -> Application:
        """What is asked for. Raises TemplateProblems."""
        return self._templates.read(
            Path(self._order.path), regions=self._order.regions, parameters=self._order.parameters
        )

    async def prepare(self, application: Application) -> Prepared:
        """What must be done to have it. Raises TemplateProblems."""
        self._prepared = await self._templates.prepare(application, self.standing, self._unfinished)
        return self._prepared

    def begin(self, prepared: Prepared) -> None:
        """Remember what is going to stand, before anybody sees it. Raises OSError."""
        if not prepared.empty:
            self._unfinished = prepared.states
            replace_file(self._unfinished_file, msgspec.json.encode(self._unfinished))

    def keep(self, states: Sequence[StackState]) -> None:
        """Remember what stands now, which ends what was begun. Raises OSError."""
        self.standing = tuple(states)
        kept = set()
        for stack in states:
            file = self._state.stacks / f"{stack.name}.{stack.region}.json"
            kept.add(file)
            data = msgspec.json.format(msgspec.json.encode(stack))
            if not file.exists() or file.read_bytes() != data:
                replace_file(file, data)
        for file in self._state.stacks.glob("*.json"):
            if file not in kept:
                file.unlink()
        self._unfinished_file.unlink(missing_ok=True)
        self._unfinished = ()

    async def changes(self) -> AsyncIterator[list[str]]:
        """As `watching.changes`. Ends at once where the order says not to look."""
        if self._order.reload:
            async for names in changes(self._watched, self._state.root):
                yield names

    def status(self) -> tuple[StackStatus, ...]:
        not_running = self._prepared.not_running if self._prepared else ()
        return tuple(_status(stack, not_running) for stack in self.standing)

    def _watched(self) -> set[Path]:
        order = Path(self._order.path)
        files = {order if order.is_file() else order / "globule.toml"}
        if self._prepared is not None:
            files.update(self._prepared.files)
        with contextlib.suppress(TemplateProblems):  # what is known so far is watched until it can be read again
            files.update(watched_files(self.read()))
        return files

    @property
    def _unfinished_file(self) -> Path:
        return self._state.root / "unfinished.json"


def _remembered(file: Path, kind: type[T]) -> T:
    """Raises StateProblem."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise StateProblem(f"{file} is damaged, or not of this version of Globule: {error}") from error


def _status(stack: StackState, not_running: Iterable[NotRunning]) -> StackStatus:
    recorded = [
        RecordedResource(logical_id=entry.logical_id, type=entry.type, properties=entry.properties)
        for entry in not_running
        if (entry.stack, entry.region) == stack.key
    ]
    return StackStatus(
        name=stack.name,
        region=stack.region,
        outputs=stack.outputs,
        running=len(stack.resources) - sum(not entry.properties for entry in recorded),
        recorded=tuple(recorded),
    )
