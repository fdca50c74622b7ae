"""Conditions and filters: what they mean, and what AWS says to those that mean nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from globule.dynamodb.rules.expressions.cache import Expressions
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.wire.aws.errors import AwsError

ITEM = {
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "b": {"B": "AAEC"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "seq": {"L": [{"S": "x"}, {"M": {"q": {"N": "1"}}}]},
    "doc": {"M": {"core": {"S": "y"}}},
    "words": {"SS": ["a", "b"]},
}
VALUES: dict[str, dict[str, Any]] = {
    ":4": {"N": "4"},
    ":5": {"N": "5"},
    ":6": {"N": "6"},
    ":hello": {"S": "hello"},
    ":he": {"S": "he"},
    ":a": {"S": "a"},
    ":x": {"S": "x"},
    ":type": {"S": "N"},
    ":dog": {"S": "dog"},
    ":bytes": {"B": "AAE="},
    ":list": {"L": []},
    ":null": {"NULL": True},
    ":words": {"SS": ["a", "b"]},
}
NAMES = {"#n": "n", "#doc": "doc"}


def used(text: str, known: dict[str, Any]) -> dict[str, Any] | None:
    """The placeholders that a text uses."""
    words = set(re.findall(r"[#:]\w+", text))
    return {name: known[name] for name in known if name in words} or None


def evaluate(text: str, item: dict[str, Any] | None = None) -> bool:
    given = Placeholders(used(text, NAMES), used(text, VALUES))
    compiled = Expressions().condition("FilterExpression", text, given)
    given.check_all_used()
    return compiled.test(ITEM if item is None else item, given.values)


def problem(text: str, names: dict[str, str] | None = None, values: dict[str, Any] | None = None) -> str:
    given = Placeholders(names or used(text, NAMES), values or used(text, VALUES))
    with pytest.raises(AwsError) as caught:
        Expressions().condition("ConditionExpression", text, given)
    assert caught.value.code == "ValidationException"
    return caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "n = :5",
        "n <> :4",
        "n < :6 AND n <= :5 AND n > :4 AND n >= :5",
        "(n) = (:5)",
        "#n = :5 and #doc.core <> :5",
        "NOT n = :4",
        "NOT (n = :4 OR s = :he)",
        "n = :4 OR n = :5 AND s = :hello",
        "n BETWEEN :4 AND :6 AND s = :hello",
        "n between :4 and :6",
        "n IN (:4, :5)",
        "s <> :5",
        "absent <> :5",
        "attribute_exists(n) AND attribute_not_exists(absent)",
        "attribute_exists(seq[1].q) AND attribute_not_exists(seq[2])",
        "attribute_type(n, :type)",
        "begins_with(s, :he)",
        "begins_with(b, :bytes)",
        "contains(s, :he)",
        "contains(words, :a)",
        "contains(seq, :x)",
        "contains(b, :bytes)",
        "size(s) = :5",
        "size(words) < size(s)",
        "words = :words",
        "nothing = :null",
    ],
)
def test_a_condition_that_holds(text: str) -> None:
    assert evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "n = :4",
        "absent = :5",
        "absent < :5",
        "s < :5",
        "n > s",
        "absent IN (:5)",
        "absent BETWEEN :4 AND :6",
        "n = :5 AND s = :he",
        "contains(words, :x)",
        "begins_with(n, :he)",
        "size(n) = :5",
        "size(absent) = :5",
        "attribute_exists(doc.elsewhere)",
        "attribute_exists(n.core)",
        "seq = :list",
    ],
)
def test_a_condition_that_does_not_hold(text: str) -> None:
    assert not evaluate(text)


def test_sets_are_equal_whatever_their_order() -> None:
    given = Placeholders(None, {":s": {"NS": ["2", "1"]}})
    compiled = Expressions().condition("FilterExpression", "a = :s", given)
    assert compiled.test({"a": {"NS": ["1", "2"]}}, given.values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("a = = :5", 'Syntax error; token: "=", near: "= = :5"'),
        ("a = :5 b", 'Syntax error; token: "b", near: ":5 b"'),
        ("a AND n = :5", 'Syntax error; token: "AND", near: "a AND n"'),
        ("a = :5 = :6", 'Syntax error; token: "=", near: ":5 = :6"'),
        ("(a = :5", 'Syntax error; token: "<EOF>", near: ":5"'),
        ("a BETWEEN :4 OR :6", 'Syntax error; token: "OR", near: ":4 OR :6"'),
        ("_a = :5", 'Syntax error; token: "_", near: "_a"'),
        ("a..b = :5", 'Syntax error; token: ".", near: "..b"'),
        ("a[x] = :5", 'Syntax error; token: "x", near: "[x]"'),
        ("((a = :5))", "The expression has redundant parentheses;"),
        ("((a)) = :5", "The expression has redundant parentheses;"),
        ("foo(a)", "Invalid function name; function: foo"),
        (
            "if_not_exists(a, b) = c",
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        ("Size(a) = :5", "Invalid function name; function: Size"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(a) = :5",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        ("name = :5", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.STATUS = :5", "Attribute name is a reserved keyword; reserved keyword: STATUS"),
        (
            "#zz = :5",
            "An expression attribute name used in the document path is not defined; attribute name: #zz",
        ),
        ("a = :zz", "An expression attribute value used in expression is not defined; attribute value: :zz"),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; "
            "operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "a = a",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [a]",
        ),
        (
            "attribute_exists(:5)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(a, :5)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "a < :list",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
        (
            "attribute_type(a, :dog)",
            "Invalid attribute type name found; type: dog, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "a BETWEEN :6 AND :5",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:5}",
        ),
        (
            "a BETWEEN :5 AND :hello",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:hello}",
        ),
        (
            " and (".join(["a<b"] * 301) + ")" * 300,
            "The expression contains too many operators; operator count: 301",
        ),
        (
            f"a IN ({', '.join([':5'] * 101)})",
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
    ],
)
def test_a_senseless_condition_is_refused_in_awss_words(text: str, message: str) -> None:
    assert problem(text) == f"Invalid ConditionExpression: {message}"


def test_an_expression_of_more_than_four_kilobytes_is_refused() -> None:
    text = "a = :5 OR " * 500 + "a = :5"
    assert problem(text).endswith(f"expression size: {len(text)}")


def test_three_hundred_levels_of_parentheses_are_evaluated() -> None:
    assert not evaluate(" and (".join(["a<c"] * 300) + ")" * 299)


def test_four_kilobytes_of_parentheses_do_no_harm() -> None:
    assert "Syntax error" in problem("(" * 4095 + "a")


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, None, "ExpressionAttributeNames must not be empty"),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        ({"a": "b"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
        ({"#a-b": "b"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
        (None, {"a": {"S": "b"}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"'),
        (
            {"#" + "a" * 255: "b"},
            None,
            "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too "
            "long; size of key: 256",
        ),
        ({"#a": ""}, None, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"),
        (
            None,
            {":a": {"N": "x"}},
            "ExpressionAttributeValues contains invalid value: "
            "The parameter cannot be converted to a numeric value: x for key :a",
        ),
    ],
)
def test_bad_placeholders_are_refused(
    names: dict[str, str] | None, values: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(AwsError) as caught:
        Placeholders(names, values)
    assert caught.value.message == message


def test_placeholders_that_no_expression_uses_are_refused() -> None:
    given = Placeholders({"#a": "a", "#b": "b"}, {":v": {"S": "x"}})
    Expressions().condition("ConditionExpression", "#a = :v", given)
    with pytest.raises(AwsError, match=r"ExpressionAttributeNames unused in expressions: keys: \{#b\}"):
        given.check_all_used()


def test_a_kept_expression_is_judged_anew_for_other_types_of_values() -> None:
    kept = Expressions()
    number = Placeholders(None, {":v": {"N": "5"}})
    text = Placeholders(None, {":v": {"L": []}})
    assert kept.condition("FilterExpression", "n < :v", number)
    with pytest.raises(AwsError, match="operand type: L"):
        kept.condition("FilterExpression", "n < :v", text)


def test_a_kept_expression_is_judged_anew_for_other_bounds() -> None:
    kept = Expressions()
    kept.condition("FilterExpression", "n BETWEEN :a AND :b", Placeholders(None, {":a": {"N": "1"}, ":b": {"N": "2"}}))
    with pytest.raises(AwsError, match="upper bound"):
        kept.condition(
            "FilterExpression", "n BETWEEN :a AND :b", Placeholders(None, {":a": {"N": "3"}, ":b": {"N": "2"}})
        )
