"""Attribute values are validated and brought into one form."""

from typing import Any

import pytest

from globule.dynamodb.rules.values import ShapeProblem, canonical_value, check_nesting
from globule.wire.aws.errors import AwsError


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "deep"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ({"S": ""}, {"S": ""}),
        ({"N": "1.0"}, {"N": "1"}),
        ({"B": "AAEC"}, {"B": "AAEC"}),
        ({"SS": ["b", "a"]}, {"SS": ["a", "b"]}),
        ({"NS": ["10", "9.0", "-1"]}, {"NS": ["-1", "9", "10"]}),
        ({"BS": ["AQ==", "AA=="]}, {"BS": ["AA==", "AQ=="]}),
        ({"BOOL": "true"}, {"BOOL": True}),
        ({"NULL": True}, {"NULL": True}),
        ({"M": {"a": {"L": [{"N": "2.0"}]}}}, {"M": {"a": {"L": [{"N": "2"}]}}}),
        ({"S": "a", "N": None}, {"S": "a"}),
        ({"S": "a", "Unknown": 1}, {"S": "a"}),
    ],
)
def test_a_value_has_one_form(value: dict[str, Any], canonical: dict[str, Any]) -> None:
    assert canonical_value(value) == canonical


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": None}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        (
            {"NULL": False},
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
        ({"NS": []}, "One or more parameter values were invalid: An number set  may not be empty"),
        ({"BS": []}, "One or more parameter values were invalid: Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, "One or more parameter values were invalid: Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        (
            {"BS": ["AA==", "AA=="]},
            "One or more parameter values were invalid: Input collection [AA==, AA==]of type BS contains duplicates.",
        ),
        (
            nested(32),
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit",
        ),
    ],
)
def test_a_bad_value_is_refused_in_awss_words(value: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        canonical_value(value)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "value", [{"S": 1}, {"N": 1}, {"B": "A"}, {"B": "AB=="}, {"SS": "a"}, {"SS": [1]}, {"L": {}}, "x"]
)
def test_a_value_of_the_wrong_json_type_is_told_apart(value: Any) -> None:
    with pytest.raises(ShapeProblem):
        canonical_value(value)


def test_thirty_one_levels_around_a_scalar_are_allowed() -> None:
    canonical_value(nested(31))
    check_nesting({"a": nested(31)})


def test_an_item_that_an_update_made_too_deep_is_refused() -> None:
    with pytest.raises(AwsError, match="Nesting Levels"):
        check_nesting({"a": nested(32)})
