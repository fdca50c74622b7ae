"""The words of a PartiQL statement."""

from __future__ import annotations

import re

import msgspec

from globule.dynamodb.rules.errors import validation
from globule.wire.aws.errors import AwsError

NAME, STRING, NUMBER, END = "name", "string", "number", "end"

_TOKEN = re.compile(
    r"""\s*
    (?: (?P<name>[A-Za-z_][A-Za-z0-9_$]*)
      | "(?P<quoted>(?:[^"]|"")*)"
      | '(?P<string>(?:[^']|'')*)'
      | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
      | (?P<symbol><<|>>|<>|<=|>=|!=|[=<>()\[\]{},.:?*+;-])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)


class Token(msgspec.Struct, frozen=True):
    kind: str
    """A symbol, or one of the constants above."""
    text: str
    """Without quotes, and what they escaped."""
    word: str = ""
    """Of a name that was not quoted: it in upper case, as keywords and functions are recognised by."""


def not_well_formed(why: str) -> AwsError:
    return validation(f"Statement wasn't well formed, can't be processed: {why}")


def tokenize(statement: str) -> list[Token]:
    """END is the last one. Raises ValidationException."""
    tokens: list[Token] = []
    position = 0
    while not tokens or tokens[-1].kind != END:
        match = _TOKEN.match(statement, position)
        if match is None:
            raise not_well_formed(f"Invalid character at position {position}")
        tokens.append(_token(match))
        position = match.end()
    return tokens


def _token(match: re.Match[str]) -> Token:
    group = match.lastgroup
    assert group is not None
    text = match[group]
    match group:
        case "name":
            return Token(NAME, text, text.upper())
        case "quoted":
            return Token(NAME, text.replace('""', '"'))
        case "string":
            return Token(STRING, text.replace("''", "'"))
        case "number":
            return Token(NUMBER, text)
        case "end":
            return Token(END, "")
        case _:
            return Token(text, text)
