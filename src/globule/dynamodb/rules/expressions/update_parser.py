"""Text of an UpdateExpression to its tree.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from typing import Literal

from globule.dynamodb.rules.expressions.condition_parser import OPERATOR_LIMIT, too_many_operators
from globule.dynamodb.rules.expressions.paths import parse_path
from globule.dynamodb.rules.expressions.tokens import (
    END,
    NAME,
    UPDATE_KEYWORDS,
    VALUE_PLACEHOLDER,
    Cursor,
)
from globule.dynamodb.rules.expressions.tree import (
    Action,
    Add,
    Arithmetic,
    Call,
    Delete,
    Operand,
    Remove,
    Set,
    Update,
    Value,
)

KIND = "UpdateExpression"


def parse_update(text: str) -> Update:
    """Raises ValidationException."""
    return _Parser(Cursor(KIND, text, UPDATE_KEYWORDS)).parse()


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._operators = 0

    def parse(self) -> Update:
        sections: list[str] = []
        actions: list[Action] = []
        while True:
            if self._cursor.next.kind not in UPDATE_KEYWORDS:
                raise self._cursor.unexpected()
            section = self._cursor.advance().kind
            sections.append(section)
            actions.append(self._action(section))
            while self._cursor.skip(","):
                actions.append(self._action(section))
            if self._cursor.next.kind == END:
                break
        if self._cursor.redundant_parentheses():
            raise self._cursor.invalid("The expression has redundant parentheses;")
        return Update(tuple(sections), tuple(actions))

    def _action(self, section: str) -> Action:
        path = parse_path(self._cursor)
        match section:
            case "SET":
                self._cursor.take("=")
                return Set(path, self._assigned())
            case "REMOVE":
                return Remove(path)
            case "ADD":
                self._count()
                return Add(path, self._value())
            case _:
                self._count()
                return Delete(path, self._value())

    def _value(self) -> Value:
        return Value(self._cursor.take(VALUE_PLACEHOLDER).text)

    def _assigned(self) -> Operand | Arithmetic:
        """`operand`, `operand + operand` or `operand - operand`, possibly in parentheses."""
        if self._cursor.skip("("):
            self._count()
            inside = self._assigned()
            self._cursor.take(")")
            if isinstance(inside, Arithmetic):
                return inside
            left: Operand = inside
        else:
            left = self._operand()
        kind = self._cursor.next.kind
        if kind not in ("+", "-"):
            return left
        self._count()
        self._cursor.advance()
        operator: Literal["+", "-"] = "+" if kind == "+" else "-"
        return Arithmetic(operator, left, self._operand())

    def _operand(self) -> Operand:
        """One frame of the stack for each level of nesting, which the limit on operators bounds."""
        if self._cursor.next.kind == VALUE_PLACEHOLDER:
            return self._value()
        if self._cursor.next.kind == "(":
            self._count()
            self._cursor.advance()
            inside = self._operand()
            self._cursor.take(")")
            return inside
        if self._cursor.next.kind == NAME and self._cursor.after_next.kind == "(":
            self._count()
            function = self._cursor.advance().text
            self._cursor.advance()
            arguments = [self._operand()]
            while self._cursor.skip(","):
                arguments.append(self._operand())
            self._cursor.take(")")
            return Call(function, tuple(arguments))
        return parse_path(self._cursor)

    def _count(self) -> None:
        self._operators += 1
        if self._operators > OPERATOR_LIMIT:
            raise too_many_operators(self._cursor)
