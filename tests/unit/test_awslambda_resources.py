"""Lambda's CloudFormation types."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from globule.awslambda.model import Function, InlineCode, LocalCode, Url
from globule.awslambda.resources import RESOURCE_TYPES
from globule.world.resource_type import Built, Declaration, PropertyProblem
from globule.world.snapshot import Deployed, World, WorldDecoder, encode_world

TYPES = {each.name.removeprefix("AWS::Lambda::"): each for each in RESOURCE_TYPES}
TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def build(kind: str, folder: Path, **properties: Any) -> Built:
    declaration = Declaration(
        stack="shop",
        region="eu-west-1",
        account="000000000000",
        logical_id="Orders",
        properties=properties,
        folder=folder,
        token=TOKEN,
    )
    return TYPES[kind].build(declaration)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(event, context): ...")
    return tmp_path


CODE = {"LocalPath": "code", "ContentHash": "h"}
PYTHON = {"Runtime": "python3.12", "Handler": "app.handler", "Code": CODE}


def test_a_function_has_a_generated_name_and_its_arn(folder: Path) -> None:
    built = build("Function", folder, **PYTHON, Timeout=5, Environment={"Variables": {"TABLE": "1"}})
    assert built.physical_id == "shop-Orders-ABCDEFGHIJKL"
    assert built.attributes["Arn"] == "arn:aws:lambda:eu-west-1:000000000000:function:shop-Orders-ABCDEFGHIJKL"
    function = built.resource
    assert isinstance(function, Function)
    assert function.code == LocalCode(path=str(folder / "code"), content_hash="h")
    assert (function.timeout_s, function.memory_mb, function.environment) == (5, 128, {"TABLE": "1"})
    assert function.log_group == "/aws/lambda/shop-Orders-ABCDEFGHIJKL"


def test_a_saved_file_is_another_function(folder: Path) -> None:
    one = build("Function", folder, **PYTHON)
    other = build("Function", folder, **{**PYTHON, "Code": {**CODE, "ContentHash": "other"}})
    assert one.resource != other.resource


def test_inline_code_is_kept_with_its_hash(folder: Path) -> None:
    built = build("Function", folder, Runtime="nodejs22.x", Handler="index.handler", Code={"ZipFile": "exports.a=1"})
    assert isinstance(built.resource.code, InlineCode)
    assert len(built.resource.code.content_hash) == 64


def test_a_handler_in_an_archive_is_found(folder: Path) -> None:
    with zipfile.ZipFile(folder / "code.zip", "w") as archive:
        archive.writestr("pkg/app.py", "")
    code = {"LocalPath": "code.zip", "ContentHash": "h"}
    build("Function", folder, Runtime="python3.12", Handler="pkg.app.handler", Code=code)
    with pytest.raises(PropertyProblem, match=r"looked for .*/code\.zip/app\.py"):
        build("Function", folder, Runtime="python3.12", Handler="app.handler", Code=code)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Handler": "missing.handler"}, r"Handler: no file .* looked for .*/code/missing\.py"),
        ({"Runtime": "java21"}, "Runtime: the runtime 'java21' does not run here"),
        ({"PackageType": "Image"}, "container images do not run here"),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, "Code: only code in a folder"),
        ({"Code": {"LocalPath": "away"}}, "Code: .*/away does not exist"),
        ({"Timeout": 901}, "Timeout: 901 is not between 1 and 900"),
        ({"MemorySize": 64}, "MemorySize: 64 is not between 128 and 10240"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, r"Environment\.Variables: .*reserved keys"),
        ({"Handler": ""}, "the property Handler is required"),
    ],
)
def test_what_cannot_run_is_refused_by_name(folder: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(PropertyProblem, match=problem):
        build("Function", folder, **{**PYTHON, **changes})


def test_a_handler_may_be_in_a_layer(folder: Path) -> None:
    build("Function", folder, **{**PYTHON, "Handler": "elsewhere.handler"}, Layers=["arn:x"])


def test_a_version_an_alias_and_a_url_name_their_function(folder: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:orders"
    version = build("Version", folder, FunctionName="orders")
    assert version.physical_id == version.attributes["FunctionArn"] == f"{arn}:1"
    assert version.attributes["Version"] == "1"
    alias = build("Alias", folder, FunctionName="orders", Name="live", FunctionVersion="1")
    assert alias.physical_id == f"{arn}:live"
    url = build("Url", folder, TargetFunctionArn=alias.physical_id, AuthType="NONE")
    assert url.attributes["FunctionUrl"] == f"https://{TOKEN.lower()}.lambda-url.eu-west-1.on.aws/"
    assert isinstance(url.resource, Url)
    assert (url.resource.function_arn, url.resource.qualifier) == (arn, "live")


def test_a_permission_is_recorded(folder: Path) -> None:
    built = build("Permission", folder, FunctionName="orders", Action="lambda:InvokeFunction", Principal="*")
    assert built.resource is None
    assert built.physical_id


def test_an_event_source_mapping_has_an_id_of_its_own(folder: Path) -> None:
    built = build("EventSourceMapping", folder, FunctionName="orders", EventSourceArn="arn:s", BatchSize=10)
    assert built.attributes["Id"] == built.physical_id == built.resource.uuid
    assert built.resource.batch_size == 10


def test_every_model_survives_the_world(folder: Path) -> None:
    declared = {
        "Function": PYTHON,
        "Version": {"FunctionName": "orders"},
        "Alias": {"FunctionName": "orders", "Name": "live", "FunctionVersion": "1"},
        "Url": {"TargetFunctionArn": "orders", "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"]}},
        "LayerVersion": {"Content": CODE},
        "EventInvokeConfig": {"FunctionName": "orders", "Qualifier": "$LATEST"},
        "EventSourceMapping": {"FunctionName": "orders", "EventSourceArn": "arn:s"},
    }
    resources = tuple(
        Deployed(
            stack="s",
            region="eu-west-1",
            logical_id=kind,
            type=f"AWS::Lambda::{kind}",
            physical_id=kind,
            resource=build(kind, folder, **properties).resource,
        )
        for kind, properties in declared.items()
    )
    world = World(resources=resources)
    models = [each.model for each in RESOURCE_TYPES if each.model is not None]
    assert WorldDecoder(models).decode(encode_world(world)) == world
    assert {type(deployed.resource) for deployed in resources} == set(models)
