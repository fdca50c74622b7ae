"""Every service's CloudFormation types against AWS's own schemas."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil

import pytest

import globule
from globule.cloudformation.schemas import Schemas
from globule.world.resource_type import ResourceType

SCHEMAS = Schemas()


def declared() -> list[tuple[str, ResourceType]]:
    """What each service's `resources.py` exports."""
    found: list[tuple[str, ResourceType]] = []
    for package in pkgutil.iter_modules(globule.__path__):
        name = f"globule.{package.name}.resources"
        if package.ispkg and importlib.util.find_spec(name):
            found.extend((package.name, kind) for kind in importlib.import_module(name).RESOURCE_TYPES)
    return found


TYPES = declared()


@pytest.mark.parametrize(("service", "kind"), TYPES, ids=lambda value: getattr(value, "name", value))
def test_a_type_knows_only_properties_that_a_template_may_give(service: str, kind: ResourceType) -> None:
    schema = SCHEMAS.find(kind.name)
    assert schema is not None, f"CloudFormation has no {kind.name}"
    assert kind.properties | kind.recorded <= schema.settable
    assert kind.replaced_by <= schema.settable
    assert not kind.properties & kind.recorded
    assert set(schema.required) <= kind.properties | kind.recorded, f"{service} refuses what {kind.name} requires"


def test_no_two_services_claim_one_type() -> None:
    names = [kind.name for _, kind in TYPES]
    assert len(names) == len(set(names))
