"""The shapes of a template's sections, and the text that transforms write: includes and loops."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from globule.cloudformation.includes import write_out_includes
from globule.cloudformation.intrinsics.evaluation import Evaluation
from globule.cloudformation.intrinsics.scope import Facts
from globule.cloudformation.language_extensions import write_out_loops
from globule.cloudformation.parsing import Document, parse
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.template import RESOURCES_LIMIT, Source, read_template


def document_of(text: str) -> Document:
    return parse(textwrap.dedent(text), "t.yaml")


def problems_of(text: str) -> str:
    document = document_of(text)
    with pytest.raises(TemplateProblems) as caught:
        read_template(document.value, Source(document=document))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Description: nothing", "t.yaml:1: Resources: at least one resource must be declared"),
        ("Resources: [a]", "t.yaml:1: Resources: must be a mapping"),
        ("Resources: {A: {Type: X}}\nOutput: {}", "t.yaml:2: Output: there is no section Output"),
        ("Resources:\n  A: {Properties: {}}", "t.yaml:2: Resources.A: a resource is a mapping with a Type"),
        ("Resources:\n  A-B: {Type: X}", "t.yaml:2: Resources.A-B: a logical id has only letters and digits"),
        (
            "Resources:\n  A:\n    Type: X\n    Propertis: {}",
            "t.yaml:4: Resources.A.Propertis: there is no resource attribute Propertis",
        ),
        ("Resources:\n  A: {Type: X, TableName: t}", "UpdateReplacePolicy; does it belong under Properties?"),
        ("Resources:\n  A: {Type: X, Properties: [a]}", "t.yaml:2: Resources.A.Properties: must be a mapping"),
        ("Resources:\n  A: {Type: X, DependsOn: {a: b}}", "t.yaml:2: Resources.A.DependsOn: must be a logical id"),
        ("Resources:\n  A: {Type: X, Condition: [a]}", "t.yaml:2: Resources.A.Condition: must be the name of a"),
        ("Resources: {A: {Type: X}}\nOutputs:\n  O: x", "t.yaml:3: Outputs.O: an output is a mapping with a Value"),
        (
            "Resources: {A: {Type: X}}\nOutputs:\n  O: {Value: x, Exports: y}",
            "t.yaml:3: Outputs.O.Exports: there is",
        ),
        (
            "Resources: {A: {Type: X}}\nOutputs:\n  O: {Value: x, Export: {N: y}}",
            "Outputs.O.Export: an export is",
        ),
    ],
)
def test_a_wrong_shape_is_refused_with_its_line(text: str, said: str) -> None:
    assert said in problems_of(text)


def test_a_resource_may_describe_itself() -> None:
    document = document_of("Resources:\n  A: {Type: X, Description: what it is for}")
    assert read_template(document.value, Source(document=document)).resources["A"].type == "X"


def test_all_wrong_shapes_are_told_at_once() -> None:
    assert problems_of("Resources:\n  A: {}\n  B: {Type: [x]}\nNope: {}").count("\n") == 2


def test_more_resources_than_cloudformation_takes_are_refused() -> None:
    many = "\n".join(f"  R{number}: {{Type: X}}" for number in range(RESOURCES_LIMIT + 1))
    assert f"more than {RESOURCES_LIMIT} resources" in problems_of(f"Resources:\n{many}")


INCLUDED = {
    "outer.yaml": "Inner: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: inner.yaml}}}\nOuter: 1",
    "inner.yaml": "Deep: [1, 2]",
    "loop.yaml": "Again: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: loop.yaml}}}",
    "broken.yaml": "a: [",
}


def read(name: str) -> str:
    if name not in INCLUDED:
        raise FileNotFoundError(name)
    return INCLUDED[name]


def including(location: str) -> Document:
    return document_of(
        f"""
        Resources:
          Kept: {{Type: X}}
          Fn::Transform:
            Name: AWS::Include
            Parameters: {{Location: {location}}}
        """
    )


def test_includes_are_written_out_deepest_first_beside_their_siblings() -> None:
    document = write_out_includes(including("outer.yaml"), read)
    assert document.value["Resources"] == {"Kept": {"Type": "X"}, "Inner": {"Deep": [1, 2]}, "Outer": 1}
    assert document.line_of(("Resources", "Inner", "Deep", 1)) == 4


def test_an_include_at_the_top_adds_sections() -> None:
    text = "Transform: {Name: AWS::Include, Parameters: {Location: inner.yaml}}\nResources: {}"
    assert write_out_includes(document_of(text), read).value == {"Deep": [1, 2], "Resources": {}}


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("nowhere.yaml", "t.yaml:4: cannot read nowhere.yaml"),
        (
            "s3://bucket/key",
            "t.yaml:4: AWS::Include works here with the path of a local file, not with 's3://bucket/key'",
        ),
        ("loop.yaml", "t.yaml:4: files that include files, more than 10 deep"),
        ("broken.yaml", "broken.yaml:2: not valid YAML"),
    ],
)
def test_an_include_that_cannot_be_read_is_refused(location: str, said: str) -> None:
    with pytest.raises(TemplateProblems) as caught:
        write_out_includes(including(location), read)
    assert str(caught.value).startswith(said)


def looped(text: str) -> Document:
    facts = Facts(
        region="eu-west-1", parameters={"Names": ["a-1", "b"], "One": "x"}, mappings={"M": {"k": {"v": ["p"]}}}
    )
    return write_out_loops(document_of(text), Evaluation(facts))


def test_a_loop_makes_a_copy_for_each_value() -> None:
    document = looped(
        """
        Resources:
          Fn::ForEach::Queues:
            - Name
            - !Ref Names
            - Queue&{Name}:
                Type: X
                Properties: {Name: !Sub "${AWS::StackName}-${Name}", Same: !Ref Name, List: ["${Name}"]}
          Other: {Type: Y}
        """
    )
    assert document.value["Resources"] == {
        "Queuea1": {
            "Type": "X",
            "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-a-1"}, "Same": "a-1", "List": ["a-1"]},
        },
        "Queueb": {"Type": "X", "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-b"}, "Same": "b", "List": ["b"]}},
        "Other": {"Type": "Y"},
    }
    assert document.line_of(("Resources", "Queueb", "Properties", "Same")) == 8


def test_loops_nest_and_work_in_properties() -> None:
    value = looped(
        """
        It:
          Fn::ForEach::Outer:
            - A
            - [x, y]
            - Fn::ForEach::Inner: [B, !FindInMap [M, k, v], {"${A}${B}": "${A}"}]
        """
    ).value
    assert value["It"] == {"xp": "x", "yp": "y"}


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        ("[A, [x]]", "Fn::ForEach is written as"),
        ("[A, !Ref One, {k: v}]", "must be a list, not str"),
        ("[A, [[x]], {k: v}]", "goes over text"),
        ("[A, [x, y], {k: v}]", "makes k, which is there already"),
        ("[A, !Ref Nope, {k: v}]", "there is no parameter or resource Nope"),
    ],
)
def test_a_loop_that_cannot_be_written_out_is_refused(loop: str, said: str) -> None:
    with pytest.raises(TemplateProblems) as caught:
        looped(f"Resources:\n  Fn::ForEach::L: {loop}")
    assert str(caught.value).startswith("t.yaml:2: Resources.Fn::ForEach::L")
    assert said in str(caught.value)


def test_loops_cannot_run_away() -> None:
    inner: Any = '{"${A0}${A1}${A2}${A3}${A4}": 1}'
    for depth in reversed(range(5)):
        inner = f"{{Fn::ForEach::L{depth}: [A{depth}, [{', '.join('abcdefghij')}], {inner}]}}"
    with pytest.raises(TemplateProblems, match="more than 10000 copies"):
        looped(f"It: {inner}")
