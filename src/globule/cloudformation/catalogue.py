"""Every type that a template may use here: those that services run, and those that are only recorded."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from globule.cloudformation.intrinsics.scope import text_of
from globule.cloudformation.recorded_types import RECORDED, Form
from globule.cloudformation.schemas import Schema, Schemas, near
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

# Types that people expect, with the sentence that says what to do instead.
EXPLAINED: Mapping[str, str] = {
    "AWS::CloudFormation::Stack": "nested stacks are not supported here: list the child template as a [[stack]] of its "
    "own in globule.toml, and give its outputs as parameters",
    "AWS::Serverless::Application": "nested applications are not supported here, and nothing is fetched from the "
    "Serverless Application Repository: list a local template as a [[stack]] of its own in globule.toml",
    "AWS::CloudFormation::CustomResource": "custom resources are not supported here",
}
_RANDOM = re.compile(r"(hex|UPPER|lower)(\d+)")
_ALPHABETS = {
    "hex": "0123456789abcdef",
    "UPPER": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "lower": "abcdefghijklmnopqrstuvwxyz0123456789",
}


class Catalogue:
    """Finds a type. A service's own wins over a recorded one of the same name."""

    def __init__(self, running: Iterable[ResourceType], schemas: Schemas) -> None:
        self.schemas = schemas
        self._running = {kind.name: kind for kind in running}
        self._recorded: dict[str, ResourceType] = {}

    def find(self, name: str) -> ResourceType | None:
        """None where the type neither runs nor is recorded."""
        if name in self._running:
            return self._running[name]
        if name in RECORDED and name not in self._recorded:
            schema = self.schemas.find(name)
            assert schema is not None, f"cfn-lint's schemas lack {name}"
            self._recorded[name] = recorded_type(schema, RECORDED[name])
        return self._recorded.get(name)

    def why_not(self, name: str) -> str:
        """Why a template cannot use this type, and what is supported nearby."""
        if name.startswith("Custom::"):
            name = "AWS::CloudFormation::CustomResource"
        if name in EXPLAINED:
            return EXPLAINED[name]
        if name.startswith("AWS::Serverless::"):
            return f"the type {name} needs `Transform: AWS::Serverless-2016-10-31` at the top of the template"
        supported = {*self._running, *RECORDED}
        if name not in self.schemas.types:
            close = near(name, frozenset(self.schemas.types))
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            return f"CloudFormation has no resource type {name}{meant}"
        service = name.rsplit("::", 1)[0]
        family = [kind for kind in sorted(supported) if kind.startswith(f"{service}::")]
        if family:
            return f"the type {name} is not supported here; of {service} are supported: {', '.join(family)}"
        services = sorted({kind.rsplit("::", 1)[0] for kind in self._running})
        return f"the type {name} is not supported here; types of these services are: {', '.join(services) or 'none'}"


def recorded_type(schema: Schema, form: Form) -> ResourceType:
    """A type that is accepted as AWS's schema has it, and does not run."""
    name_property = form.name or schema.name_property

    def build(declaration: Declaration) -> Built:
        values = _Values(declaration, name_property)
        try:
            values["ref"] = form.ref.format_map(values)
        except KeyError as missing:
            raise PropertyProblem((), f"required property {missing.args[0]} is missing") from None
        attributes = {name: text.format_map(values) for name, text in form.attributes.items() if values.fill(text)}
        return Built(physical_id=values["ref"], attributes=attributes)

    return ResourceType(
        name=schema.type_name,
        properties=schema.settable,
        replaced_by=frozenset(pointer[0] for pointer in schema.create_only if len(pointer) == 1),
        build=build,
    )


class _Values(dict[str, str]):
    """What the forms of `recorded_types` may name, random parts made on demand from the declaration's token."""

    def __init__(self, declaration: Declaration, name_property: str | None) -> None:
        properties: Mapping[str, Any] = declaration.properties
        texts = {name: text_of(value) for name, value in properties.items()}
        given = texts.get(name_property) if name_property else None
        super().__init__(
            {
                "Path": "/",
                "Scope": "REGIONAL",
                **{name: text for name, text in texts.items() if text is not None},
                "account": declaration.account,
                "region": declaration.region,
                "name": given or declaration.generated_name(),
                "waf_scope": "global" if texts.get("Scope") == "CLOUDFRONT" else "regional",
            }
        )
        self._token = declaration.token

    def __missing__(self, key: str) -> str:
        digest = hashlib.sha256(f"{key}:{self._token}".encode()).digest()
        if key == "uuid":
            return str(uuid.UUID(bytes=digest[:16], version=4))
        form = _RANDOM.fullmatch(key)
        if form is None:
            raise KeyError(key)
        alphabet = _ALPHABETS[form[1]]
        return "".join(alphabet[byte % len(alphabet)] for byte in digest[: int(form[2])])

    def fill(self, text: str) -> bool:
        """Whether everything that `text` names is known."""
        try:
            text.format_map(self)
        except KeyError:
            return False
        return True
