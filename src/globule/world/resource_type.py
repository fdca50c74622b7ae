"""How a service teaches the control plane one CloudFormation type.

A service's `resources.py` exports `RESOURCE_TYPES: tuple[ResourceType, ...]`. `cloudformation` resolves the
template and calls `build` with properties that hold no intrinsic functions any more; `build` is pure and returns
the model that goes into the world, the value of `Ref`, and the values of `Fn::GetAtt`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec


class PropertyProblem(Exception):
    """A property that cannot be accepted. `path` leads to it, such as `("Replicas", 0, "Region")`."""

    def __init__(self, path: tuple[str | int, ...], why: str) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {why}" if path else why)
        self.path = path
        self.why = why


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a resolved template, before it has a model."""

    stack: str
    region: str
    account: str
    logical_id: str
    properties: Mapping[str, Any]
    """Resolved: plain dicts, lists, strings, numbers, booleans; AWS::NoValue removed; scalars coerced to the type
    that AWS's schema asks for, unknown and missing properties already refused. Local code (`CodeUri`, `ContentUri`)
    arrives as `{"LocalPath": path relative to folder, "ContentHash": 64 hex digits}` in a function's `Code` and a
    layer's `Content`; the hash is of the file or folder's contents, so a saved file is a changed property."""
    folder: Path
    """Absolute folder that relative code paths (`CodeUri`) are resolved against."""
    token: str
    """26 characters of `A-Z2-7`, random, but the same for this resource as long as it is not replaced:
    the entropy of all generated identifiers."""

    def generated_name(self, *, limit: int = 63) -> str:
        """A physical name in CloudFormation's form: `stack-LogicalId-RANDOM`."""
        suffix = f"-{self.token[:12]}"
        return f"{self.stack}-{self.logical_id}"[: limit - len(suffix)] + suffix


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a declaration becomes."""

    physical_id: str
    ref: str = ""
    """The value of Ref where it is not the physical id."""
    attributes: Mapping[str, Any] = {}
    """The values of Fn::GetAtt, by attribute name (`Arn`, `RegionalDomainName`)."""
    resource: Any = None
    """The model, a tagged frozen struct; None where the type is recorded and does not run."""
    not_running: tuple[str, ...] = ()
    """Paths of nested properties that are accepted and do nothing here, such as `DistributionConfig.WebACLId`."""


class ResourceType(msgspec.Struct, frozen=True, kw_only=True):
    """One CloudFormation type that runs here, or is knowingly only recorded."""

    name: str
    properties: frozenset[str]
    """Top-level properties that are honoured. Any other that the schema knows is refused by name."""
    recorded: frozenset[str] = frozenset()
    """Top-level properties that are accepted and listed as "recorded, not running"."""
    replaced_by: frozenset[str] = frozenset()
    """Properties whose change means a replacement (CloudFormation's "Update requires: Replacement")."""
    build: Callable[[Declaration], Built]
    """Raises PropertyProblem. Pure."""
    model: type | None = None
    """The model's class, for the world's decoder; None for a type that is only recorded."""
