"""What a stack is, once deployed: the control plane's memory of it, between one template and the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from globule.cloudformation.template import DeletionPolicy

# Each keeps its data on disk. More than this has been forgotten by whoever wrote DeletionPolicy: Retain.
RETAINED_LIMIT = 200


class ResourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a stack."""

    logical_id: str
    type: str
    token: str
    """Random, kept until the resource is replaced: see `world.resource_type.Declaration`."""
    physical_id: str
    ref: str
    attributes: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    """As given to the type's `build`: resolved and coerced."""
    deletion_policy: DeletionPolicy = "Delete"
    update_replace_policy: DeletionPolicy = "Delete"


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """One stack in one region."""

    name: str
    region: str
    account: str
    token: str
    """Random, for the stack's id."""
    folder: str
    """Absolute folder that the template's relative paths are resolved against."""
    template_hash: str
    parameters: dict[str, str] = {}
    """For people; NoEcho ones hidden."""
    resources: tuple[ResourceState, ...] = ()
    """In the order of creation."""
    outputs: dict[str, str] = {}
    exports: dict[str, str] = {}
    """By export name; exports do not cross regions."""
    imports: tuple[str, ...] = ()
    """Names of the exports that this stack uses."""
    retained: tuple[ResourceState, ...] = ()
    """Resources that are no longer the stack's, but exist on, by their DeletionPolicy or UpdateReplacePolicy."""

    @property
    def key(self) -> StackKey:
        return self.name, self.region

    def resource(self, logical_id: str) -> ResourceState | None:
        return next((resource for resource in self.resources if resource.logical_id == logical_id), None)


StackKey = tuple[str, str]
"""Name and region of a stack."""

States = Mapping[StackKey, StackState]
