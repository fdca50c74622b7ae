"""AWS's own resource schemas, as cfn-lint ships them, read straight from its data files.

cfn-lint itself is not imported: that takes a second, a schema's file takes a millisecond. Files are read when a type
is first asked for. https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

# CloudFormation's oldest and fullest region.
REGION_WITH_EVERY_TYPE = "us-east-1"
NEAR_MATCHES = 3

Pointer = tuple[str, ...]
"""A property's path as schemas name it: `/properties/A/B` is `("A", "B")`."""


class SchemasMissing(Exception):
    """The schemas are not where cfn-lint keeps them."""


class Schema(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What CloudFormation knows of one type."""

    type_name: str
    properties: Mapping[str, Any] = {}
    definitions: Mapping[str, Any] = {}
    required: Sequence[str] = ()
    read_only_properties: Sequence[str] = ()
    create_only_properties: Sequence[str] = ()
    conditional_create_only_properties: Sequence[str] = ()
    primary_identifier: Sequence[str] = ()

    @property
    def settable(self) -> frozenset[str]:
        """Top-level properties that a template may give."""
        read_only = {pointer[0] for pointer in map(_pointer, self.read_only_properties) if len(pointer) == 1}
        return frozenset(self.properties) - read_only

    @property
    def create_only(self) -> tuple[Pointer, ...]:
        """Properties whose change means a replacement."""
        return tuple(map(_pointer, (*self.create_only_properties, *self.conditional_create_only_properties)))

    @property
    def name_property(self) -> str | None:
        """The property that names the resource, where a template may choose the name: `TableName`."""
        if len(self.primary_identifier) != 1:
            return None
        (name, *deeper) = _pointer(self.primary_identifier[0])
        return name if not deeper and name in self.settable else None

    def definition(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """`node`, or what it refers to."""
        seen = 0
        while "$ref" in node and seen < len(self.definitions) + len(self.properties):
            target: Any = {"definitions": self.definitions, "properties": self.properties}
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target.get(step, {}) if isinstance(target, Mapping) else {}
            node, seen = target, seen + 1
        return node


class Schemas:
    """All types, by name."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _bundled()
        self._read: dict[str, Schema] = {}

    @functools.cached_property
    def types(self) -> Mapping[str, str]:
        """Every type that CloudFormation has, with the name of its file."""
        return msgspec.json.decode(self._bytes(f"providers/{REGION_WITH_EVERY_TYPE}.json"), type=dict[str, str])

    def find(self, type_name: str) -> Schema | None:
        """None where CloudFormation has no such type."""
        if type_name not in self._read:
            file = self.types.get(type_name)
            if file is None:
                return None
            self._read[type_name] = msgspec.json.decode(self._bytes(f"resources/{file}.json"), type=Schema)
        return self._read[type_name]

    def _bytes(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise SchemasMissing(f"cannot read cfn-lint's resource schemas: {error}") from error


def near(word: str, words: Sequence[str] | frozenset[str]) -> list[str]:
    """Those of `words` that somebody who wrote `word` may have meant."""
    return difflib.get_close_matches(word, sorted(words), n=NEAR_MATCHES, cutoff=0.7)


def _pointer(text: str) -> Pointer:
    return tuple(text.removeprefix("/properties/").split("/"))


def _bundled() -> Path:
    found = importlib.util.find_spec("cfnlint")
    if found is None or not found.submodule_search_locations:
        raise SchemasMissing("cfn-lint is not installed")
    return Path(found.submodule_search_locations[0]) / "data" / "schemas"
