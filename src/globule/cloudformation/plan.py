"""What must be done to a stack: the difference between what it is and what it should be. Pure.

Both are `StackState`s, and a resource keeps its token as long as it is the same one, so the difference is read off:
a logical id that appears is created, one whose token changed is replaced, one whose properties changed is updated,
one that is gone is deleted. Creations and updates follow the order of creation; deletions, those of what was replaced
among them, come last and in reverse. Equal states give an empty plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from globule.cloudformation.state import ResourceState, StackKey, StackState


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    kind: Literal["create", "update", "replace", "delete", "retain"]
    """`retain` takes a resource out of its stack and lets it exist on."""
    logical_id: str
    type: str
    physical_id: str
    properties: tuple[str, ...] = ()
    """Top-level properties that changed."""

    def __str__(self) -> str:
        changed = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{self.kind} {self.logical_id} [{self.type}]{changed}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything to do to one stack in one region, in order."""

    stack: str
    region: str
    actions: tuple[Action, ...] = ()
    outputs_changed: bool = False

    @property
    def key(self) -> StackKey:
        return self.stack, self.region

    @property
    def empty(self) -> bool:
        return not self.actions and not self.outputs_changed


def plan(before: StackState | None, after: StackState | None) -> Plan:
    """From one state of a stack to another; None is no stack."""
    either = after or before
    assert either is not None
    forward = _forward(before, after) if after else ()
    backward = _backward(before, after) if before else ()
    return Plan(
        stack=either.name,
        region=either.region,
        actions=(*forward, *backward),
        outputs_changed=_outputs(before) != _outputs(after),
    )


def _forward(before: StackState | None, after: StackState) -> Iterator[Action]:
    for resource in after.resources:
        was = before.resource(resource.logical_id) if before else None
        changed = _changed(was, resource)
        if was is None:
            yield _action("create", resource)
        elif was.token != resource.token:
            yield _action("replace", resource, changed)
        elif changed:
            yield _action("update", resource, changed)


def _backward(before: StackState, after: StackState | None) -> Iterator[Action]:
    for resource in reversed(before.resources):
        now = after.resource(resource.logical_id) if after else None
        if now is None or now.token != resource.token:
            policy = resource.deletion_policy if now is None else resource.update_replace_policy
            yield _action("retain" if policy.startswith("Retain") else "delete", resource)


def _action(
    kind: Literal["create", "update", "replace", "delete", "retain"],
    resource: ResourceState,
    properties: tuple[str, ...] = (),
) -> Action:
    return Action(
        kind=kind,
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.physical_id,
        properties=properties,
    )


def _changed(before: ResourceState | None, after: ResourceState) -> tuple[str, ...]:
    if before is None:
        return ()
    names = sorted({*before.properties, *after.properties})
    return tuple(name for name in names if before.properties.get(name) != after.properties.get(name))


def _outputs(state: StackState | None) -> tuple[dict[str, str], dict[str, str]]:
    return (state.outputs, state.exports) if state else ({}, {})
