"""Writes `AWS::Include` out: files that a template includes, deepest first, before any other transform.

Only local files, as `aws cloudformation package` accepts them; one that is in a bucket is refused.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from globule.cloudformation.parsing import Document, Lines, parse
from globule.cloudformation.problems import Problem, TemplateProblems

# Includes inside includes: more means that a file includes itself.
DEPTH_LIMIT = 10

ReadFile = Callable[[str], str]
"""The text of a file, named relative to the template's folder. Raises OSError or ValueError, for people."""


def write_out_includes(document: Document, read: ReadFile) -> Document:
    """Raises TemplateProblems. A value that was included has the line of its `Fn::Transform`."""
    value, lines = _Includer(document.file, read).node(document.value, document.lines, 0)
    return Document(file=document.file, value=value, lines=lines)


class _Includer:
    def __init__(self, file: str, read: ReadFile) -> None:
        self._file = file
        self._read = read

    def node(self, value: Any, lines: Lines, depth: int) -> tuple[Any, Lines]:
        if isinstance(value, list):
            pairs = [self.node(item, lines.children[index], depth) for index, item in enumerate(value)]
            return [item for item, _ in pairs], Lines(lines.line, {i: below for i, (_, below) in enumerate(pairs)})
        if not isinstance(value, dict):
            return value, lines
        values: dict[str, Any] = {}
        below: dict[str | int, Lines] = {}
        for key, item in value.items():
            if key in ("Fn::Transform", "Transform") and isinstance(item, dict) and item.get("Name") == "AWS::Include":
                included, inner = self._included(item, lines.children[key].line, depth)
                values.update(included)
                below.update(inner.children)
            else:
                values[key], below[key] = self.node(item, lines.children[key], depth)
        return values, Lines(lines.line, below)

    def _included(self, call: dict[str, Any], line: int, depth: int) -> tuple[dict[str, Any], Lines]:
        parameters = call.get("Parameters")
        location = parameters.get("Location") if isinstance(parameters, dict) else None
        if not isinstance(location, str) or "://" in location:
            raise self._refused(line, f"AWS::Include works here with the path of a local file, not with {location!r}")
        if depth >= DEPTH_LIMIT:
            raise self._refused(line, f"files that include files, more than {DEPTH_LIMIT} deep")
        try:
            text = self._read(location)
        except (OSError, ValueError) as error:
            raise self._refused(line, f"cannot read {location}: {error}") from None
        value = parse(text, location).value
        return self.node(value, _flat(value, line), depth + 1)

    def _refused(self, line: int, why: str) -> TemplateProblems:
        return TemplateProblems([Problem(file=self._file, line=line, why=why)])


def _flat(value: Any, line: int) -> Lines:
    """Lines for a value that comes from elsewhere: one line for all of it."""
    if isinstance(value, dict):
        return Lines(line, {key: _flat(item, line) for key, item in value.items()})
    if isinstance(value, list):
        return Lines(line, {index: _flat(item, line) for index, item in enumerate(value)})
    return Lines(line)
