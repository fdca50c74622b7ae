"""Stand-ins for the services' resource types, and short ways from a template's text to what it becomes."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.parsing import parse
from globule.cloudformation.prepare import Templates
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.resolve import Instance, Resolution, resolve
from globule.cloudformation.schemas import Schemas
from globule.cloudformation.state import StackState
from globule.cloudformation.template import Source, read_template
from globule.host.entropy import SeededEntropy
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

ACCOUNT = "000000000000"
RUNNING = (
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::Route53::HealthCheck",
    "AWS::Route53::HostedZone",
    "AWS::Route53::RecordSet",
    "AWS::S3::Bucket",
)


class Model(msgspec.Struct, frozen=True, tag="stand-in"):
    """What the stand-ins build: the properties that they were given."""

    properties: dict[str, Any]
    token: str


def stand_in(name: str, schemas: Schemas, **changes: Any) -> ResourceType:
    """A running type whose name is what its schema says, and each read-only property an attribute."""
    schema = schemas.find(name)
    assert schema is not None
    settable = schema.settable

    def build(declaration: Declaration) -> Built:
        if declaration.properties.get("Tags") == "refuse":
            raise PropertyProblem(("Tags",), "refused by the stand-in")
        named = declaration.properties.get(schema.name_property) if schema.name_property else None
        physical_id = named or declaration.generated_name()
        attributes: dict[str, Any] = {"Arn": f"arn:{name}:{declaration.region}:{physical_id}"}
        for pointer in schema.read_only_properties:
            attribute = pointer.removeprefix("/properties/").replace("/", ".")
            is_list = schema.definition(schema.properties.get(attribute, {})).get("type") == "array"
            attributes[attribute] = [f"{attribute}-1", f"{attribute}-2"] if is_list else f"{physical_id}.{attribute}"
        model = Model(dict(declaration.properties), declaration.token)
        return Built(physical_id=physical_id, attributes=attributes, resource=model)

    given: dict[str, Any] = {"name": name, "properties": settable, "build": build, "model": Model, **changes}
    return ResourceType(**given)


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture(scope="session")
def running(schemas: Schemas) -> tuple[ResourceType, ...]:
    return tuple(stand_in(name, schemas) for name in RUNNING)


@pytest.fixture(scope="session")
def catalogue(running: tuple[ResourceType, ...], schemas: Schemas) -> Catalogue:
    return Catalogue(running, schemas)


@pytest.fixture
def draw() -> Callable[[], str]:
    """Tokens A..., B..., in order."""
    letters = itertools.cycle("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return lambda: next(letters) * 26


@pytest.fixture
def resolved(catalogue: Catalogue, draw: Callable[[], str]) -> Callable[..., Resolution]:
    """From YAML without transforms."""

    def resolve_text(
        text: str,
        *,
        previous: StackState | None = None,
        stack: str = "shop",
        region: str = "eu-west-1",
        types: Catalogue | None = None,
        exports: dict[str, str] | None = None,
        **parameters: str,
    ) -> Resolution:
        source = Source(document=parse(textwrap.dedent(text), "shop.yaml"))
        instance = Instance(
            stack=stack,
            region=region,
            account=ACCOUNT,
            folder=Path("/app"),
            parameters=parameters,
            exports=exports or {},
            previous=previous,
        )
        return resolve(read_template(source.document.value, source), instance, types or catalogue, draw)

    return resolve_text


@pytest.fixture
def refused(resolved: Callable[..., Resolution]) -> Callable[..., list[str]]:
    """The problems of a template that must have some."""

    def problems_of(text: str, **options: Any) -> list[str]:
        with pytest.raises(TemplateProblems) as caught:
            resolved(text, **options)
        return [str(problem) for problem in caught.value.problems]

    return problems_of


@pytest.fixture(scope="session")
def sam_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: each distinct template is translated once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def templates(running: tuple[ResourceType, ...], sam_cache: Path) -> Templates:
    return Templates(running, cache=sam_cache, entropy=SeededEntropy(7), account=ACCOUNT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Writes an application's files; returns its folder."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return tmp_path

    yield write
