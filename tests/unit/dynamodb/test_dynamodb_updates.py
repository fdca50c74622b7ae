"""Updates: what they make of an item, and what AWS says to those that make absent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from globule.dynamodb.rules.expressions.cache import Expressions
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.wire.aws.errors import AwsError

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "seq": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
    "doc": {"M": {"core": {"N": "1"}}},
    "words": {"SS": ["a", "b"]},
}


def updated(text: str, **values: Any) -> dict[str, Any]:
    given = Placeholders(None, {f":{name}": value for name, value in values.items()} or None)
    compiled = Expressions().update(text, given)
    given.check_all_used()
    return compiled.apply(copy.deepcopy(ITEM), given.values)


def problem(text: str, **values: Any) -> str:
    with pytest.raises(AwsError) as caught:
        updated(text, **values)
    assert caught.value.code == "ValidationException"
    return caught.value.message


ONE, TWO = {"N": "1"}, {"N": "2"}


@pytest.mark.parametrize(
    ("text", "values", "changed"),
    [
        ("SET a = :v", {"v": ONE}, {"a": ONE}),
        ("SET n = n + :v", {"v": ONE}, {"n": {"N": "6"}}),
        ("SET n = :v - n", {"v": ONE}, {"n": {"N": "-4"}}),
        ("SET a = if_not_exists(a, :v) + :w", {"v": ONE, "w": TWO}, {"a": {"N": "3"}}),
        ("SET n = if_not_exists(n, :v)", {"v": ONE}, {"n": {"N": "5"}}),
        ("SET #x = s", {}, None),
        ("SET a = n, n = s", {}, {"a": {"N": "5"}, "n": {"S": "hello"}}),
        ("SET doc.core = :v, doc.another = :v", {"v": TWO}, {"doc": {"M": {"core": TWO, "another": TWO}}}),
        ("SET seq[1] = :v", {"v": ONE}, {"seq": {"L": [{"S": "0"}, ONE, {"S": "2"}]}}),
        ("SET seq[9] = :v, seq[7] = :w", {"v": ONE, "w": TWO}, {"seq": {"L": [*ITEM["seq"]["L"], TWO, ONE]}}),
        ("SET a = list_append(seq, :v)", {"v": {"L": [ONE]}}, {"a": {"L": [*ITEM["seq"]["L"], ONE]}}),
        ("REMOVE seq[0], seq[2]", {}, {"seq": {"L": [{"S": "1"}]}}),
        ("REMOVE seq[7], absent", {}, {}),
        ("SET seq[0] = :v REMOVE seq[1]", {"v": ONE}, {"seq": {"L": [ONE, {"S": "2"}]}}),
        (
            "ADD n :v, a :v, words :w",
            {"v": ONE, "w": {"SS": ["c", "a"]}},
            {"n": {"N": "6"}, "a": ONE, "words": {"SS": ["a", "b", "c"]}},
        ),
        ("DELETE words :w", {"w": {"SS": ["a", "z"]}}, {"words": {"SS": ["b"]}}),
        ("DELETE absent :w", {"w": {"SS": ["a"]}}, {}),
        ("SET a = seq, seq[0] = :v", {"v": ONE}, {"a": ITEM["seq"], "seq": {"L": [ONE, {"S": "1"}, {"S": "2"}]}}),
    ],
)
def test_an_update_changes_what_it_says(text: str, values: dict[str, Any], changed: dict[str, Any] | None) -> None:
    if changed is None:
        assert "not defined" in problem(text)
        return
    assert updated(text, **values) == {**ITEM, **changed}


def test_a_set_that_loses_its_last_member_is_removed() -> None:
    assert "words" not in updated("DELETE words :w", w={"SS": ["a", "b"]})


def test_remove_takes_an_attribute_away() -> None:
    assert "n" not in updated("REMOVE n")


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        (
            "SET a = b + :v",
            {"v": ONE},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        ("SET a = s + :v", {"v": ONE}, "An operand in the update expression has an incorrect data type"),
        ("ADD s :v", {"v": ONE}, "An operand in the update expression has an incorrect data type"),
        ("SET a.b = :v", {"v": ONE}, "The document path provided in the update expression is invalid for update"),
        ("SET doc[0] = :v", {"v": ONE}, "The document path provided in the update expression is invalid for update"),
        ("REMOVE a.b", {}, "The document path provided in the update expression is invalid for update"),
    ],
)
def test_what_does_not_fit_the_item_is_refused(text: str, values: dict[str, Any], message: str) -> None:
    assert problem(text, **values) == message


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("", {}, "The expression can not be empty;"),
        ("a = :v", {"v": ONE}, 'Syntax error; token: "a", near: "a ="'),
        ("SET a", {}, 'Syntax error; token: "<EOF>", near: "a"'),
        ("SET a = :v + :v + :v", {"v": ONE}, 'Syntax error; token: "+", near: ":v + :v"'),
        ("ADD n : v", {"v": ONE}, 'Syntax error; token: ":", near: "n : v"'),
        ("SET a = :v SET b = :v", {"v": ONE}, 'The "SET" section can only be used once in an update expression;'),
        (
            "SET a = :v, a.b = :v",
            {"v": ONE},
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a], path two: [a, b]",
        ),
        (
            "SET a.b = :v, a[0] = :v",
            {"v": ONE},
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [a, b], path two: [a, [0]]",
        ),
        ("SET a = foo(:v)", {"v": ONE}, "Invalid function name; function: foo"),
        ("SET a = size(b)", {}, "The function is not allowed in an update expression; function: size"),
        ("SET a = ((:v))", {"v": ONE}, "The expression has redundant parentheses;"),
        (
            "SET a = list_append(seq, :v)",
            {"v": ONE},
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
        ),
        (
            "SET a = if_not_exists(:v, :v)",
            {"v": ONE},
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "ADD a :v",
            {"v": {"S": "x"}},
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, "
            "typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE a :v",
            {"v": ONE},
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, "
            "typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
        ("SET name = :v", {"v": ONE}, "Attribute name is a reserved keyword; reserved keyword: name"),
    ],
)
def test_a_senseless_update_is_refused_in_awss_words(text: str, values: dict[str, Any], message: str) -> None:
    assert problem(text, **values) == f"Invalid UpdateExpression: {message}"


def test_two_thousand_paths_are_checked_against_each_other_quickly() -> None:
    text = "REMOVE " + ",".join(f"a{number}" for number in range(600))
    assert updated(text) == ITEM
