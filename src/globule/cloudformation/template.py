"""The sections of a template, read into types. Values stay unevaluated; shapes are checked.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import msgspec

from globule.cloudformation.parsing import Document
from globule.cloudformation.problems import Location, Problem, TemplateProblems, dotted

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
RESOURCES_LIMIT = 500

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
RESOURCE_ATTRIBUTES = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Description",  # in no document of AWS's, but in templates of AWS's own; CloudFormation takes it
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-connectors.html
SAM_RESOURCE_ATTRIBUTES = frozenset({"Connectors", "IgnoreGlobals"})
DeletionPolicy = Literal["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a template's values come from, for error messages: its file, and for each resource that a transform
    generated, the resource that it was generated from."""

    document: Document
    origins: Mapping[str, str] = {}

    def problem(self, path: Location, why: str) -> Problem:
        written = path
        if len(path) > 1 and path[0] == "Resources":
            written = ("Resources", self.origins.get(str(path[1]), path[1]), *path[2:])
        return self.document.problem(written, why, where=dotted(path))


class ResourceDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the Resources section."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = {}
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: Any = "Delete"
    update_replace_policy: Any = "Delete"
    not_running: tuple[str, ...] = ()
    """Attributes that are accepted and do nothing here: CreationPolicy, UpdatePolicy."""


class OutputDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the Outputs section."""

    value: Any
    condition: str | None = None
    export: Any = None
    """The export's name, unevaluated; None where nothing is exported."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template after its transforms."""

    source: Source
    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    rules: Mapping[str, Any]
    resources: Mapping[str, ResourceDeclaration]
    outputs: Mapping[str, OutputDeclaration]


def read_template(body: Mapping[str, Any], source: Source, *, serverless: bool = False) -> Template:
    """Raises TemplateProblems with everything whose shape is wrong. `serverless` allows what SAM's transform takes
    out: read a template before its transform too, and everything after can rely on shapes."""
    reader = _Reader(source, RESOURCE_ATTRIBUTES | SAM_RESOURCE_ATTRIBUTES if serverless else RESOURCE_ATTRIBUTES)
    sections = {name: reader.mapping(body.get(name) or {}, (name,)) for name in _MAPPED_SECTIONS}
    for name in body:
        if name == "Globals" and serverless:
            reader.mapping(body[name], (name,))
        elif name == "Globals":
            reader.refuse((name,), "needs `Transform: AWS::Serverless-2016-10-31` at the top of the template")
        elif name not in SECTIONS:
            reader.refuse((name,), f"there is no section {name}; there are {', '.join(sorted(SECTIONS))}")
    if not sections["Resources"]:
        reader.refuse(("Resources",), "at least one resource must be declared")
    if len(sections["Resources"]) > RESOURCES_LIMIT:
        reader.refuse(("Resources",), f"more than {RESOURCES_LIMIT} resources, CloudFormation's limit for a template")
    for name, keys in sections["Mappings"].items():
        for key, values in reader.mapping(keys, ("Mappings", name)).items():
            reader.mapping(values, ("Mappings", name, key))
    resources = {name: reader.resource(name, entry) for name, entry in sections["Resources"].items()}
    outputs = {name: reader.output(name, entry) for name, entry in sections["Outputs"].items()}
    reader.raise_problems()
    return Template(
        source=source,
        parameters=sections["Parameters"],
        mappings=sections["Mappings"],
        conditions=sections["Conditions"],
        rules=sections["Rules"],
        resources={name: found for name, found in resources.items() if found is not None},
        outputs={name: found for name, found in outputs.items() if found is not None},
    )


_MAPPED_SECTIONS = ("Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs")


class _Reader:
    """Reads shapes, gathering problems."""

    def __init__(self, source: Source, resource_attributes: frozenset[str]) -> None:
        self._source = source
        self._resource_attributes = resource_attributes
        self._problems: list[Problem] = []

    def refuse(self, path: Location, why: str) -> None:
        self._problems.append(self._source.problem(path, why))

    def raise_problems(self) -> None:
        if self._problems:
            raise TemplateProblems(self._problems)

    def mapping(self, value: Any, path: Location) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.refuse(path, "must be a mapping")
        return {}

    def resource(self, logical_id: str, entry: Any) -> ResourceDeclaration | None:
        path: Location = ("Resources", logical_id)
        if not logical_id.isalnum() or not logical_id.isascii():
            self.refuse(path, "a logical id has only letters and digits")
        kind = entry.get("Type") if isinstance(entry, dict) else None
        if not isinstance(kind, str):
            self.refuse(path, "a resource is a mapping with a Type")
            return None
        self._unknown(
            entry, self._resource_attributes, path, "resource attribute", hint="; does it belong under Properties?"
        )
        self.mapping(entry.get("Metadata") or {}, (*path, "Metadata"))
        return ResourceDeclaration(
            logical_id=logical_id,
            type=kind,
            properties=self.mapping(entry.get("Properties") or {}, (*path, "Properties")),
            condition=self._name(entry.get("Condition"), (*path, "Condition")),
            depends_on=self._names(entry.get("DependsOn"), (*path, "DependsOn")),
            deletion_policy=entry.get("DeletionPolicy", "Delete"),
            update_replace_policy=entry.get("UpdateReplacePolicy", "Delete"),
            not_running=tuple(name for name in ("CreationPolicy", "UpdatePolicy") if name in entry),
        )

    def output(self, name: str, entry: Any) -> OutputDeclaration | None:
        path: Location = ("Outputs", name)
        if not isinstance(entry, dict) or "Value" not in entry:
            self.refuse(path, "an output is a mapping with a Value")
            return None
        self._unknown(entry, frozenset({"Value", "Description", "Condition", "Export"}), path, "member of an output")
        export = self.mapping(entry.get("Export") or {}, (*path, "Export"))
        if export and set(export) != {"Name"}:
            self.refuse((*path, "Export"), "an export is {Name: name}")
        return OutputDeclaration(
            value=entry["Value"],
            condition=self._name(entry.get("Condition"), (*path, "Condition")),
            export=export.get("Name"),
        )

    def _unknown(self, entry: Iterable[str], known: frozenset[str], path: Location, what: str, hint: str = "") -> None:
        for name in entry:
            if name not in known:
                self.refuse((*path, name), f"there is no {what} {name}; there are {', '.join(sorted(known))}{hint}")

    def _name(self, value: Any, path: Location) -> str | None:
        if value is not None and not isinstance(value, str):
            self.refuse(path, "must be the name of a condition")
            return None
        return value

    def _names(self, value: Any, path: Location) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.refuse(path, "must be a logical id, or a list of them")
            return ()
        return tuple(names)


def deletion_policy(value: Any) -> DeletionPolicy | None:
    """None for what is not one of CloudFormation's policies."""
    policies: tuple[DeletionPolicy, ...] = get_args(DeletionPolicy)
    return next((policy for policy in policies if policy == value), None)
