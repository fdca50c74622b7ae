"""Every intrinsic function, and every way to get one wrong."""

from __future__ import annotations

from typing import Any

import pytest

from globule.cloudformation.intrinsics.evaluation import Evaluation
from globule.cloudformation.intrinsics.scope import NO_VALUE, Facts, IntrinsicProblem, Known
from globule.cloudformation.parsing import parse

FACTS = Facts(
    region="eu-west-1",
    pseudo_parameters={"AWS::Region": "eu-west-1", "AWS::AccountId": "000000000000", "AWS::NotificationARNs": []},
    parameters={"Stage": "prod", "Count": "3", "Zones": ["a", "b", "c"]},
    mappings={"Sizes": {"eu-west-1": {"prod": "large", "list": ["x", "y"]}, "us-east-1": {"prod": "huge"}}},
    exports={"shared-table": "messages"},
)
CONDITIONS = {
    "Production": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "Testing": {"Fn::Not": [{"Condition": "Production"}]},
    "Circle": {"Fn::And": [{"Condition": "Elsewhere"}, {"Condition": "Production"}]},
    "Elsewhere": {"Fn::Or": [{"Condition": "Circle"}, {"Condition": "Testing"}]},
    "Wrong": {"Ref": "Stage"},
}
RESOURCES = {
    "Table": Known(type="AWS::DynamoDB::Table", ref="shop-Table", attributes={"Arn": "arn:table", "Stream.Arn": "s"}),
    "Zone": Known(type="AWS::Route53::HostedZone", ref="Z1", attributes={"NameServers": ["ns1", "ns2"]}),
}


def evaluated(text: str) -> Any:
    node = parse(f"it: {text}", "t.yaml").value["it"]
    return Evaluation(FACTS, conditions=CONDITIONS, resources=RESOURCES).value(node, ("it",))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{a: [1, true, null]}", {"a": [1, True, None]}),
        ("!Ref Stage", "prod"),
        ("!Ref Zones", ["a", "b", "c"]),
        ("!Ref Table", "shop-Table"),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!Ref AWS::NoValue", NO_VALUE),
        ("{keep: 1, drop: !Ref AWS::NoValue}", {"keep": 1}),
        ("[1, !Ref AWS::NoValue, 2]", [1, 2]),
        ("!GetAtt Table.Arn", "arn:table"),
        ("!GetAtt Table.Stream.Arn", "s"),
        ("{Fn::GetAtt: Table.Arn}", "arn:table"),
        ("{Fn::GetAtt: [Zone, NameServers]}", ["ns1", "ns2"]),
        (
            "!Sub '${Stage}-${AWS::Region}-${Table}-${Table.Arn}-${!Stage}-$x'",
            "prod-eu-west-1-shop-Table-arn:table-${Stage}-$x",
        ),
        ("!Sub ['${a}${b}', {a: !Ref Count, b: 2}]", "32"),
        ("!Sub ['${Stage}', {Stage: own}]", "own"),
        ("!Sub ['${Stage}']", "prod"),
        ("!Join ['-', [a, !Ref Count, true, 5]]", "a-3-true-5"),
        ("!Join ['', !Ref Zones]", "abc"),
        ("!Join [',', [a, !Ref AWS::NoValue]]", "a"),
        ("!Select [1, [a, b]]", "b"),
        ("!Select ['0', !Split ['|', 'x|y']]", "x"),
        ("!Split [',', 'a,b,']", ["a", "b", ""]),
        ("!FindInMap [Sizes, !Ref AWS::Region, !Ref Stage]", "large"),
        ("!FindInMap [Sizes, eu-west-1, list]", ["x", "y"]),
        ("!FindInMap [Sizes, sa-east-1, prod, {DefaultValue: !Ref Stage}]", "prod"),
        ("!If [Production, yes-it-is, !Ref Nowhere]", "yes-it-is"),
        ("!If [Testing, !Ref Nowhere, no-it-is-not]", "no-it-is-not"),
        ("[!If [Testing, a, !Ref AWS::NoValue], b]", ["b"]),
        ("!Equals [1, '1']", True),
        ("!Equals [[a], [b]]", False),
        ("!And [!Equals [a, a], {Condition: Production}]", True),
        ("!Or [{Condition: Testing}, !Equals [a, b]]", False),
        ("!GetAZs ''", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ("!GetAZs us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ("!Base64 hello", "aGVsbG8="),
        ("!Cidr [10.0.0.0/16, 2, 8]", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("!ImportValue shared-table", "messages"),
        ("!ImportValue {Fn::Join: [-, [shared, table]]}", "messages"),
        ("{Fn::Length: !Ref Zones}", 3),
        ("!ToJsonString {a: !Ref Stage, b: [1, true]}", '{"a":"prod","b":[1,true]}'),
        ("!Contains [[a, b], a]", True),
        ("!EachMemberEquals [!Ref Zones, a]", False),
        ("!EachMemberIn [[a, b], !Ref Zones]", True),
    ],
)
def test_a_function_has_its_value(text: str, value: Any) -> None:
    assert evaluated(text) == value


@pytest.mark.parametrize(
    ("text", "said", "path"),
    [
        ("!Ref Nowhere", "there is no parameter or resource Nowhere here", ("it", "Ref")),
        ("!Ref [a]", "Ref takes the name of a parameter or a resource", ("it", "Ref")),
        (
            "{a: [!GetAtt Table.Nope]}",
            "AWS::DynamoDB::Table has no attribute Nope here; it has: Arn, Stream.Arn",
            ("it", "a", 0),
        ),
        ("!GetAtt Nowhere.Arn", "there is no parameter or resource Nowhere here", ("it", "Fn::GetAtt")),
        ("!GetAtt Table", "Fn::GetAtt is written as [logical id, attribute]", ("it", "Fn::GetAtt")),
        ("!Sub '${Nowhere}'", "there is no parameter or resource Nowhere here", ("it", "Fn::Sub")),
        ("!Sub '${Zones}'", "Fn::Sub can only insert text", ("it", "Fn::Sub")),
        ("!Sub '${a b}'", "must contain only alphanumeric characters", ("it", "Fn::Sub")),
        ("!Sub ['${a}', {a: !Ref Nowhere}]", "there is no parameter or resource Nowhere", ("it", "Fn::Sub", 1, "a")),
        ("!Sub {a: b}", "Fn::Sub is written as", ("it", "Fn::Sub")),
        ("!Join [a]", "Fn::Join is written as [delimiter, [value, ...]]", ("it", "Fn::Join")),
        ("!Join ['-', text]", "must be a list, not str", ("it", "Fn::Join", 1)),
        ("!Join ['-', [[a]]]", "must be text, not a list", ("it", "Fn::Join", 1, 0)),
        ("!Select [2, [a, b]]", "Fn::Select cannot select nonexistent value at index 2", ("it", "Fn::Select")),
        ("!Select [-1, [a, b]]", "Fn::Select cannot select nonexistent value", ("it", "Fn::Select")),
        ("!Split ['', a]", "needs a delimiter that is not empty", ("it", "Fn::Split", 0)),
        ("!FindInMap [Nope, a, b]", "there is no Nope.a.b in the Mappings section", ("it", "Fn::FindInMap")),
        ("!FindInMap [Sizes, a, b]", "there is no Sizes.a.b", ("it", "Fn::FindInMap")),
        ("!FindInMap [Sizes, eu-west-1, b]", "there is no Sizes.eu-west-1.b", ("it", "Fn::FindInMap")),
        ("!FindInMap [Sizes, a, b, c]", "the fourth argument", ("it", "Fn::FindInMap", 3)),
        ("!If [Nope, a, b]", "there is no condition Nope", ("it", "Fn::If", 0)),
        ("!If [Circle, a, b]", "circular conditions: Circle -> Elsewhere -> Circle", None),
        ("!If [Wrong, a, b]", "must be a condition function", ("Conditions", "Wrong")),
        ("!If [Production, a]", "Fn::If is written as", ("it", "Fn::If")),
        ("!And [!Equals [a, a]]", "Fn::And takes a list of 2 to 10 conditions", ("it", "Fn::And")),
        ("!Cidr [nonsense, 1, 8]", "Fn::Cidr:", ("it", "Fn::Cidr")),
        ("!Cidr [10.0.0.0/24, 2, 8]", "10.0.0.0/24 has room for 1 blocks of /24, not 2", ("it", "Fn::Cidr")),
        ("!Cidr [10.0.0.0/16, 257, 8]", "must be from 1 to 256", ("it", "Fn::Cidr", 1)),
        ("!GetAZs us-east-9", "Fn::GetAZs: no AWS region is called 'us-east-9'", ("it", "Fn::GetAZs")),
        ("!ImportValue nope", "no export named nope in eu-west-1", ("it", "Fn::ImportValue")),
        ("!ToJsonString text", "Fn::ToJsonString takes a mapping or a list", ("it", "Fn::ToJsonString")),
        ("!Nope a", "there is no function Fn::Nope", ("it", "Fn::Nope")),
        ("!Transform {Name: Mine}", "macros are not supported here", ("it", "Fn::Transform")),
        ("{Fn::Sub: a, other: b}", "Fn::Sub must be the only key of its mapping", ("it", "Fn::Sub")),
        ("'{{resolve:ssm:/a:1}}'", "dynamic references ({{resolve:ssm:/a:1}}) are not supported here", ("it",)),
        ("!Sub '{{resolve:ssm:/${Stage}}}'", "dynamic references ({{resolve:ssm:/prod}})", ("it",)),
    ],
)
def test_a_function_without_a_value_says_where_and_why(text: str, said: str, path: tuple[Any, ...] | None) -> None:
    with pytest.raises(IntrinsicProblem) as caught:
        evaluated(text)
    assert said in caught.value.why
    assert path is None or caught.value.path[: len(path)] == path


def test_imports_are_noted() -> None:
    evaluation = Evaluation(FACTS)
    evaluation.value({"Fn::ImportValue": "shared-table"}, ())
    assert evaluation.imported == {"shared-table"}


def test_a_mapping_that_only_looks_like_a_condition_is_left_alone() -> None:
    statement = {"Effect": "Allow", "Condition": {"StringEquals": {"aws:SourceArn": "x"}}}
    assert Evaluation(FACTS).value(statement, ()) == statement
