"""The supervisor's memory of stacks, and what it does with an application's files: read, watch, upload.

stacks/NAME.REGION.json     what that stack is, for planning the next change
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
from watchfiles import DefaultFilter, awatch

from globule.cloudformation.application import Application
from globule.cloudformation.prepare import Templates, watched_files
from globule.cloudformation.prepared import Prepared
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.resolve import NotRunning
from globule.cloudformation.state import StackState
from globule.host.entropy import SystemEntropy
from globule.run.catalogue import RESOURCE_TYPES
from globule.run.messages import StackStatus
from globule.run.order import Order
from globule.run.settings import STATE_FOLDER
from globule.run.state import State, replace_file
from globule.world.snapshot import World

ACCOUNT = World().account

# Editors save in several steps; a change is looked at once they have been quiet for so long.
QUIET_MS = 50


class Stacks:
    """What stands, what is asked for, and the files that say so."""

    def __init__(self, state: State, order: Order) -> None:
        self._state = state
        self._order = order
        self._templates = Templates(RESOURCE_TYPES, cache=state.transforms, entropy=SystemEntropy(), account=ACCOUNT)
        self.catalogue = self._templates.catalogue
        self.standing: tuple[StackState, ...] = tuple(_read(state.stacks))
        self._prepared: Prepared | None = None

    def read(self) -> Application:
        """What is asked for. Raises TemplateProblems."""
        return self._templates.read(
            Path(self._order.path), regions=self._order.regions, parameters=self._order.parameters
        )

    async def prepare(self, application: Application) -> Prepared:
        """What must be done to have it. Raises TemplateProblems."""
        self._prepared = await self._templates.prepare(application, self.standing)
        return self._prepared

    def keep(self, states: Sequence[StackState]) -> None:
        """Remember what stands now."""
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
        self.standing = tuple(states)

    async def changes(self) -> AsyncIterator[list[str]]:
        """Names of files that changed, each time some did. Ends at once where the order says not to look."""
        sources = _sources(self._state.root)
        while self._order.reload:
            async for changed in awatch(*self._watched(), watch_filter=sources, debounce=400, step=QUIET_MS):
                yield sorted({Path(path).name for _, path in changed})
                break  # what is watched may have changed with it

    def status(self) -> tuple[StackStatus, ...]:
        not_running = self._prepared.not_running if self._prepared else ()
        return tuple(
            StackStatus(
                name=stack.name,
                region=stack.region,
                outputs=stack.outputs,
                running=len(stack.resources) - len(_whole(not_running, stack)),
                recorded=tuple(_sentence(entry) for entry in not_running if (entry.stack, entry.region) == stack.key),
            )
            for stack in self.standing
        )

    def _watched(self) -> list[Path]:
        order = Path(self._order.path)
        files = {order if order.is_file() else order / "globule.toml"}
        if self._prepared is not None:
            files.update(self._prepared.files)
        with contextlib.suppress(TemplateProblems):  # what is known so far is watched until it can be read again
            files.update(watched_files(self.read()))
        return [file for file in files if file.exists()] or [order]


def _sources(state: Path) -> DefaultFilter:
    """What people and their tools change. A world's state may be beside its code, and changes all the time."""
    return DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, STATE_FOLDER), ignore_paths=(state,))


def _read(folder: Path) -> list[StackState]:
    return [msgspec.json.decode(file.read_bytes(), type=StackState) for file in sorted(folder.glob("*.json"))]


def _whole(entries: Sequence[NotRunning], stack: StackState) -> list[NotRunning]:
    return [entry for entry in entries if not entry.properties and (entry.stack, entry.region) == stack.key]


def _sentence(entry: NotRunning) -> str:
    properties = f" {', '.join(entry.properties)}" if entry.properties else ""
    return f"{entry.logical_id} ({entry.type}){properties}"
