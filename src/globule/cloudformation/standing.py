"""A remembered stack's resources, built again from what is remembered.

Building is pure, so the memory of a stack holds no models: the same properties and token give the same resource.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.problems import Problem, TemplateProblems
from globule.cloudformation.state import ResourceState, StackState
from globule.world.resource_type import Declaration, PropertyProblem
from globule.world.snapshot import Deployed


def resources_of(state: StackState, catalogue: Catalogue) -> tuple[Deployed, ...]:
    """Those of a remembered stack. Raises TemplateProblems where a type has become stricter since."""
    built = (deployed(state, resource, _rebuilt(state, resource, catalogue)) for resource in state.resources)
    return tuple(built) + retained_of(state, catalogue)


def retained_of(state: StackState, catalogue: Catalogue) -> tuple[Deployed, ...]:
    """Those that the stack no longer has, and that exist on. Their logical ids say so and are unique."""
    return tuple(
        msgspec.structs.replace(
            deployed(state, resource, _rebuilt(state, resource, catalogue)),
            logical_id=f"{resource.logical_id} (retained {resource.token[:6]})",
        )
        for resource in state.retained
    )


def deployed(state: StackState, resource: ResourceState, model: Any) -> Deployed:
    return Deployed(
        stack=state.name,
        region=state.region,
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.physical_id,
        resource=model,
    )


def _rebuilt(state: StackState, resource: ResourceState, catalogue: Catalogue) -> Any:
    kind = catalogue.find(resource.type)
    if kind is None:
        raise _refused(state, resource, catalogue.why_not(resource.type))
    declaration = Declaration(
        stack=state.name,
        region=state.region,
        account=state.account,
        logical_id=resource.logical_id,
        properties=resource.properties,
        folder=Path(state.folder),
        token=resource.token,
    )
    try:
        return kind.build(declaration).resource
    except PropertyProblem as problem:
        raise _refused(state, resource, str(problem)) from None


def _refused(state: StackState, resource: ResourceState, why: str) -> TemplateProblems:
    standing = f"stack {state.name} in {state.region}, as it stands"
    return TemplateProblems([Problem(file=standing, line=1, where=resource.logical_id, why=why)])
