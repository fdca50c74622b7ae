"""Template text to values with lines."""

from __future__ import annotations

import itertools
import json
import textwrap

import pytest

from globule.cloudformation.parsing import DEPTH_LIMIT, TEMPLATE_LIMIT_BYTES, Document, Lines, parse
from globule.cloudformation.problems import TemplateProblems

SHORT_FORMS = """
Plain: {name: value, count: 3, ratio: 1.5, on: true, nothing: , quoted: "3", date: 2012-10-17, 80: 012345678901}
Ref: !Ref Table
GetAtt: !GetAtt Table.Stream.Arn
GetAttList: !GetAtt [Table, Arn]
Sub: !Sub
  - ${x}-${AWS::Region}
  - x: !Ref Stage
If: !If [Production, !Ref "AWS::NoValue", {Condition: Other}]
Condition: !Condition Other
Base64: !Base64 |
  two
  lines
"""


def refusal(text: str) -> str:
    with pytest.raises(TemplateProblems) as caught:
        parse(text, "t.yaml")
    return str(caught.value)


def test_short_forms_become_full_forms() -> None:
    value = parse(SHORT_FORMS, "t.yaml").value
    assert value == {
        "Plain": {
            "name": "value",
            "count": 3,
            "ratio": 1.5,
            "on": True,
            "nothing": None,
            "quoted": "3",
            "date": "2012-10-17",
            "80": "012345678901",
        },
        "Ref": {"Ref": "Table"},
        "GetAtt": {"Fn::GetAtt": ["Table", "Stream.Arn"]},
        "GetAttList": {"Fn::GetAtt": ["Table", "Arn"]},
        "Sub": {"Fn::Sub": ["${x}-${AWS::Region}", {"x": {"Ref": "Stage"}}]},
        "If": {"Fn::If": ["Production", {"Ref": "AWS::NoValue"}, {"Condition": "Other"}]},
        "Condition": {"Condition": "Other"},
        "Base64": {"Fn::Base64": "two\nlines\n"},
    }


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_every_value_knows_its_line(form: str) -> None:
    text = SHORT_FORMS if form == "yaml" else json.dumps(parse(SHORT_FORMS, "t.yaml").value, indent=1)
    document = parse(text, "t")

    def walk(value: object, lines: Lines) -> None:
        assert 1 <= lines.line <= text.count("\n") + 1
        members = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
        for key, member in members:
            walk(member, lines.children[key])

    walk(document.value, document.lines)


def test_a_path_leads_to_the_line_of_its_nearest_node() -> None:
    document = parse(SHORT_FORMS, "t.yaml")
    assert document.line_of(("Ref",)) == 3
    assert document.line_of(("Sub", "Fn::Sub", 1, "x")) == 8
    assert document.line_of(("Sub", "Fn::Sub", 7, "y")) == 6
    assert document.line_of(("Missing",)) == 2


def test_json_has_the_lines_of_its_keys() -> None:
    document = parse('{\n "A": {\n  "B": [1,\n   {"C": "x\\u00e9\\n"}]}}', "t.json")
    assert document.value == {"A": {"B": [1, {"C": "xé\n"}]}}
    assert document.line_of(("A", "B")) == 3
    assert document.line_of(("A", "B", 1, "C")) == 4


def test_aliases_and_merges_are_written_out() -> None:
    value = parse("base: &b {x: 1, y: 2}\nthis: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 4}]}\nsame: *b", "t.yaml").value
    assert value["this"] == {"x": 1, "y": 3}
    assert value["both"] == {"x": 1, "y": 2, "z": 4}
    assert value["same"] == value["base"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.yaml:1: the template is empty"),
        ("- a\n- b", "t.yaml:1: a template is a mapping with a Resources section"),
        ("a: 1\nb: c: d", "t.yaml:2: not valid YAML: mapping values are not allowed in this context"),
        ("a:\n\tb: c", "t.yaml:2: not valid YAML: lines are indented with spaces, not with tabs"),
        ("a:\n - b\n c: d", "t.yaml:3: not valid YAML: while parsing a block collection"),
        ("a: 1\n---\nb: 2", "t.yaml:1: a template is one YAML document; this file has several"),
        ("a: 1\nb: 2\na: 3", "t.yaml:3: the key 'a' is there twice; the first is on line 1"),
        ("a: 1\nb: *c", "t.yaml:2: the alias *c has no anchor &c before it"),
        ("a: &a [*a]", "t.yaml:1: the alias *a has no anchor &a before it"),
        ("a: !Nope/x y", "t.yaml:1: the YAML tag !Nope/x is not one of CloudFormation's"),
        ("a: !!binary aGk=", "t.yaml:1: CloudFormation does not support the YAML tag !!binary"),
        ("a: !!int x", "t.yaml:1: 'x' is not a YAML int"),
        ("a: .inf", "t.yaml:1: .inf is not a number that a template can hold"),
        ("? [a, b]\n: c", "t.yaml:1: the key of a mapping must be text"),
        ("a: {<<: text}", "t.yaml:1: << merges a mapping, or a list of mappings"),
        ("a: \x00", "t.yaml:1: not valid YAML: control characters are not allowed"),
        ('{"a": 1,\n "b": 2,\n "a": 3}', "t.yaml:3: the key 'a' is there twice; the first is on line 1"),
        ('{"a": 1,\n}', "t.yaml:2: not valid JSON: expected a key in quotes, found '}'"),
        ('{"a": [1,]}', "t.yaml:1: not valid JSON: expected a value, found ']'"),
        ('{"a": 1', "t.yaml:1: not valid JSON: expected ',', found 'the end of the file'"),
        ('{"a": "x\ny"}', "t.yaml:1: not valid JSON: Invalid control character at"),
        ('{"a": 1} b', "t.yaml:1: not valid JSON: text after the end of the JSON value"),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_aliases_of_aliases_do_not_exhaust_memory() -> None:
    names = "abcdefghij"
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in itertools.pairwise(names)
    )
    assert "values once aliases are written out" in refusal(text)


@pytest.mark.parametrize("text", ["a: " + "[" * (DEPTH_LIMIT + 1) + "]" * (DEPTH_LIMIT + 1), '{"a":' * 5000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert f"nested more than {DEPTH_LIMIT} deep" in refusal(text)


def test_a_template_larger_than_cloudformation_takes_is_refused() -> None:
    assert "larger than CloudFormation's limit" in refusal("a: " + "x" * TEMPLATE_LIMIT_BYTES)


def test_a_problem_names_file_line_and_place() -> None:
    document: Document = parse(textwrap.dedent("Resources:\n  Table:\n    Type: X"), "data.yaml")
    assert str(document.problem(("Resources", "Table", "Type"), "no", where="Table")) == "data.yaml:3: Table: no"
