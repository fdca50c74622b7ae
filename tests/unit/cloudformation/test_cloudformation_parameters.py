"""Parameters: declarations and values."""

from __future__ import annotations

from typing import Any

import pytest

from globule.cloudformation.parameters import bind, shown
from globule.cloudformation.parsing import parse
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.template import Source


def bound(declaration: str, **given: str) -> dict[str, Any]:
    document = parse(f"Parameters:\n  P: {declaration}\n", "t.yaml")
    return bind(document.value["Parameters"], given, Source(document=document))


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ("{Type: String, Default: a}", {}, "a"),
        ("{Type: String, Default: a}", {"P": "b"}, "b"),
        ("{Type: String, Default: ''}", {}, ""),
        ("{Type: Number, Default: 3}", {}, "3"),
        ("{Type: String, Default: true}", {}, "true"),
        ("{Type: CommaDelimitedList, Default: 'a, b'}", {}, ["a", "b"]),
        ("{Type: CommaDelimitedList, Default: ''}", {}, []),
        ("{Type: List<Number>}", {"P": "1,2.5"}, ["1", "2.5"]),
        ("{Type: String, AllowedValues: [a, 1]}", {"P": "1"}, "1"),
        ("{Type: String, AllowedPattern: '[a-z]+', MinLength: 2, MaxLength: '3'}", {"P": "abc"}, "abc"),
        ("{Type: Number, MinValue: 1, MaxValue: 10}", {"P": "10"}, "10"),
        ("{Type: AWS::Route53::HostedZone::Id}", {"P": "Z1"}, "Z1"),
        ("{Type: List<AWS::EC2::Subnet::Id>}", {"P": "s-1,s-2"}, ["s-1", "s-2"]),
    ],
)
def test_a_parameter_has_its_value(declaration: str, given: dict[str, str], value: Any) -> None:
    assert bound(declaration, **given) == {"P": value}


@pytest.mark.parametrize(
    ("declaration", "given", "said"),
    [
        ("{Type: String}", {}, "has no Default, and no value is given"),
        ("{Type: String, AllowedValues: [a, b]}", {"P": "c"}, "'c' is not one of ['a', 'b']"),
        ("{Type: String, AllowedPattern: '[a-z]+'}", {"P": "A"}, "'A' does not match [a-z]+"),
        ("{Type: String, AllowedPattern: '['}", {"P": "A"}, "AllowedPattern is not a regular expression"),
        ("{Type: String, MinLength: 2}", {"P": "a"}, "'a' is shorter than 2"),
        ("{Type: String, MaxLength: 1, ConstraintDescription: one letter}", {"P": "ab"}, "longer than 1 (one letter)"),
        ("{Type: Number}", {"P": "x"}, "'x' is not a number"),
        ("{Type: Number, MinValue: 1}", {"P": "0"}, "'0' is less than 1"),
        ("{Type: Number, MaxValue: 1}", {"P": "2"}, "'2' is greater than 1"),
        ("{Type: CommaDelimitedList, AllowedValues: [a]}", {"P": "a,b"}, "'b' is not one of ['a']"),
        ("{Type: Text}", {"P": "x"}, "there is no parameter type Text"),
        ("{Type: 'AWS::SSM::Parameter::Value<String>'}", {"P": "x"}, "there is no Parameter Store to read"),
        ("{Type: String, Defautl: x}", {"P": "x"}, "Object contains unknown field `Defautl`"),
        ("{Type: String, Default: [a]}", {}, "Default must be text or a number"),
        ("text", {}, "Expected `object`, got `str`"),
        ("{Type: String, Default: a}", {"Q": "x"}, "there is no parameter Q; there are: P"),
        ("{Type: String, NoEcho: true, MaxLength: 1}", {"P": "secret"}, "**** is longer than 1"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(declaration: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(TemplateProblems) as caught:
        bound(declaration, **given)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("t.yaml:1: Parameters" if "Q" in given else "t.yaml:2: Parameters.P")


def test_values_of_no_echo_are_never_shown() -> None:
    declared = {"Key": {"Type": "String", "NoEcho": "true"}, "List": {"Type": "CommaDelimitedList"}}
    assert shown(declared, {"Key": "secret", "List": ["a", "b"]}) == {"Key": "****", "List": "a,b"}
