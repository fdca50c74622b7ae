"""Writes `Fn::ForEach` out, the part of AWS::LanguageExtensions that changes a template's text.

Its other functions (Fn::Length, Fn::ToJsonString, a default for Fn::FindInMap) are ordinary evaluation.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

import re
from typing import Any

from globule.cloudformation.intrinsics.scope import IntrinsicProblem, Scope, text_of
from globule.cloudformation.parsing import Document, Lines
from globule.cloudformation.problems import Location, TemplateProblems, dotted

TRANSFORM = "AWS::LanguageExtensions"
LOOP = "Fn::ForEach"
# A template has at most 500 resources; nested loops over lists of 100 stay below, loops gone wrong do not.
COPIES_LIMIT = 10_000


def write_out_loops(document: Document, scope: Scope) -> Document:
    """`scope` knows the parameters and mappings. Raises TemplateProblems."""
    writer = _Writer(scope)
    try:
        value, lines = writer.node(document.value, document.lines, ())
    except IntrinsicProblem as problem:
        found = document.problem(problem.path, problem.why, where=dotted(problem.path))
        raise TemplateProblems([found]) from None
    return Document(file=document.file, value=value, lines=lines)


def has_loops(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key.startswith(LOOP) or has_loops(item) for key, item in value.items())
    return isinstance(value, list) and any(has_loops(item) for item in value)


class _Writer:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._copies = 0

    def node(self, value: Any, lines: Lines, path: Location) -> tuple[Any, Lines]:
        if isinstance(value, list):
            pairs = [self.node(item, lines.children[index], (*path, index)) for index, item in enumerate(value)]
            return [item for item, _ in pairs], Lines(lines.line, {i: below for i, (_, below) in enumerate(pairs)})
        if not isinstance(value, dict):
            return value, lines
        values: dict[str, Any] = {}
        below: dict[str | int, Lines] = {}
        for key, item in value.items():
            if not key.startswith(LOOP):
                values[key], below[key] = self.node(item, lines.children[key], (*path, key))
                continue
            for name, copy, copied_lines in self._copied(item, lines.children[key], (*path, key)):
                if name in values:
                    raise IntrinsicProblem((*path, key), f"{LOOP} makes {name}, which is there already")
                values[name], below[name] = copy, copied_lines
        return values, Lines(lines.line, below)

    def _copied(self, call: Any, lines: Lines, path: Location) -> list[tuple[str, Any, Lines]]:
        """Every key and value that one loop makes, loops inside it written out."""
        if (
            not isinstance(call, list)
            or len(call) != 3
            or not isinstance(call[0], str)
            or not isinstance(call[2], dict)
        ):
            raise IntrinsicProblem(path, f"{LOOP} is written as [identifier, [value, ...], {{key: value}}]")
        identifier, collection, body = call
        made: list[tuple[str, Any, Lines]] = []
        for item in self._scope.items(collection, (*path, 1)):
            text = text_of(item)
            if text is None:
                raise IntrinsicProblem((*path, 1), f"{LOOP} goes over text, not {item!r}")
            self._copies += 1
            if self._copies > COPIES_LIMIT:
                raise IntrinsicProblem(path, f"{LOOP} makes more than {COPIES_LIMIT} copies")
            copy, copied_lines = _filled(body, lines.children[2], identifier, text)
            written, written_lines = self.node(copy, copied_lines, (*path, 2))
            made.extend((name, written[name], written_lines.children[name]) for name in written)
        return made


def _filled(value: Any, lines: Lines, identifier: str, text: str) -> tuple[Any, Lines]:
    """`value` with `${identifier}` and `&{identifier}` (text without its punctuation) replaced, in keys too."""
    if isinstance(value, str):
        return _filled_text(value, identifier, text), lines
    if isinstance(value, list):
        pairs = [_filled(item, lines.children[index], identifier, text) for index, item in enumerate(value)]
        return [item for item, _ in pairs], Lines(lines.line, {i: below for i, (_, below) in enumerate(pairs)})
    if not isinstance(value, dict):
        return value, lines
    if value == {"Ref": identifier}:
        return text, lines
    values: dict[str, Any] = {}
    below: dict[str | int, Lines] = {}
    for key, item in value.items():
        name = _filled_text(key, identifier, text)
        values[name], below[name] = _filled(item, lines.children[key], identifier, text)
    return values, Lines(lines.line, below)


def _filled_text(value: str, identifier: str, text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]", "", text)
    return value.replace(f"${{{identifier}}}", text).replace(f"&{{{identifier}}}", plain)
