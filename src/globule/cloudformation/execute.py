"""Carries steps out: one wave of stacks at a time, each published, judged, and rolled back where it fails.

What really brings resources up are the data planes, which follow the world; here that is a Publisher, and what is
decided is only what the world says next. A wave whose resources do not come up is taken back to what stood before it,
and later waves are not tried: a failed region stops those after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.prepared import Prepared, Step
from globule.cloudformation.standing import resources_of
from globule.cloudformation.state import StackKey, StackState
from globule.world.snapshot import Deployed


class Publisher(Protocol):
    """The composition root's hand on the world."""

    async def publish(self, resources: tuple[Deployed, ...]) -> Sequence[str]:
        """Make these the world's resources, and wait until the data planes have followed. Sentences about those that
        they could not bring up; none where all is well."""


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """What stands after an execution."""

    states: tuple[StackState, ...]
    resources: tuple[Deployed, ...]
    failed: tuple[StackKey, ...] = ()
    """The stacks of the wave that was rolled back."""
    reasons: tuple[str, ...] = ()


def all_at_once(prepared: Prepared) -> list[list[Step]]:
    """The quickest: one wave."""
    return [list(prepared.steps)]


def one_at_a_time(prepared: Prepared) -> list[list[Step]]:
    """The safest: each stack in each region on its own, those without anything to do left out."""
    return [[step] for step in prepared.steps if not step.plan.empty]


async def execute(
    waves: Iterable[Sequence[Step]], standing: Iterable[StackState], catalogue: Catalogue, publisher: Publisher
) -> Executed:
    """`standing` are the states from before; where nothing fails, those after are `Prepared.states`."""
    stands = {state.key: (state, resources_of(state, catalogue)) for state in standing}
    for wave in waves:
        wanted = dict(stands)
        for step in wave:
            wanted.pop(step.key, None)
            if step.after is not None:
                wanted[step.key] = (step.after, step.resources)
        reasons = await publisher.publish(_resources(wanted.values()))
        if reasons:
            await publisher.publish(_resources(stands.values()))
            return _executed(stands.values(), failed=tuple(step.key for step in wave), reasons=tuple(reasons))
        stands = wanted
    return _executed(stands.values())


_Stands = Iterable[tuple[StackState, tuple[Deployed, ...]]]


def _resources(stands: _Stands) -> tuple[Deployed, ...]:
    return tuple(resource for _, resources in stands for resource in resources)


def _executed(stands: _Stands, *, failed: tuple[StackKey, ...] = (), reasons: tuple[str, ...] = ()) -> Executed:
    return Executed(
        states=tuple(state for state, _ in stands), resources=_resources(stands), failed=failed, reasons=reasons
    )
