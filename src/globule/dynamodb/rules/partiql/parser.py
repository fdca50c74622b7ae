"""A statement's text and parameters to a statement.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html. Recursive descent, one method a
rule of the grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from globule.dynamodb.model import AttributeValue, Item
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.tree import (
    Action,
    Add,
    And,
    Arithmetic,
    Between,
    Call,
    Comparator,
    Comparison,
    Condition,
    Delete,
    In,
    Not,
    Operand,
    Or,
    Path,
    Remove,
    Set,
    Value,
)
from globule.dynamodb.rules.expressions.tree import Update as UpdateTree
from globule.dynamodb.rules.partiql import statements
from globule.dynamodb.rules.partiql.tokens import END, NAME, NUMBER, STRING, Token, not_well_formed, tokenize
from globule.dynamodb.rules.values import canonical_item, canonical_value
from globule.wire.aws.errors import AwsError

# Parentheses, brackets and functions inside each other; an item nests 32 levels.
NESTING_LIMIT = 64

_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CONDITIONS = frozenset(("ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS"))
_VALUES = frozenset(("SIZE",))
_ASSIGNED = frozenset(("LIST_APPEND", "IF_NOT_EXISTS"))
_CLAUSES = frozenset(("SET", "REMOVE", "WHERE", "RETURNING", "ORDER", "AND", "OR", "FROM"))


def parse(statement: str, parameters: Sequence[Any] | None) -> statements.Statement:
    """Raises ValidationException, or ShapeProblem for a parameter that is no value."""
    return _Parser(statement, parameters or ()).parse()


class _Parser:
    def __init__(self, statement: str, parameters: Sequence[Any]) -> None:
        self._tokens = tokenize(statement)
        self._position = 0
        self._parameters = [canonical_value(parameter) for parameter in parameters]
        self._taken = 0
        self._depth = 0
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}

    def parse(self) -> statements.Statement:
        statement = self._statement()
        self._skip(";")
        if self._next.kind != END:
            raise self._unexpected()
        if self._taken != len(self._parameters):
            raise validation("Number of parameters in request and statement don't match.")
        return statement

    # Tokens.

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _advance(self) -> Token:
        token = self._next
        if token.kind != END:
            self._position += 1
        return token

    def _skip(self, kind: str) -> bool:
        if self._next.kind != kind:
            return False
        self._advance()
        return True

    def _take(self, kind: str) -> Token:
        if self._next.kind != kind:
            raise self._unexpected(kind)
        return self._advance()

    def _skip_word(self, *words: str) -> bool:
        """Takes these keywords, all or none of them."""
        if [token.word for token in self._tokens[self._position : self._position + len(words)]] != list(words):
            return False
        self._position += len(words)
        return True

    def _take_word(self, *words: str) -> None:
        if not self._skip_word(*words):
            raise self._unexpected(" ".join(words))

    def _unexpected(self, wanted: str | None = None) -> AwsError:
        found = self._next.text or "end of statement"
        return not_well_formed(f"Unexpected: {found}" + (f", expected: {wanted}" if wanted else ""))

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > NESTING_LIMIT:
            raise not_well_formed("Too many levels of nesting")

    # Statements.

    def _statement(self) -> statements.Statement:
        if self._skip_word("SELECT"):
            return self._select()
        if self._skip_word("INSERT", "INTO"):
            return self._insert()
        if self._skip_word("UPDATE"):
            return self._update()
        if self._skip_word("DELETE", "FROM"):
            return self._delete()
        if self._skip_word("EXISTS"):
            self._take("(")
            self._take_word("SELECT")
            select = self._select()
            self._take(")")
            return statements.Exists(select)
        raise self._unexpected()

    def _given(self) -> Placeholders:
        return Placeholders(self._names or None, self._values or None)

    def _select(self) -> statements.Select:
        paths: list[Path] | None = None
        if not self._skip("*"):
            paths = [self._path()]
            while self._skip(","):
                paths.append(self._path())
        self._take_word("FROM")
        table = self._take(NAME).text
        index = self._take(NAME).text if self._skip(".") else None
        where = self._condition() if self._skip_word("WHERE") else None
        return statements.Select(
            table=table,
            index=index,
            paths=None if paths is None else tuple(paths),
            where=where,
            order=self._order() if self._skip_word("ORDER", "BY") else (),
            given=self._given(),
        )

    def _order(self) -> tuple[tuple[str, bool], ...]:
        order: list[tuple[str, bool]] = []
        while True:
            name = self._take(NAME).text
            descending = self._skip_word("DESC")
            if not descending:
                self._skip_word("ASC")
            order.append((name, descending))
            if not self._skip(","):
                return tuple(order)

    def _insert(self) -> statements.Insert:
        table = self._take(NAME).text
        self._take_word("VALUE")
        value = self._literal()
        if "M" not in value:
            raise not_well_formed("VALUE must be a map")
        return statements.Insert(table=table, item=canonical_item(value["M"]))

    def _update(self) -> statements.Update:
        table = self._take(NAME).text
        actions: list[Action] = []
        while True:
            if self._skip_word("SET"):
                actions.append(self._assignment())
                while self._skip(","):
                    actions.append(self._assignment())
            elif self._skip_word("REMOVE"):
                actions.append(Remove(self._path()))
                while self._skip(","):
                    actions.append(Remove(self._path()))
            else:
                break
        if not actions:
            raise self._unexpected("SET or REMOVE")
        self._take_word("WHERE")
        return statements.Update(
            table=table,
            changes=UpdateTree((), tuple(actions)),
            where=self._condition(),
            returning=self._returning(),
            given=self._given(),
        )

    def _delete(self) -> statements.Delete:
        table = self._take(NAME).text
        self._take_word("WHERE")
        where, returning = self._condition(), self._returning()
        if returning not in (None, "ALL OLD"):
            raise validation(f"RETURNING {returning} * is not for DELETE statements, which can only return ALL OLD *")
        return statements.Delete(table=table, where=where, returning=returning, given=self._given())

    def _returning(self) -> statements.Returning | None:
        if not self._skip_word("RETURNING"):
            return None
        for extent in ("ALL", "MODIFIED"):
            for state in ("OLD", "NEW"):
                if self._skip_word(extent, state):
                    self._take("*")
                    return cast(statements.Returning, f"{extent} {state}")
        raise self._unexpected()

    # Changes.

    def _assignment(self) -> Action:
        path = self._path()
        self._take("=")
        for word, kind in (("SET_ADD", Add), ("SET_DELETE", Delete)):
            if self._next.word == word:
                self._advance()
                self._take("(")
                if self._path() != path:
                    raise validation(f"{word.lower()} must be of the path that it is assigned to")
                self._take(",")
                value = self._value(self._literal())
                self._take(")")
                return kind(path, value)
        left = self._assigned()
        if self._next.kind not in ("+", "-"):
            return Set(path, left)
        operator = self._advance().kind
        return Set(path, Arithmetic("+" if operator == "+" else "-", left, self._assigned()))

    def _assigned(self) -> Operand:
        if self._next.word in _ASSIGNED and self._is_call():
            return self._call(self._assigned)
        return self._operand()

    # Conditions.

    def _condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._skip_word("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self._skip_word("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> Condition:
        negated = False
        while self._skip_word("NOT"):
            negated = not negated
        condition = self._predicate()
        return Not(condition) if negated else condition

    def _predicate(self) -> Condition:
        if self._next.kind == "(":
            self._deeper()
            self._advance()
            condition = self._condition()
            self._take(")")
            self._depth -= 1
            return condition
        if self._next.word in _CONDITIONS and self._is_call():
            return self._call(self._operand)
        left = self._operand()
        if self._skip_word("IS"):
            return self._is(left)
        if self._next.word == "NOT":
            self._advance()
            return Not(self._in_or_between(left))
        if self._next.word in ("IN", "BETWEEN"):
            return self._in_or_between(left)
        operator = _COMPARATORS.get(self._next.kind)
        if operator is None:
            raise self._unexpected()
        self._advance()
        return Comparison(cast(Comparator, operator), left, self._operand())

    def _is(self, operand: Operand) -> Condition:
        negated = self._skip_word("NOT")
        if self._skip_word("MISSING"):
            return Call("attribute_exists" if negated else "attribute_not_exists", (operand,))
        self._take_word("NULL")
        is_null = Call("attribute_type", (operand, self._value({"S": "NULL"})))
        return Not(is_null) if negated else is_null

    def _in_or_between(self, operand: Operand) -> Condition:
        if self._skip_word("BETWEEN"):
            low = self._operand()
            self._take_word("AND")
            return Between(operand, low, self._operand())
        self._take_word("IN")
        end = ")" if self._skip("(") else "]"
        if end == "]":
            self._take("[")
        candidates = [self._operand()]
        while self._skip(","):
            candidates.append(self._operand())
        self._take(end)
        return In(operand, tuple(candidates))

    def _is_call(self) -> bool:
        return self._tokens[self._position + 1].kind == "("

    def _call(self, argument: Any) -> Call:
        self._deeper()
        function = self._advance().text.lower()
        self._take("(")
        arguments = [argument()]
        while self._skip(","):
            arguments.append(argument())
        self._take(")")
        self._depth -= 1
        return Call(function, tuple(arguments))

    def _operand(self) -> Operand:
        token = self._next
        if token.kind == NAME and token.word not in ("TRUE", "FALSE", "NULL"):
            if token.word in _VALUES and self._is_call():
                return self._call(self._operand)
            return self._path()
        return self._value(self._literal())

    def _path(self) -> Path:
        if self._next.word in _CLAUSES:
            raise self._unexpected()
        steps: list[str | int] = [self._name(self._take(NAME).text)]
        while True:
            if self._skip("."):
                steps.append(self._name(self._take(NAME).text))
            elif self._skip("["):
                token = self._advance()
                if token.kind == NUMBER and token.text.isdigit() and len(token.text) < 10:
                    steps.append(int(token.text))
                elif token.kind == STRING:
                    steps.append(self._name(token.text))
                else:
                    raise not_well_formed(f"Unexpected: {token.text}")
                self._take("]")
            else:
                return Path(tuple(steps))

    def _name(self, name: str) -> str:
        """A placeholder for an attribute's name; the same one for the same name."""
        placeholder = next((each for each, known in self._names.items() if known == name), None)
        if placeholder is None:
            placeholder = f"#{len(self._names)}"
            self._names[placeholder] = name
        return placeholder

    def _value(self, value: AttributeValue) -> Value:
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = canonical_value(value)
        return Value(placeholder)

    # Literals.

    def _literal(self) -> AttributeValue:
        token = self._advance()
        match token.kind:
            case "?":
                return self._parameter()
            case "string":
                return {"S": token.text}
            case "number":
                return {"N": token.text}
            case "-" if self._next.kind == NUMBER:
                return {"N": "-" + self._advance().text}
            case "[":
                return {"L": self._elements("]")}
            case "<<":
                return self._set(self._elements(">>"))
            case "{":
                return {"M": self._members()}
        match token.word:
            case "TRUE" | "FALSE":
                return {"BOOL": token.word == "TRUE"}
            case "NULL":
                return {"NULL": True}
        raise not_well_formed(f"Unexpected: {token.text or 'end of statement'}")

    def _parameter(self) -> AttributeValue:
        if self._taken == len(self._parameters):
            raise validation("Number of parameters in request and statement don't match.")
        self._taken += 1
        return self._parameters[self._taken - 1]

    def _elements(self, end: str) -> list[AttributeValue]:
        self._deeper()
        elements: list[AttributeValue] = []
        if not self._skip(end):
            elements.append(self._literal())
            while self._skip(","):
                elements.append(self._literal())
            self._take(end)
        self._depth -= 1
        return elements

    def _set(self, elements: list[AttributeValue]) -> AttributeValue:
        kinds = {kind for element in elements for kind in element}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise validation("A set must have members, all strings, all numbers or all binaries")
        (kind,) = kinds
        return {kind + "S": [element[kind] for element in elements]}

    def _members(self) -> Item:
        self._deeper()
        members: Item = {}
        if not self._skip("}"):
            while True:
                token = self._advance()
                if token.kind not in (STRING, NAME):
                    raise not_well_formed(f"Unexpected: {token.text}")
                self._take(":")
                members[token.text] = self._literal()
                if not self._skip(","):
                    break
            self._take("}")
        self._depth -= 1
        return members
