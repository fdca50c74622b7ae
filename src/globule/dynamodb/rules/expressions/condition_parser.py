"""Text of a condition, filter or key condition to its tree.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Syntax

An operator-precedence parser: two stacks, one of finished nodes and one of what waits for its right side. It does
not recurse, so 4 KB of parentheses cost memory and no stack. It decides syntax only; `condition_checks` decides
whether what was said makes sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from globule.dynamodb.rules.expressions.paths import parse_path
from globule.dynamodb.rules.expressions.tokens import (
    CONDITION_KEYWORDS,
    END,
    NAME,
    NAME_PLACEHOLDER,
    VALUE_PLACEHOLDER,
    Cursor,
)
from globule.dynamodb.rules.expressions.tree import (
    And,
    Between,
    Call,
    Comparator,
    Comparison,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Value,
)
from globule.wire.aws.errors import AwsError

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
OPERATOR_LIMIT = 300
IN_OPERAND_LIMIT = 100

COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))

# How tightly an operator that waits holds its left side; what opens a bracket holds nothing.
_PRECEDENCE: Mapping[str, int] = {
    "OR": 1,
    "AND": 2,
    "NOT": 3,
    "BETWEEN": 4,
    "BETWEEN AND": 4,
    **dict.fromkeys(COMPARATORS, 4),
}
_GROUP, _CALL, _IN = "(", "call(", "in("

Node = Operand | Condition


def parse_condition(kind: str, text: str) -> Condition:
    """Raises ValidationException."""
    return _Parser(Cursor(kind, text, CONDITION_KEYWORDS)).parse()


class _Parser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._nodes: list[Node] = []
        self._waiting: list[str] = []
        self._calls: list[tuple[str, int]] = []
        """Of each open function or IN list: the function's name, and how many nodes there were when it opened."""
        self._operators = 0

    def parse(self) -> Condition:
        while True:
            self._operand()
            if self._operator():
                break
        if self._cursor.redundant_parentheses():
            raise self._cursor.invalid("The expression has redundant parentheses;")
        (node,) = self._nodes
        return cast(Condition, node)

    def _operand(self) -> None:
        """Takes tokens up to and including one operand."""
        while True:
            token = self._cursor.next
            if token.kind == "(":
                self._cursor.advance()
                self._waiting.append(_GROUP)
            elif token.kind == "NOT":
                if self._waiting and _PRECEDENCE.get(self._waiting[-1], 0) == 4:
                    raise self._cursor.unexpected()
                self._cursor.advance()
                self._waiting.append("NOT")
            elif token.kind == NAME and self._cursor.after_next.kind == "(":
                self._cursor.advance()
                self._cursor.advance()
                self._open(_CALL, token.text)
            elif token.kind in (NAME, NAME_PLACEHOLDER):
                self._nodes.append(parse_path(self._cursor))
                return
            elif token.kind == VALUE_PLACEHOLDER:
                self._nodes.append(Value(self._cursor.advance().text))
                return
            else:
                raise self._cursor.unexpected()

    def _operator(self) -> bool:
        """Takes tokens from behind an operand up to where the next one begins. Whether the expression has ended."""
        while True:
            kind = self._cursor.next.kind
            if kind in COMPARATORS:
                self._after_operand(kind)
                return False
            if kind == "BETWEEN":
                self._after_operand(kind)
                return False
            if kind == "IN":
                self._after_operand(None)
                self._cursor.take("(")
                self._open(_IN, "IN")
                return False
            if kind == "AND" and self._waiting and self._waiting[-1] == "BETWEEN":
                self._need_operand()
                self._waiting[-1] = "BETWEEN AND"
                self._cursor.advance()
                return False
            if kind in ("AND", "OR"):
                self._reduce(_PRECEDENCE[kind])
                self._need_condition()
                self._cursor.advance()
                self._waiting.append(kind)
                return False
            if kind == ",":
                self._next_argument()
                return False
            if kind == ")":
                self._close()
            elif kind == END:
                self._reduce(0)
                self._need_condition()
                if self._waiting:
                    raise self._cursor.unexpected()
                return True
            else:
                raise self._cursor.unexpected()

    def _after_operand(self, operator: str | None) -> None:
        """A comparator, BETWEEN or IN: none of them associates, so nothing of their strength may be waiting."""
        self._need_operand()
        if self._waiting and _PRECEDENCE.get(self._waiting[-1], 0) == 4:
            raise self._cursor.unexpected()
        self._cursor.advance()
        if operator is not None:
            self._count()
            self._waiting.append(operator)

    def _open(self, bracket: str, name: str) -> None:
        self._count()
        self._waiting.append(bracket)
        self._calls.append((name, len(self._nodes)))

    def _next_argument(self) -> None:
        self._reduce(0)
        if not self._waiting or self._waiting[-1] not in (_CALL, _IN):
            raise self._cursor.unexpected()
        self._need_operand()
        self._cursor.advance()

    def _close(self) -> None:
        self._reduce(0)
        bracket = self._waiting[-1] if self._waiting else None
        if bracket is None or bracket == "BETWEEN":
            raise self._cursor.unexpected()
        if bracket != _GROUP:
            self._need_operand()
        self._cursor.advance()
        self._waiting.pop()
        if bracket == _GROUP:
            return
        name, first = self._calls.pop()
        arguments = cast("tuple[Operand, ...]", tuple(self._nodes[first:]))
        del self._nodes[first:]
        if bracket == _CALL:
            self._nodes.append(Call(name, arguments))
            return
        if len(arguments) > IN_OPERAND_LIMIT:
            raise self._cursor.invalid(
                f"The IN operator is provided with too many operands; number of operands: {len(arguments)}"
            )
        self._nodes.append(In(cast(Operand, self._nodes.pop()), arguments))

    def _reduce(self, precedence: int) -> None:
        """Finish what waits and holds at least as tightly."""
        while self._waiting and _PRECEDENCE.get(self._waiting[-1], -1) >= precedence:
            operator = self._waiting[-1]
            if operator == "BETWEEN":
                raise self._cursor.unexpected()
            if operator in ("AND", "OR", "NOT"):
                self._need_condition()
            else:
                self._need_operand()
            self._waiting.pop()
            self._nodes.append(self._finished(operator))

    def _finished(self, operator: str) -> Node:
        last = self._nodes.pop()
        if operator == "NOT":
            condition = cast(Condition, last)
            return condition.part if isinstance(condition, Not) else Not(condition)
        if operator in ("AND", "OR"):
            kind: type[And] | type[Or] = And if operator == "AND" else Or
            first = cast(Condition, self._nodes.pop())
            parts = first.parts if isinstance(first, (And, Or)) and type(first) is kind else (first,)
            return kind((*parts, cast(Condition, last)))
        right = cast(Operand, last)
        left = cast(Operand, self._nodes.pop())
        if operator == "BETWEEN AND":
            return Between(cast(Operand, self._nodes.pop()), left, right)
        return Comparison(cast(Comparator, operator), left, right)

    def _need_operand(self) -> None:
        if not isinstance(self._nodes[-1], (Path, Value, Call)):
            raise self._cursor.unexpected()

    def _need_condition(self) -> None:
        if isinstance(self._nodes[-1], (Path, Value)):
            raise self._cursor.unexpected()

    def _count(self) -> None:
        self._operators += 1
        if self._operators > OPERATOR_LIMIT:
            raise too_many_operators(self._cursor)


def too_many_operators(cursor: Cursor) -> AwsError:
    return cursor.invalid(f"The expression contains too many operators; operator count: {OPERATOR_LIMIT + 1}")
