"""Whether a resource is still the one that it was: what keeps its identity, what is replaced, what is retained.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globule.cloudformation.schemas import Schemas
from globule.cloudformation.state import ResourceState, StackState
from globule.cloudformation.template import ResourceDeclaration
from globule.world.resource_type import PropertyProblem, ResourceType


def token(
    previous: StackState | None,
    declared: ResourceDeclaration,
    properties: Mapping[str, Any],
    kind: ResourceType,
    schemas: Schemas,
) -> str | None:
    """The token that a resource keeps; None where it is new, or a property changed that replaces it.

    Raises PropertyProblem where its type has changed, as CloudFormation refuses that.
    """
    standing = previous and previous.resource(declared.logical_id)
    if not standing:
        return None
    if standing.type != declared.type:
        raise PropertyProblem(
            ("Type",),
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{declared.logical_id}]; it is a {standing.type}: give the new one another logical id",
        )
    return None if _replaced(standing, properties, kind, schemas) else standing.token


def unfinished_token(
    unfinished: StackState | None,
    declared: ResourceDeclaration,
    properties: Mapping[str, Any],
    kind: ResourceType,
    schemas: Schemas,
) -> str | None:
    """The token of a resource that an interrupted change was making, where it is still wanted as it was then."""
    begun = unfinished and unfinished.resource(declared.logical_id)
    if not begun or begun.type != declared.type or _replaced(begun, properties, kind, schemas):
        return None
    return begun.token


def _replaced(standing: ResourceState, properties: Mapping[str, Any], kind: ResourceType, schemas: Schemas) -> bool:
    schema = schemas.find(kind.name)
    pointers = {(name,) for name in kind.replaced_by} | set(schema.create_only if schema else ())
    return any(_at(standing.properties, pointer) != _at(properties, pointer) for pointer in pointers)


def name_taken(previous: StackState | None, resource: ResourceState, schemas: Schemas) -> PropertyProblem | None:
    """What stands in the way of a resource that the template itself names."""
    schema = schemas.find(resource.type)
    name = schema.name_property if schema else None
    if previous is None or name is None or name not in resource.properties:
        return None
    standing = previous.resource(resource.logical_id)
    if standing and standing.token != resource.token and standing.physical_id == resource.physical_id:
        return PropertyProblem(
            (name,),
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename "
            f"{resource.physical_id} and update the stack again.",
        )
    others = [other for other in previous.resources if other.logical_id != resource.logical_id]
    for other in (*others, *previous.retained):
        if (other.type, other.physical_id) == (resource.type, resource.physical_id):
            kept = "was retained when it went" if other in previous.retained else "is there until this one exists"
            return PropertyProblem((name,), f"{resource.physical_id} already exists: {other.logical_id} {kept}")
    return None


def retained(previous: StackState | None, state: StackState) -> tuple[ResourceState, ...]:
    """What the stack had, no longer has, and must not be deleted."""
    if previous is None:
        return ()
    kept = [*previous.retained]
    for resource in previous.resources:
        now = state.resource(resource.logical_id)
        policy = resource.deletion_policy if now is None else resource.update_replace_policy
        gone = now is None or now.token != resource.token
        if gone and policy.startswith("Retain"):
            kept.append(resource)
    return tuple(kept)


def _at(value: Any, pointer: tuple[str, ...]) -> Any:
    """What is at a property's path; under a `*` (any member of a list), the whole list."""
    for step in pointer:
        if step == "*" or not isinstance(value, Mapping):
            return value
        value = value.get(step)
    return value
