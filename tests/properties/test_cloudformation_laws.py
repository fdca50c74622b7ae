"""Laws of templates: planning after applying is empty, identity follows from what replaces, parsing loses nothing."""

from __future__ import annotations

import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.graph import Circle, in_order
from globule.cloudformation.intrinsics.evaluation import CONDITION_FUNCTIONS, FUNCTIONS, REFUSED, Evaluation
from globule.cloudformation.intrinsics.scope import Facts
from globule.cloudformation.local_code import ContentHashes
from globule.cloudformation.parsing import Lines, parse
from globule.cloudformation.plan import plan
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.resolve import Instance, resolve
from globule.cloudformation.schemas import Schemas
from globule.cloudformation.standing import resources_of
from globule.cloudformation.state import StackState
from globule.cloudformation.template import Source, read_template
from globule.cloudformation.transform import transformed

CATALOGUE = Catalogue((), Schemas())
EVALUATION = Evaluation(Facts(region="eu-west-1"))
names = st.sampled_from(["A", "B", "C", "D", "E"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Log groups and parameters, some named, some retained, some that refer to others."""
    resources: dict[str, Any] = {}
    for name in draw(st.sets(names, min_size=1)):
        tags = [{"Key": "k", "Value": draw(st.sampled_from(["x", "y", *({"Ref": other} for other in resources)]))}]
        properties: dict[str, Any] = {"Tags": tags}
        if draw(st.booleans()):
            properties["LogGroupName"] = f"{name}-{draw(st.integers(0, 2))}"
        resources[name] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": properties,
            "DeletionPolicy": draw(st.sampled_from(["Delete", "Retain"])),
        }
    return {"Resources": resources, "Outputs": {"O": {"Value": {"Ref": draw(st.sampled_from(sorted(resources)))}}}}


class Tokens:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"T{next(self._numbers):025}"


def applied(template: dict[str, Any], before: StackState | None, draw: Tokens) -> StackState:
    document = parse(json.dumps(template), "t.json")
    source = Source(document=document)
    instance = Instance(stack="s", region="eu-west-1", account="0" * 12, folder=Path("/"), previous=before)
    return resolve(read_template(document.value, source), instance, CATALOGUE, draw).state


@given(st.lists(templates(), min_size=1, max_size=4))
def test_planning_after_applying_gives_an_empty_plan(history: list[dict[str, Any]]) -> None:
    state: StackState | None = None
    draw = Tokens()
    for template in history:
        try:
            state = applied(template, state, draw)
        except TemplateProblems:
            continue  # a name that is still taken: the stack stays as it was
        again = applied(template, state, draw)
        assert plan(state, again).empty
        assert again == state


@given(templates(), templates())
def test_a_plan_names_exactly_what_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    draw = Tokens()
    before = applied(one, None, draw)
    try:
        after = applied(other, before, draw)
    except TemplateProblems:
        return
    actions = plan(before, after).actions
    old = {resource.logical_id for resource in before.resources}
    new = {resource.logical_id for resource in after.resources}
    by_kind = {kind: [a.logical_id for a in actions if a.kind == kind] for kind in ("create", "replace", "update")}
    gone = [action.logical_id for action in actions if action.kind in ("delete", "retain")]
    assert set(by_kind["create"]) == new - old
    assert set(gone) == (old - new) | set(by_kind["replace"])
    assert all(action.kind in ("delete", "retain") for action in actions[len(actions) - len(gone) :])
    kept = {action.physical_id for action in actions if action.kind == "retain"}
    assert kept <= {resource.physical_id for resource in after.retained}
    assert plan(after, after).empty


@given(templates())
def test_a_state_survives_its_encoding_and_builds_the_same_resources(template: dict[str, Any]) -> None:
    state = applied(template, None, Tokens())
    same = msgspec.json.decode(msgspec.json.encode(state), type=StackState)
    assert same == state
    assert resources_of(same, CATALOGUE) == resources_of(state, CATALOGUE)


@given(st.dictionaries(names, st.sets(names)))
def test_the_order_respects_every_need_or_names_a_real_circle(needs: dict[str, set[str]]) -> None:
    try:
        order = in_order(needs)
    except Circle as circle:
        assert circle.members[0] == circle.members[-1]
        assert all(later in needs[name] for name, later in itertools.pairwise(circle.members))
        return
    assert all(order.index(need) < order.index(name) for name, needed in needs.items() for need in needed)


def covers(value: Any, lines: Lines) -> bool:
    members = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return all(key in lines.children and covers(member, lines.children[key]) for key, member in members)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_json_and_yaml_are_read_as_their_own_libraries_read_them(value: dict[str, Any]) -> None:
    as_json = parse(json.dumps(value, indent=1), "t.json")
    assert as_json.value == value
    assert covers(value, as_json.lines)
    as_yaml = parse("# yaml\n" + yaml.safe_dump(value, default_flow_style=False), "t.yaml")
    assert as_yaml.value == value
    assert covers(value, as_yaml.lines)


@given(st.text(max_size=200) | st.text(alphabet='{}[]&*!<>:,-"\n ax1', max_size=60))
def test_any_text_is_a_template_or_refused_with_a_line(text: str) -> None:
    try:
        document = parse(text, "t")
    except TemplateProblems as problems:
        assert all(1 <= problem.line <= text.count("\n") + 2 for problem in problems.problems)
    else:
        assert covers(document.value, document.lines)


BASE: dict[str, Any] = {
    "Parameters": {"P": {"Type": "String", "Default": "x", "AllowedValues": ["x"], "MaxLength": 3}},
    "Mappings": {"M": {"a": {"b": "c"}}},
    "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
    "Rules": {"R": {"RuleCondition": {"Condition": "C"}, "Assertions": [{"Assert": {"Fn::Contains": [["x"], "x"]}}]}},
    "Resources": {
        "L": {
            "Type": "AWS::Logs::LogGroup",
            "Condition": "C",
            "DependsOn": ["Q"],
            "DeletionPolicy": "Retain",
            "Properties": {
                "LogGroupName": {"Fn::Sub": ["${P}-${v}", {"v": {"Fn::GetAtt": ["Q", "Arn"]}}]},
                "Tags": [{"Key": "k", "Value": {"Fn::If": ["C", {"Fn::FindInMap": ["M", "a", "b"]}, "z"]}}],
            },
        },
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Fn::Select": ["0", ["5"]]}}},
    },
    "Outputs": {"O": {"Value": {"Fn::Join": ["-", [{"Ref": "Q"}]]}, "Condition": "C", "Export": {"Name": "e"}}},
}


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [path, *(deeper for key, member in members for deeper in paths(member, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


calls = st.dictionaries(
    st.sampled_from(["Ref", "Condition", *FUNCTIONS, *CONDITION_FUNCTIONS, *REFUSED]), values, min_size=1, max_size=2
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(paths(BASE)[1:]), values | calls | texts), max_size=3))
def test_any_template_is_resolved_or_refused(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands anywhere in a template, the outcome is a state or problems with lines, never a crash."""
    template = BASE
    for path, new in changes:
        if path in paths(template):
            template = replaced(template, path, new)
    try:
        state = applied(template, None, Tokens())
    except TemplateProblems as problems:
        assert all(problem.line >= 1 and problem.why for problem in problems.problems)
    else:
        assert msgspec.json.decode(msgspec.json.encode(state), type=StackState) == state


TRANSFORMED: dict[str, Any] = {
    "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
    "Globals": {"Function": {"CodeUri": "code", "Runtime": "python3.12"}},
    "Resources": {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Code": "code", "Runtime": "python3.12", "Handler": "a.b"},
        },
        "S": {"Type": "AWS::Serverless::Function", "Metadata": {"a": "b"}, "Properties": {"CodeUri": "code"}},
        "V0123456789": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}},
        "A": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"BodyS3Location": "code/api.json"}},
        "Fn::ForEach::L": ["X", ["a", "b"], {"Q${X}": {"Type": "AWS::SQS::Queue"}}],
    },
}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    (folder / "code").mkdir()
    (folder / "code" / "a.py").touch()
    (folder / "code" / "api.json").write_text("{}")
    return folder


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(paths(TRANSFORMED)[1:]), values | calls | texts), max_size=3))
def test_any_template_is_transformed_or_refused(code: Path, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """As above for what comes before: local code, loops, and what is done around SAM's translator."""
    template = TRANSFORMED
    for path, new in changes:
        if path in paths(template):
            template = replaced(template, path, new)
    instance = Instance(stack="s", region="eu-west-1", account="0" * 12, folder=code)
    with contextlib.suppress(TemplateProblems):
        document = parse(json.dumps(template), "t.json")
        transformed(document, instance, lambda body, parameters, region: body, ContentHashes())


@given(st.lists(texts.filter(lambda text: "|" not in text and "{{" not in text), min_size=1))
def test_split_undoes_join(parts: list[str]) -> None:
    joined = {"Fn::Join": ["|", parts]}
    if "{{resolve:" not in "|".join(parts):
        assert EVALUATION.value({"Fn::Split": ["|", joined]}, ()) == parts


@given(texts.filter(lambda text: "${" not in text and "{{" not in text))
def test_text_without_variables_is_its_own_substitution(text: str) -> None:
    assert EVALUATION.value({"Fn::Sub": text}, ()) == text
