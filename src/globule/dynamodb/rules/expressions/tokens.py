"""The words of an expression, and what AWS says where one does not fit.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html. Keywords are recognised whatever
their case; functions only in lower case, so they are plain names here.
"""

from __future__ import annotations

import re

import msgspec

from globule.dynamodb.rules.errors import validation
from globule.wire.aws.errors import AwsError

EXPRESSION_LIMIT_BYTES = 4096

NAME = "name"
NAME_PLACEHOLDER = "#name"
VALUE_PLACEHOLDER = ":value"
NUMBER = "number"
END = "<EOF>"

CONDITION_KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
UPDATE_KEYWORDS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))

_TOKEN = re.compile(
    r"""[ \t\r\n]*
    (?: (?P<name>[A-Za-z][A-Za-z0-9_]*)
      | (?P<name_placeholder>\#[A-Za-z0-9_]+)
      | (?P<value_placeholder>:[A-Za-z0-9_]+)
      | (?P<number>[0-9]+)
      | (?P<symbol><>|<=|>=|[=<>()\[\],.+-])
      | (?P<end>\Z)
      | (?P<wrong>.)
    )""",
    re.VERBOSE | re.DOTALL,
)


class Token(msgspec.Struct, frozen=True):
    kind: str
    """A keyword in upper case, a symbol, or one of the constants above."""
    text: str
    start: int
    end: int


def tokenize(kind: str, text: str, keywords: frozenset[str]) -> tuple[Token, ...]:
    """All tokens, END the last. `kind` is the parameter, such as `FilterExpression`. Raises ValidationException."""
    if not text:
        raise invalid(kind, "The expression can not be empty;")
    size_bytes = len(text.encode())
    if size_bytes > EXPRESSION_LIMIT_BYTES:
        raise invalid(kind, f"Expression size has exceeded the maximum allowed size; expression size: {size_bytes}")
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        assert match is not None and match.lastgroup is not None
        token = _token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup), keywords)
        tokens.append(token)
        if token.kind == END:
            return tuple(tokens)
        position = match.end()


def _token(group: str, text: str, start: int, keywords: frozenset[str]) -> Token:
    end = start + len(text)
    match group:
        case "name":
            keyword = text.upper()
            return Token(keyword if keyword in keywords else NAME, text, start, end)
        case "name_placeholder":
            return Token(NAME_PLACEHOLDER, text, start, end)
        case "value_placeholder":
            return Token(VALUE_PLACEHOLDER, text, start, end)
        case "number":
            return Token(NUMBER, text, start, end)
        case "end":
            return Token(END, END, start, end)
        case _:
            # A character that starts no token is one of its own, which no rule of the grammar accepts.
            return Token(text, text, start, end)


class Cursor:
    """Walks the tokens of one expression."""

    def __init__(self, kind: str, text: str, keywords: frozenset[str] = frozenset()) -> None:
        self.kind = kind
        self._text = text
        self._tokens = tokenize(kind, text, keywords)
        self._position = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._position]

    @property
    def after_next(self) -> Token:
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Takes the next token; END is never passed."""
        token = self._tokens[self._position]
        if token.kind != END:
            self._position += 1
        return token

    def skip(self, kind: str) -> bool:
        """Takes the next token if it is of that kind."""
        if self.next.kind != kind:
            return False
        self.advance()
        return True

    def take(self, kind: str) -> Token:
        """Takes the next token, which must be of that kind."""
        if self.next.kind != kind:
            raise self.unexpected()
        return self.advance()

    def unexpected(self) -> AwsError:
        """The error for the next token: it, and what stands around it."""
        token = self.next
        before = self._tokens[self._position - 1].start if self._position else 0
        near = self._text[before : max(self.after_next.end, token.end)].strip()
        return self.invalid(f'Syntax error; token: "{token.text}", near: "{near}"')

    def invalid(self, why: str) -> AwsError:
        return invalid(self.kind, why)

    def redundant_parentheses(self) -> bool:
        """Whether a pair of parentheses holds nothing but another pair. A function's own do not count."""
        opening: list[int] = []
        partner: dict[int, int] = {}
        for position, token in enumerate(self._tokens):
            if token.kind == "(":
                opening.append(position)
            elif token.kind == ")" and opening:
                partner[opening.pop()] = position
        return any(
            partner.get(start + 1) == end - 1
            for start, end in partner.items()
            if start == 0 or self._tokens[start - 1].kind not in (NAME, "IN")
        )


def invalid(kind: str, why: str) -> AwsError:
    return validation(f"Invalid {kind}: {why}")
