"""Applications of several stacks in several regions, from files to what must be done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from globule.cloudformation.execute import all_at_once, one_at_a_time
from globule.cloudformation.prepare import Prepared, Templates, watched_files
from globule.cloudformation.problems import TemplateProblems

Write = Callable[..., Path]
CHAT = Path(__file__).parents[3] / "examples" / "chat"

DATA = """
Resources:
  Table:
    Type: AWS::DynamoDB::GlobalTable
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      Replicas: [{Region: us-east-1}, {Region: eu-west-1}]
Outputs:
  TableName: {Value: !Ref Table}
"""
API = """
Parameters:
  Table: {Type: String}
  Role: {Type: String, Default: NONE}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {Tags: [{Key: table, Value: !Ref Table}, {Key: role, Value: !Ref Role}]}}
  Site: {Type: AWS::S3::Bucket}
Outputs:
  Name: {Value: !Ref Log, Export: {Name: log}}
  Where: {Value: !Ref AWS::Region}
  Site: {Value: !Ref Site}
"""
USER = """
Parameters: {East: {Type: String}, West: {Type: String}, Mine: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Policy
    Properties: {PolicyName: !ImportValue log, PolicyDocument: {East: !Ref East, West: !Ref West, Mine: !Ref Mine}}
"""
APPLICATION = """
[[stack]]
name = "data"
template = "data.yaml"
regions = ["us-east-1"]

[[stack]]
name = "api"
template = "api.yaml"
regions = ["us-east-1", "eu-west-1"]
parameters = { Table = { stack = "data", output = "TableName" }, Role = { by_region = { eu-west-1 = "SECONDARY" } } }
sync = [{ from = "web/", to_output = "Site" }]

[[stack]]
name = "user"
template = "user.yaml"
regions = ["eu-west-1"]
[stack.parameters]
East = { stack = "api", output = "Where", region = "us-east-1" }
West = { output = "api.Where", region = "eu-west-1" }
Mine = { stack = "api", output = "Where" }
"""


@pytest.fixture
def shop(folder: Write) -> Path:
    return folder(
        data_dot_yaml=DATA,
        api_dot_yaml=API,
        user_dot_yaml=USER,
        web__index_dot_html="hello",
        globule_dot_toml=APPLICATION,
    )


async def prepared(templates: Templates, folder: Path, previous: Prepared | None = None) -> Prepared:
    return await templates.prepare(templates.read(folder), previous.states if previous else ())


async def refusal(templates: Templates, folder: Path, previous: Prepared | None = None) -> str:
    with pytest.raises(TemplateProblems) as caught:
        await prepared(templates, folder, previous)
    return str(caught.value)


def change(folder: Path, file: str, replaced: str, by: str) -> None:
    text = (folder / file).read_text()
    assert replaced in text
    (folder / file).write_text(text.replace(replaced, by))


async def test_outputs_of_one_stack_feed_the_next_within_and_across_regions(templates: Templates, shop: Path) -> None:
    found = await prepared(templates, shop)
    assert [step.key for step in found.steps] == [
        ("data", "us-east-1"),
        ("api", "us-east-1"),
        ("api", "eu-west-1"),
        ("user", "eu-west-1"),
    ]
    data, east, west, user = found.states
    for api, role in ((east, "NONE"), (west, "SECONDARY")):
        (log,) = (resource for resource in api.resources if resource.logical_id == "Log")
        assert [tag["Value"] for tag in log.properties["Tags"]] == [data.outputs["TableName"], role]
    assert user.resources[0].properties == {
        "PolicyName": west.exports["log"],
        "PolicyDocument": {"East": "us-east-1", "West": "eu-west-1", "Mine": "eu-west-1"},
    }
    assert user.imports == ("log",)


async def test_files_are_uploaded_to_the_bucket_of_each_region(templates: Templates, shop: Path) -> None:
    found = await prepared(templates, shop)
    assert [(upload.region, upload.folder, upload.bucket) for upload in found.uploads] == [
        (state.region, shop / "web", state.outputs["Site"]) for state in found.states if state.name == "api"
    ]


async def test_planning_after_applying_gives_an_empty_plan(templates: Templates, shop: Path) -> None:
    first = await prepared(templates, shop)
    second = await prepared(templates, shop, first)
    assert second.empty
    assert (second.states, second.resources) == (first.states, first.resources)
    assert one_at_a_time(second) == []
    assert all_at_once(second) == [list(second.steps)]


async def test_a_stack_that_the_application_no_longer_has_goes(templates: Templates, shop: Path) -> None:
    change(shop, "data.yaml", "    Properties:", "    DeletionPolicy: Retain\n    Properties:")
    first = await prepared(templates, shop)
    (shop / "globule.toml").write_text('[[stack]]\nname = "x"\ntemplate = "data.yaml"\nregions = ["sa-east-1"]\n')
    second = await prepared(templates, shop, first)
    assert [(step.key, step.after is None) for step in second.steps] == [
        (("x", "sa-east-1"), False),
        (("user", "eu-west-1"), True),
        (("api", "eu-west-1"), True),
        (("api", "us-east-1"), True),
        (("data", "us-east-1"), False),
    ]
    retained = second.steps[-1]
    assert [action.kind for action in retained.plan.actions] == ["retain"]
    assert [resource.physical_id for resource in retained.resources] == [first.states[0].resources[0].physical_id]
    third = await prepared(templates, shop, second)
    assert third.empty and third.states == second.states


async def test_problems_of_all_stacks_are_told_at_once_and_each_but_once(templates: Templates, shop: Path) -> None:
    change(shop, "api.yaml", "!Ref Role}", "!Ref Rol}")
    change(shop, "data.yaml", "TableName: {Value: !Ref Table}", "Table: {Value: !Ref Table}")
    assert await refusal(templates, shop) == (
        "globule.toml:8: stack api: data has no output TableName; there are: Table"
    )
    change(shop, "data.yaml", "Table: {Value: !Ref Table}", "TableName: {Value: !Ref Table}")
    said = await refusal(templates, shop)
    assert said.splitlines() == [
        "api.yaml:6: Resources.Log.Properties.Tags.1.Value.Ref: unresolved reference: there is no parameter or "
        "resource Rol here"
    ]


async def test_a_syntax_error_is_told_with_file_and_line(templates: Templates, shop: Path) -> None:
    change(shop, "api.yaml", "Resources:", "Resources")
    assert (await refusal(templates, shop)).startswith("api.yaml:6: not valid YAML")


async def test_a_bucket_to_upload_to_must_be_an_output(templates: Templates, shop: Path) -> None:
    change(shop, "globule.toml", 'to_output = "Site"', 'to_output = "Nope"')
    assert "globule.toml:8: stack api: sync: it has no output Nope; there are: Name, Where, Site" in await refusal(
        templates, shop
    )


async def test_an_export_in_use_stays(templates: Templates, shop: Path) -> None:
    first = await prepared(templates, shop)
    change(shop, "api.yaml", ", Export: {Name: log}", "")
    change(shop, "user.yaml", "!ImportValue log", "none")
    assert await refusal(templates, shop, first) == (
        "api.yaml:8: Outputs: Export log cannot be deleted as it is in use by user"
    )


async def test_names_that_are_the_accounts_are_unique_over_regions(templates: Templates, shop: Path) -> None:
    change(
        shop,
        "api.yaml",
        "Site: {Type: AWS::S3::Bucket}",
        "Site: {Type: AWS::S3::Bucket, Properties: {BucketName: site}}",
    )
    assert await refusal(templates, shop) == (
        "api.yaml:7: Resources.Site.Properties.BucketName: site already exists: it is Site of api in us-east-1; such "
        "names are the account's, in all regions"
    )
    change(shop, "api.yaml", "BucketName: site", "BucketName: !Sub 'site-${AWS::Region}'")
    assert len((await prepared(templates, shop)).states) == 4


async def test_every_file_is_watched_even_while_a_template_is_broken(templates: Templates, shop: Path) -> None:
    expected = {shop / name for name in ("globule.toml", "data.yaml", "api.yaml", "user.yaml", "web")}
    assert set((await prepared(templates, shop)).files) == expected
    change(shop, "api.yaml", "Resources:", "Resources")
    assert set(watched_files(templates.read(shop))) == expected


async def test_the_chat_is_prepared_from_its_templates(templates: Templates) -> None:
    found = await prepared(templates, CHAT)
    kinds = {resource.type for resource in found.resources}
    assert {"AWS::DynamoDB::GlobalTable", "AWS::Lambda::Function", "AWS::CloudFront::Distribution"} <= kinds
    assert {CHAT / "globule.toml", CHAT / "data.yaml"} <= set(found.files)
    assert found.uploads
    again = await prepared(templates, CHAT, found)
    assert again.empty and again.translated == 0
