"""AWS's SAM translator at work, in its own process: code, versions, origins, errors, cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from globule.cloudformation.prepare import Prepared, Templates
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.sam_translator import SamTranslator, TranslationFailed
from globule.cloudformation.state import ResourceState

Write = Callable[..., Path]

ORDERS = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: live}
Globals:
  Function:
    Runtime: python3.12
    Timeout: 5
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: true
  Put:
    Type: AWS::Serverless::Function
    Metadata: {Note: kept}
    Properties:
      Handler: app.handler
      CodeUri: src/
      AutoPublishAlias: !Ref Stage
      Layers: [!Ref Shared]
      Environment: {Variables: {TABLE: !Ref Orders}}
      Policies:
        - DynamoDBCrudPolicy: {TableName: !Ref Orders}
      Events:
        Own: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: put, Path: "/orders/{id}"}}
        Implied: {Type: HttpApi, Properties: {Method: get, Path: /}}
  Inline:
    Type: AWS::Serverless::Function
    Properties: {Handler: index.handler, InlineCode: "def handler(event, context): ..."}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer}
  Orders:
    Type: AWS::Serverless::SimpleTable
Outputs:
  Version: {Value: !Ref Put.Version}
  Alias: {Value: !Ref Put.Alias}
  Function: {Value: !GetAtt Put.Arn}
"""


@pytest.fixture
def orders(folder: Write) -> Path:
    return folder(orders_dot_yaml=ORDERS, src__app_dot_py="x = 1", layer__python__shared_dot_py="y = 1") / "orders.yaml"


async def prepared(templates: Templates, path: Path, *regions: str, previous: Prepared | None = None) -> Prepared:
    application = templates.read(path, regions=regions or ("eu-west-1",))
    return await templates.prepare(application, previous.states if previous else ())


async def refusal(templates: Templates, path: Path) -> str:
    with pytest.raises(TemplateProblems) as caught:
        await prepared(templates, path)
    return str(caught.value)


def resources(found: Prepared, kind: str) -> list[ResourceState]:
    return [resource for state in found.states for resource in state.resources if resource.type == kind]


async def test_local_code_layers_and_inline_code_survive(templates: Templates, orders: Path) -> None:
    found = await prepared(templates, orders)
    put, inline = sorted(resources(found, "AWS::Lambda::Function"), key=lambda resource: resource.logical_id)[::-1]
    assert put.properties["Code"]["LocalPath"] == "src/"
    assert len(put.properties["Code"]["ContentHash"]) == 64
    assert inline.properties["Code"] == {"ZipFile": "def handler(event, context): ..."}
    (layer,) = resources(found, "AWS::Lambda::LayerVersion")
    assert layer.properties["Content"]["LocalPath"] == "layer"
    assert put.properties["Layers"] == [layer.ref]


async def test_an_http_api_arrives_as_an_api_with_a_body_and_a_stage(templates: Templates, orders: Path) -> None:
    """What the gateway must understand of SAM: OpenAPI with x-amazon-apigateway-integration, routes by path."""
    found = await prepared(templates, orders)
    explicit, implicit = sorted(resources(found, "AWS::ApiGatewayV2::Api"), key=lambda resource: resource.logical_id)
    (alias,) = resources(found, "AWS::Lambda::Alias")
    body = explicit.properties["Body"]
    assert body["openapi"] == "3.0.1"
    assert body["x-amazon-apigateway-cors"] == {"allowOrigins": ["*"]}
    integration = body["paths"]["/orders/{id}"]["put"]["x-amazon-apigateway-integration"]
    assert integration == {
        "httpMethod": "POST",
        "type": "aws_proxy",
        "uri": f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{alias.ref}/invocations",
        "payloadFormatVersion": "2.0",
    }
    assert set(implicit.properties["Body"]["paths"]) == {"/"}
    stages = resources(found, "AWS::ApiGatewayV2::Stage")
    assert {stage.properties["ApiId"] for stage in stages} == {explicit.ref, implicit.ref}
    assert {(stage.properties["StageName"], stage.properties["AutoDeploy"]) for stage in stages} == {("$default", True)}


async def test_saved_code_publishes_a_new_version_without_translating_again(templates: Templates, orders: Path) -> None:
    first = await prepared(templates, orders)
    (orders.parent / "src" / "app.py").write_text("x = 2")
    second = await prepared(templates, orders, previous=first)
    assert second.translated == 0
    kinds = {(action.kind, action.type) for step in second.steps for action in step.plan.actions}
    assert kinds == {
        ("update", "AWS::Lambda::Function"),
        ("create", "AWS::Lambda::Version"),
        ("delete", "AWS::Lambda::Version"),
        ("update", "AWS::Lambda::Alias"),
    }
    assert first.states[0].outputs["Version"] != second.states[0].outputs["Version"]
    third = await prepared(templates, orders, previous=second)
    assert third.empty and third.states == second.states


async def test_a_saved_layer_is_a_new_layer(templates: Templates, orders: Path) -> None:
    first = await prepared(templates, orders)
    (orders.parent / "layer" / "python" / "shared.py").write_text("y = 2")
    second = await prepared(templates, orders, previous=first)
    kinds = {(action.kind, action.type) for step in second.steps for action in step.plan.actions}
    assert ("create", "AWS::Lambda::LayerVersion") in kinds
    assert ("update", "AWS::Lambda::Function") in kinds


async def test_what_tools_leave_beside_code_is_not_code(templates: Templates, orders: Path) -> None:
    first = await prepared(templates, orders)
    for left in ("__pycache__/app.cpython-311.pyc", ".globule/world.json", ".git/HEAD"):
        path = orders.parent / "src" / left
        path.parent.mkdir()
        path.write_text("left")
    assert (await prepared(templates, orders, previous=first)).empty


async def test_every_region_is_translated_as_itself(templates: Templates, orders: Path) -> None:
    found = await prepared(templates, orders, "us-east-1", "ap-southeast-2", "eu-west-1")
    uris = {
        state.region: state.resource("Api").properties["Body"]["paths"]["/orders/{id}"]["put"]  # type: ignore[union-attr]
        for state in found.states
    }
    assert all(region in str(uri) for region, uri in uris.items())
    assert "arn:aws:apigateway:us-east-1" in str(uris["us-east-1"])


async def test_a_warm_start_does_not_start_the_translator(
    templates: Templates, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await prepared(templates, orders)
    monkeypatch.setattr(SamTranslator, "_start", lambda self: pytest.fail("started"))
    assert (await prepared(templates, orders)).translated == 0
    assert (await prepared(templates, orders, previous=first)).empty


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        ("CodeUri: src/", "CodeUri: nowhere/", "orders.yaml:19: Resources.Put.Properties.CodeUri: there is no file or"),
        ("Timeout: 5", "Timout: 5", "Globals' section is invalid. 'Timout' is not a supported property of 'Function'"),
        ("CorsConfiguration: true", "Cors: true", "orders.yaml:13: Resource with id [Api] is invalid. property Cors"),
        ("Method: put, Path", "Methd: put, Path", "orders.yaml:26: Resource with id [Put] is invalid. Event"),
        (
            "!Ref Orders}}\n      P",
            "!Ref Nope}}\n      P",
            "orders.yaml:22: Resources.Put.Properties.Environment",
        ),
        ("TableName: !Ref Orders", "Nope: !Ref Orders", "orders.yaml:17: Resource with id [Put] is invalid."),
        ("Transform: AWS::S", "Transform: AWS::Nope-S", "orders.yaml:2: the transform AWS::Nope-Serverless-2016-10-31"),
        ("Transform: AWS::Serverless-2016-10-31", "", "orders.yaml:5: Globals: needs `Transform: AWS::S"),
        (
            "Type: AWS::Serverless::SimpleTable",
            "Type: AWS::Serverless::Application",
            "orders.yaml:34: Resources.Orders: nested app",
        ),
        (
            "Type: AWS::Serverless::SimpleTable",
            "Properties: {}",
            "orders.yaml:34: Resources.Orders: a resource is a",
        ),
    ],
)
async def test_a_mistake_is_told_with_the_line_of_its_source(
    templates: Templates, orders: Path, replaced: str, by: str, said: str
) -> None:
    assert replaced in ORDERS
    orders.write_text(ORDERS.replace(replaced, by, 1))
    assert said in await refusal(templates, orders)


async def test_a_mistake_in_what_sam_generates_leads_to_its_sam_resource(templates: Templates, orders: Path) -> None:
    orders.write_text(ORDERS.replace("Timeout: 5", "Timeout: soon"))
    assert "Resources.Put.Properties.Timeout: must be a whole number, not 'soon'" in await refusal(templates, orders)
    assert "orders.yaml:17: Resources.Put.Properties.Timeout" in await refusal(templates, orders)


async def test_a_definition_file_becomes_the_body(templates: Templates, folder: Write) -> None:
    path = folder(
        t_dot_yaml="""
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Api: {Type: AWS::Serverless::HttpApi, Properties: {DefinitionUri: api.yaml}}
        """,
        api_dot_yaml="openapi: 3.0.1\npaths: {/a: {get: {}}}",
    )
    found = await prepared(templates, path / "t.yaml")
    (api,) = resources(found, "AWS::ApiGatewayV2::Api")
    assert api.properties["Body"]["paths"] == {"/a": {"get": {}}}
    assert path / "api.yaml" in found.files


@pytest.mark.parametrize("code", ["", "CodeUri: ", "CodeUri: null"])
async def test_code_is_beside_the_template_where_nothing_says_where(
    templates: Templates, folder: Write, code: str
) -> None:
    path = folder(
        t_dot_yaml=f"""
        Transform: AWS::Serverless-2016-10-31
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: python3.12
              Handler: app.handler
              {code}
        """,
        app_dot_py="",
    )
    found = await prepared(templates, path / "t.yaml")
    (function,) = resources(found, "AWS::Lambda::Function")
    assert function.properties["Code"]["LocalPath"] == "."
    assert path in found.files, "code that is not watched does not become live when it is saved"


@pytest.mark.parametrize(
    ("runtime", "handler", "file", "there"),
    [
        ("python3.12", "app.handler", "app.py", True),
        ("python3.12", "pkg.app.handler", "pkg/app.py", True),
        ("python3.12", "pkg/app.handler", "pkg/app.py", True),
        ("python3.12", "app.handler", "app/__init__.py", True),
        ("python3.12", "app.handler", "app.js", False),
        ("nodejs22.x", "index.handler", "index.mjs", True),
        ("nodejs22.x", "src/index.a.b", "src/index.js", True),
        ("nodejs22.x", "index.handler", "index.ts", False),
        ("provided.al2023", "bootstrap", "main.go", True),
        ("java25", "example.Handler::handle", "Handler.java", True),
    ],
)
async def test_a_missing_handler_file_is_refused(
    templates: Templates, folder: Write, runtime: str, handler: str, file: str, there: bool
) -> None:
    path = folder(
        t_dot_yaml=f"""
        Resources:
          F:
            Type: AWS::Lambda::Function
            Properties: {{Code: src, Role: r, Runtime: {runtime}, Handler: {handler}}}
        """
    )
    (path / "src" / file).parent.mkdir(parents=True)
    (path / "src" / file).touch()
    if there:
        assert resources(await prepared(templates, path / "t.yaml"), "AWS::Lambda::Function")
    else:
        said = await refusal(templates, path / "t.yaml")
        assert f"t.yaml:5: Resources.F.Properties.Handler: Handler {handler} needs" in said
        assert ("run `sam build`" in said) == file.endswith(".ts")


async def test_loops_are_written_out_before_sam(templates: Templates, folder: Write) -> None:
    path = folder(
        t_dot_yaml="""
        Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
        Parameters: {Names: {Type: CommaDelimitedList, Default: "One,Two"}}
        Resources:
          Fn::ForEach::Tables:
            - Name
            - !Ref Names
            - ${Name}Table: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: !Ref Name}}
        """
    )
    found = await prepared(templates, path / "t.yaml")
    assert [table.physical_id for table in resources(found, "AWS::DynamoDB::Table")] == ["One", "Two"]
    text = (path / "t.yaml").read_text().replace("AWS::LanguageExtensions, ", "")
    (path / "t.yaml").write_text(text)
    assert "t.yaml:2: Fn::ForEach needs `Transform: AWS::LanguageExtensions`" in await refusal(
        templates, path / "t.yaml"
    )


def test_a_template_that_the_translator_chokes_on_does_not_end_the_next_one(tmp_path: Path) -> None:
    fine: dict[str, Any] = {"Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}}}
    translator = SamTranslator(tmp_path)
    try:
        with pytest.raises(TranslationFailed, match="AWS's SAM translator failed on this template: "):
            translator.translate(fine, {"a": {1: 2}}, None)  # type: ignore[arg-type]
        assert translator.translate(fine, {}, "eu-west-1")["Resources"]["T"]["Type"] == "AWS::DynamoDB::Table"
        assert translator.translated == 1
    finally:
        translator.close()


def test_a_damaged_answer_in_the_cache_is_asked_again(tmp_path: Path) -> None:
    fine: dict[str, Any] = {"Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}}}
    translator = SamTranslator(tmp_path)
    try:
        answer = translator.translate(fine, {}, "eu-west-1")
        (file,) = tmp_path.glob("*.json")
        file.write_bytes(b"{")
        assert translator.translate(fine, {}, "eu-west-1") == answer
        assert (translator.translated, file.stat().st_mode & 0o777) == (2, 0o600)
    finally:
        translator.close()
