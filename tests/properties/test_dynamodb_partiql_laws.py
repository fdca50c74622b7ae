"""Laws of PartiQL statements."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from globule.dynamodb.rules.partiql.parser import NESTING_LIMIT, parse
from globule.dynamodb.rules.partiql.statements import Insert, Select
from globule.dynamodb.rules.values import canonical_item
from globule.wire.aws.errors import AwsError

VOCABULARY = """
SELECT * FROM t WHERE pk = 'a' AND OR NOT ( ) IN [ ] BETWEEN 1 IS MISSING NULL size( contains( begins_with( ? << >> { }
: , . UPDATE SET REMOVE list_append( if_not_exists( set_add( INSERT INTO VALUE DELETE EXISTS( RETURNING ALL OLD ORDER
BY DESC + - ; "q" ' <> -1e5
"""
WORDS = VOCABULARY.split()


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=40))
def test_any_words_are_a_statement_or_are_refused(words: list[str]) -> None:
    try:
        parse(" ".join(words), None)
    except AwsError as refusal:
        assert refusal.code == "ValidationException"


# Values as literals of the language.

texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.one_of(
    st.builds(lambda text: {"S": text}, texts),
    st.builds(lambda number: {"N": str(number)}, st.integers(-(10**30), 10**30)),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda members: {"SS": sorted(members)}, st.sets(texts, min_size=1, max_size=3)),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda elements: {"L": elements}, st.lists(inner, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(texts, inner, max_size=3)),
    ),
    max_leaves=8,
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def literal(value: dict[str, Any]) -> str:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return quoted(content)
        case "N":
            return str(content)
        case "BOOL":
            return json.dumps(content)
        case "NULL":
            return "NULL"
        case "SS":
            return "<<" + ", ".join(map(quoted, content)) + ">>"
        case "L":
            return "[" + ", ".join(map(literal, content)) + "]"
        case _:
            return "{" + ", ".join(f"{quoted(name)}: {literal(each)}" for name, each in content.items()) + "}"


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_what_is_written_is_what_is_inserted(item: dict[str, Any]) -> None:
    statement = parse(f'INSERT INTO "t" VALUE {literal({"M": item})}', None)
    assert isinstance(statement, Insert)
    assert statement.item == canonical_item(item)


@given(st.integers(1, 3 * NESTING_LIMIT))
def test_nesting_is_bounded(levels: int) -> None:
    statement = f"SELECT * FROM t WHERE {'(' * levels}a = 1{')' * levels}"
    try:
        assert isinstance(parse(statement, None), Select)
    except AwsError:
        assert levels > NESTING_LIMIT
    else:
        assert levels <= NESTING_LIMIT
