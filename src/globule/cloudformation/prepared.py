"""What must be done to bring an application about, as data."""

from __future__ import annotations

from pathlib import Path

import msgspec

from globule.cloudformation.application import Application
from globule.cloudformation.plan import Plan, plan
from globule.cloudformation.resolve import NotRunning
from globule.cloudformation.state import StackKey, StackState
from globule.world.snapshot import Deployed


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One stack in one region, on its way from what it is to what it should be."""

    key: StackKey
    before: StackState | None
    """None where the stack is new."""
    after: StackState | None
    """None where the stack goes, and nothing of it is retained."""
    resources: tuple[Deployed, ...] = ()
    """Of `after`, for the world."""
    not_running: tuple[NotRunning, ...] = ()

    @property
    def plan(self) -> Plan:
        return plan(self.before, self.after)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Files that go to a bucket once its stack exists."""

    stack: str
    region: str
    folder: Path
    bucket: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """In order: stacks as the application lists them, then those that it no longer has."""

    application: Application
    steps: tuple[Step, ...]
    uploads: tuple[Upload, ...]
    files: tuple[Path, ...]
    """Every file and folder that this depends on, for hot reload."""
    translated: int
    """How many templates went through SAM's translator; the others came from the cache."""

    @property
    def states(self) -> tuple[StackState, ...]:
        """What stands once all is done; keep it for the next time."""
        return tuple(step.after for step in self.steps if step.after is not None)

    @property
    def resources(self) -> tuple[Deployed, ...]:
        """The world's resources once all is done."""
        return tuple(resource for step in self.steps for resource in step.resources)

    @property
    def not_running(self) -> tuple[NotRunning, ...]:
        """What is recorded and does nothing here, for the start-up summary."""
        return tuple(entry for step in self.steps for entry in step.not_running)

    @property
    def empty(self) -> bool:
        return all(step.plan.empty for step in self.steps)
