"""`globule.toml` and bare templates to applications."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from globule.cloudformation.application import Application, ByRegion, Literal, OutputOf, read_application
from globule.cloudformation.problems import TemplateProblems

Write = Callable[..., Path]

CHAT = """
home = "tokyo"

[[stack]]
name = "data"
template = "data.yaml"
regions = ["us-east-1"]

[[stack]]
name = "api"
template = "api/api.yaml"
regions = ["us-east-1", "eu-west-1"]
capabilities = ["CAPABILITY_IAM"]
[stack.parameters]
Stage = "prod"
Count = 3
Debug = true
Names = ["a", "b"]
Table = { stack = "data", output = "TableName" }
Zone = { output = "data.Zone", region = "us-east-1" }
Role = { by_region = { us-east-1 = "PRIMARY", eu-west-1 = { stack = "data", output = "Role" } }, default = "NONE" }
[[stack.sync]]
from = "web/"
to_output = "Site"
"""


@pytest.fixture
def chat(folder: Write) -> Path:
    return folder(data_dot_yaml="", api__api_dot_yaml="", web__index_dot_html="", globule_dot_toml=CHAT)


def read(path: Path, **options: object) -> Application:
    return read_application(path, **options)  # type: ignore[arg-type]


def test_an_application_is_read_from_its_folder(chat: Path) -> None:
    application = read(chat)
    assert application == read(chat / "globule.toml")
    assert application.home == "tokyo"
    assert application.regions == ("us-east-1", "eu-west-1")
    data, api = application.stacks
    assert (data.name, data.template, data.regions, data.parameters) == ("data", chat / "data.yaml", ("us-east-1",), {})
    assert api.parameters == {
        "Stage": Literal("prod"),
        "Count": Literal("3"),
        "Debug": Literal("true"),
        "Names": Literal("a,b"),
        "Table": OutputOf(stack="data", output="TableName"),
        "Zone": OutputOf(stack="data", output="Zone", region="us-east-1"),
        "Role": ByRegion(
            choices={"us-east-1": Literal("PRIMARY"), "eu-west-1": OutputOf(stack="data", output="Role")},
            default=Literal("NONE"),
        ),
    }
    assert [(sync.folder, sync.to_output) for sync in api.sync] == [(chat / "web", "Site")]
    assert (api.file, api.line) == ("api/api.yaml", 10)


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        ('home = "tokyo"', "home = ", "globule.toml:2: not valid TOML"),
        ('home = "tokyo"', "home = 3", "globule.toml:2: home: Expected `str | null`, got `int`"),
        ('home = "tokyo"', 'hom = "tokyo"', "globule.toml:2: Object contains unknown field `hom`"),
        ('home = "tokyo"', 'home = "tokio"', "globule.toml:2: home: no city is called 'tokio'; did you mean tokyo"),
        ('name = "data"', 'name = "-data"', "globule.toml:5: stack -data: a stack's name starts with a letter"),
        ('template = "data.yaml"', 'template = "no.yaml"', "globule.toml:6: stack data: there is no file no.yaml"),
        ('regions = ["us-east-1"]', 'regions = "us-east-1"', "globule.toml:7: stack[0].regions: Expected `array`"),
        ('regions = ["us-east-1"]', "regions = []", "globule.toml:7: stack data: name at least one region"),
        ('regions = ["us-east-1"]', 'regions = ["us-est-1"]', "no AWS region is called 'us-est-1'; did you mean us-"),
        ('regions = ["us-east-1"]', 'regions = ["us-east-1", "us-east-1"]', "stack data: a region is there twice"),
        (
            'regions = ["us-east-1"]',
            'region = ["us-east-1"]',
            "globule.toml:7: stack[0]: Object contains unknown",
        ),
        ('Stage = "prod"', "Stage = 1979-05-27", "globule.toml:15: stack api: parameter Stage: cannot be"),
        ('Stage = "prod"', 'Stage = { value = "x" }', "globule.toml:15: stack api: parameter Stage: write a value, {"),
        ('stack = "data", output = "TableName"', 'stack = "x", output = "T"', "parameter Table: the stack x is not in"),
        ('stack = "data", output = "TableName"', 'stack = "api", output = "T"', "the stack api must come before this"),
        (
            'region = "us-east-1" }',
            'region = "eu-west-1" }',
            "parameter Zone: data is not in eu-west-1, but",
        ),
        (
            'by_region = { us-east-1 = "PRIMARY"',
            "by_region = { us-east-1 = { a = 1 }",
            "parameter Role: us-east-1: ",
        ),
        ('from = "web/"', 'from = "nowhere/"', "globule.toml:23: stack api: there is no folder nowhere/"),
        ('regions = ["us-east-1"]', "", "globule.toml:4: stack[0]: Object missing required field `regions`"),
        ('name = "api"', 'name = "data"', "globule.toml:10: stack data: there is another one of that name"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(chat: Path, replaced: str, by: str, said: str) -> None:
    file = chat / "globule.toml"
    assert replaced in file.read_text()
    file.write_text(file.read_text().replace(replaced, by, 1))
    with pytest.raises(TemplateProblems) as caught:
        read(chat)
    assert said in str(caught.value)


def test_an_output_of_a_stack_in_several_other_regions_needs_a_region(folder: Write) -> None:
    path = folder(
        t_dot_yaml="",
        globule_dot_toml="""
        [[stack]]
        name = "api"
        template = "t.yaml"
        regions = ["us-east-1", "eu-west-1"]
        [[stack]]
        name = "edge"
        template = "t.yaml"
        regions = ["us-east-1", "sa-east-1"]
        parameters = { Api = { stack = "api", output = "Url" } }
        """,
    )
    with pytest.raises(TemplateProblems, match=r"globule.toml:10: .* say which region's output is meant in sa-east-1"):
        read(path)


def test_a_folder_without_the_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TemplateProblems, match=r"there is no globule.toml in .*; name a template with --regions"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("file", "name"), [("orders.yaml", "orders"), ("my app/template.yaml", "my-app"), ("1st_try.json", "st-try")]
)
def test_a_bare_template_goes_to_the_regions_that_are_given(tmp_path: Path, file: str, name: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    application = read(path, regions=("eu-west-1", "us-east-1"), parameters={"Stage": "x"})
    (stack,) = application.stacks
    assert (stack.name, stack.template, stack.regions) == (name, path, ("eu-west-1", "us-east-1"))
    assert stack.parameters == {"Stage": Literal("x")}


def test_a_bare_template_needs_to_be_there_and_a_region(tmp_path: Path) -> None:
    with pytest.raises(TemplateProblems) as caught:
        read(tmp_path / "none.yaml")
    assert [problem.why.split(":")[0] for problem in caught.value.problems] == [
        "there is no such file",
        "say which regions it goes to",
    ]


def test_regions_are_not_given_twice(chat: Path) -> None:
    with pytest.raises(TemplateProblems, match="regions and parameters come from this file"):
        read(chat, regions=("eu-west-1",))
