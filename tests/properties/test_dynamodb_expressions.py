"""Laws of expressions, numbers and values."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from globule.dynamodb.rules import comparison, numbers
from globule.dynamodb.rules.expressions.cache import Expressions
from globule.dynamodb.rules.expressions.condition_parser import parse_condition
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.projections import project
from globule.dynamodb.rules.expressions.tree import And, Between, Call, Comparison, Condition, In, Not, Or, Path, Value
from globule.dynamodb.rules.expressions.update_parser import parse_update
from globule.dynamodb.rules.values import canonical_value
from globule.wire.aws.errors import AwsError

# Numbers.

decimals = st.builds(
    lambda digits, exponent: f"{digits}E{exponent}",
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-130, 87),
)


@given(decimals)
def test_the_text_of_a_number_means_the_same_number(written: str) -> None:
    assert Decimal(numbers.canonical(written)) == Decimal(written)


@given(decimals, decimals)
def test_equal_numbers_and_only_those_have_equal_texts(one: str, other: str) -> None:
    assert (numbers.canonical(one) == numbers.canonical(other)) == (Decimal(one) == Decimal(other))


@given(decimals)
def test_the_text_of_a_number_is_its_own_text(written: str) -> None:
    once = numbers.canonical(written)
    assert numbers.canonical(once) == once


@given(st.integers(-(10**18), 10**18), st.integers(-(10**18), 10**18))
def test_adding_and_taking_away_again_changes_nothing(one: int, other: int) -> None:
    assert numbers.subtract(numbers.add(str(one), str(other)), str(other)) == str(one)


@given(decimals, decimals)
def test_numbers_are_ordered_as_numbers(one: str, other: str) -> None:
    left, right = {"N": numbers.canonical(one)}, {"N": numbers.canonical(other)}
    assert comparison.less(left, right) == (Decimal(one) < Decimal(other))


# Values.

scalars = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.integers(-1000, 1000).map(lambda number: {"N": str(number)}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.sets(st.text(max_size=3), min_size=1, max_size=4).map(lambda members: {"SS": list(members)}),
    st.sets(st.integers(-99, 99), min_size=1, max_size=4).map(lambda members: {"NS": [str(each) for each in members]}),
)
values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda elements: {"L": elements}),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=8,
)
items = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), values.map(canonical_value), max_size=4)


@given(values)
def test_the_form_of_a_value_is_its_own_form(value: dict[str, Any]) -> None:
    once = copy.deepcopy(canonical_value(value))
    assert canonical_value(value) == once


@given(values, values)
def test_every_value_equals_or_differs_from_another(one: dict[str, Any], other: dict[str, Any]) -> None:
    left, right = canonical_value(one), canonical_value(other)
    assert comparison.equal(left, right) != comparison.different(left, right)


# Conditions: what is written from a tree is read as the same tree.

paths = st.lists(st.one_of(st.sampled_from(["#x", "abc", "b1"]), st.integers(0, 99)), max_size=3).map(
    lambda rest: Path(("a", *rest))
)
simple = st.one_of(paths, st.sampled_from([":v", ":w1"]).map(Value))
operands = st.one_of(simple, simple.map(lambda operand: Call("size", (operand,))))
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), operands, operands),
    st.builds(Between, operands, operands, operands),
    st.builds(In, operands, st.lists(operands, min_size=1, max_size=4).map(tuple)),
    st.builds(
        Call, st.sampled_from(["attribute_exists", "contains"]), st.lists(operands, min_size=1, max_size=2).map(tuple)
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.filter(lambda part: not isinstance(part, Not)).map(Not),
        st.lists(inner.filter(lambda part: not isinstance(part, And)), min_size=2, max_size=3).map(tuple).map(And),
        st.lists(inner.filter(lambda part: not isinstance(part, Or)), min_size=2, max_size=3).map(tuple).map(Or),
    ),
    max_leaves=12,
)


def written(node: Any) -> str:
    match node:
        case Path(steps):
            first, *rest = steps
            return str(first) + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)
        case Value(placeholder):
            return placeholder
        case Call(function, arguments):
            return f"{function}({', '.join(map(written, arguments))})"
        case Comparison(operator, left, right):
            return f"{written(left)} {operator} {written(right)}"
        case Between(operand, low, high):
            return f"{written(operand)} BETWEEN {written(low)} AND {written(high)}"
        case In(operand, candidates):
            return f"{written(operand)} IN ({', '.join(map(written, candidates))})"
        case Not(part):
            return f"NOT {grouped(part)}"
        case And(parts):
            return " AND ".join(grouped(part) for part in parts)
        case Or(parts):
            return " or ".join(grouped(part) for part in parts)
    raise AssertionError(node)


def grouped(node: Any) -> str:
    return f"({written(node)})" if isinstance(node, (And, Or, Not)) else written(node)


@given(conditions)
def test_a_condition_is_read_as_it_was_written(condition: Condition) -> None:
    assert parse_condition("FilterExpression", written(condition)) == condition


VOCABULARY = """
a b.c d[0] #n :v :w = <> < <= > >= ( ) , . [ ] AND OR NOT BETWEEN IN size contains attribute_exists SET REMOVE ADD
DELETE + - list_append if_not_exists % ' " é 1
"""
words = st.sampled_from(VOCABULARY.split())


@given(st.lists(words, max_size=25).map(" ".join))
@settings(max_examples=400)
def test_whatever_is_sent_as_an_expression_is_read_or_refused(text: str) -> None:
    for read in (lambda: parse_condition("FilterExpression", text), lambda: parse_update(text)):
        try:
            read()
        except AwsError as problem:
            assert problem.code == "ValidationException"


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    for read in (lambda: parse_condition("FilterExpression", text), lambda: parse_update(text)):
        try:
            read()
        except AwsError as problem:
            assert problem.code == "ValidationException"


@given(items, values.map(canonical_value))
def test_a_condition_and_its_negation_never_agree(item: dict[str, Any], value: dict[str, Any]) -> None:
    kept = Expressions()
    given_ = Placeholders(None, {":v": value})
    text = "a = :v OR attribute_exists(b[0]) AND size(c) > size(d)"
    one = kept.condition("FilterExpression", text, given_)
    other = kept.condition("FilterExpression", f"NOT ({text})", given_)
    assert one.test(item, given_.values) != other.test(item, given_.values)


# Updates and projections.


@given(items, values.map(canonical_value))
def test_an_update_touches_nothing_but_its_paths(item: dict[str, Any], value: dict[str, Any]) -> None:
    given_ = Placeholders(None, {":v": value})
    compiled = Expressions().update("SET a = :v REMOVE b", given_)
    after = compiled.apply(copy.deepcopy(item), given_.values)
    assert after.get("a") == value and "b" not in after
    assert {name: after[name] for name in after if name not in "ab"} == {
        name: item[name] for name in item if name not in "ab"
    }


@given(items)
def test_projecting_every_attribute_gives_the_item(item: dict[str, Any]) -> None:
    assert project([(name,) for name in item], item) == item


@given(
    items,
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.one_of(st.integers(0, 2), st.sampled_from("abc"))),
        max_size=4,
        unique=True,
    ),
)
def test_projecting_twice_by_names_is_projecting_once(item: dict[str, Any], paths: list[tuple[str, Any]]) -> None:
    by_name = [path for path in paths if isinstance(path[1], str)]
    once = project(by_name, item)
    assert project(by_name, once) == once
