"""Template text to plain values, keeping the line of every node.

YAML is read from libyaml's events, so that tags, duplicate keys, anchors and lines are in our hands; JSON is read by
a small scanner of our own for the same reason. Short-form intrinsics (`!GetAtt a.b`) become their full form. Scalars
follow YAML 1.1, as CloudFormation does, except that timestamps stay text.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html

Size, depth and the number of nodes (with aliases written out) are bounded, so no template can exhaust memory.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # in C, and in every CPython since 3.0
from typing import Any

import msgspec
import yaml

from globule.cloudformation.problems import Location, Problem, TemplateProblems

# CloudFormation's own quota for a template body in an S3 object.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
TEMPLATE_LIMIT_BYTES = 1024 * 1024
# Far beyond any real template, far below Python's recursion limit.
DEPTH_LIMIT = 100
# A full megabyte of the densest YAML has fewer nodes; only aliases of aliases have more.
NODES_LIMIT = 400_000


class Lines(msgspec.Struct, frozen=True):
    """The line of a node, and those of everything that it holds, by key or index."""

    line: int
    children: Mapping[str | int, Lines] = {}


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed file."""

    file: str
    value: dict[str, Any]
    lines: Lines

    def line_of(self, path: Location) -> int:
        """The line of the node that `path` leads to, or of the nearest one above it."""
        node = self.lines
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            node = child
        return node.line

    def problem(self, path: Location, why: str, *, where: str = "") -> Problem:
        return Problem(file=self.file, line=self.line_of(path), where=where, why=why)


class _Refused(Exception):
    def __init__(self, line: int, why: str) -> None:
        self.line = line
        self.why = why


def parse(text: str, file: str) -> Document:
    """Raises TemplateProblems with file and line where `text` is not a template."""
    try:
        if len(text.encode()) > TEMPLATE_LIMIT_BYTES:
            raise _Refused(1, f"the template is larger than CloudFormation's limit of {TEMPLATE_LIMIT_BYTES} bytes")
        value, lines = _JsonReader(text).document() if text.lstrip().startswith("{") else _YamlReader(text).document()
        if not isinstance(value, dict):
            raise _Refused(1, "a template is a mapping with a Resources section")
    except _Refused as refused:
        raise TemplateProblems([Problem(file=file, line=refused.line, why=refused.why)]) from None
    return Document(file=file, value=value, lines=lines)


# --- YAML ---------------------------------------------------------------------------------------------------------

_RESOLVERS: Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    first: tuple((tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge", ":value")))
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_UNPREFIXED = ("Ref", "Condition")
_STANDARD = "tag:yaml.org,2002:"
# A node of the event tree that an alias may stand for: value and lines are immutable by convention, hence shared.
_Node = tuple[Any, Lines]


class _YamlReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._anchors: dict[str, tuple[_Node, int]] = {}
        self._count = 0
        self._constructor = yaml.constructor.SafeConstructor()

    def document(self) -> _Node:
        try:
            events = yaml.parse(self._text, Loader=yaml.CSafeLoader)
            next(events)  # the stream's start
            if isinstance(next(events), yaml.StreamEndEvent):
                raise _Refused(1, "the template is empty")
            node = self._node(next(events), events, 0)
            next(events)  # the document's end
            if not isinstance(next(events), yaml.StreamEndEvent):
                raise _Refused(1, "a template is one YAML document; this file has several")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            why = ", ".join(part for part in (error.context, error.problem) if part)
            if self._is_indented_by_tab(line):
                why = "lines are indented with spaces, not with tabs"
            raise _Refused(line, f"not valid YAML: {why}") from None
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
            raise _Refused(line, f"not valid YAML: {error.reason}") from None
        return node

    def _is_indented_by_tab(self, line: int) -> bool:
        text = self._text.splitlines()[line - 1 : line]
        return bool(text) and "\t" in text[0][: len(text[0]) - len(text[0].lstrip())]

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
        line = _line(event)
        if depth > DEPTH_LIMIT:
            raise _Refused(line, f"nested more than {DEPTH_LIMIT} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), line)
        before = self._count
        self._add(1, line)
        if isinstance(event, yaml.ScalarEvent):
            node: _Node = (self._scalar(event, line), Lines(line))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(line, events, depth)
        else:
            node = self._mapping(line, events, depth)
        tag = getattr(event, "tag", None)
        if tag is not None and not tag.startswith(_STANDARD) and tag != "!":
            node = _intrinsic(tag, node)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (node, self._count - before)
        return node

    def _add(self, nodes: int, line: int) -> None:
        self._count += nodes
        if self._count > NODES_LIMIT:
            raise _Refused(line, f"more than {NODES_LIMIT} values once aliases are written out")

    def _alias(self, anchor: str, line: int) -> _Node:
        if anchor not in self._anchors:
            raise _Refused(line, f"the alias *{anchor} has no anchor &{anchor} before it")
        node, size = self._anchors[anchor]
        self._add(size, line)
        return node

    def _sequence(self, line: int, events: Iterator[yaml.Event], depth: int) -> _Node:
        values: list[Any] = []
        lines: dict[str | int, Lines] = {}
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            value, lines[len(values)] = self._node(event, events, depth + 1)
            values.append(value)
        return values, Lines(line, lines)

    def _mapping(self, line: int, events: Iterator[yaml.Event], depth: int) -> _Node:
        values: dict[str, Any] = {}
        lines: dict[str | int, Lines] = {}
        merged: list[_Node] = []
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            at = _line(event)
            # A key is its text: `80:` and `012345678901:` must not become numbers.
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(at, "the key of a mapping must be text")
            key = event.value
            value, below = self._node(next(events), events, depth + 1)
            if key == "<<" and event.implicit[0]:
                merged.extend(_mappings_to_merge(value, below, at))
                continue
            if key in values:
                raise _Refused(at, f"the key {key!r} is there twice; the first is on line {lines[key].line}")
            values[key] = value
            lines[key] = Lines(at, below.children)
        for other, below in merged:
            for key in other:
                if key not in values:
                    values[key] = other[key]
                    lines[key] = below.children[key]
        return values, Lines(line, lines)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        text = event.value
        tag = event.tag if event.tag and event.tag.startswith(_STANDARD) else None
        if tag is None:
            if not event.implicit[0]:
                return text  # quoted, or with the tag "!"
            candidates = _RESOLVERS.get(text[0] if text else "", ())
            tag = next((name for name, pattern in candidates if pattern.match(text)), f"{_STANDARD}str")
        construct = yaml.SafeLoader.yaml_constructors.get(tag)
        kind = tag.removeprefix(_STANDARD)
        if construct is None or kind not in ("str", "int", "float", "bool", "null"):
            raise _Refused(line, f"CloudFormation does not support the YAML tag !!{kind}")
        try:
            value = construct(self._constructor, yaml.ScalarNode(tag, text))
        except (ValueError, KeyError):
            raise _Refused(line, f"{text!r} is not a YAML {kind}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise _Refused(line, f"{text} is not a number that a template can hold")
        return value


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1


def _mappings_to_merge(value: Any, lines: Lines, at: int) -> list[_Node]:
    if isinstance(value, dict):
        return [(value, lines)]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [(item, lines.children[index]) for index, item in enumerate(value)]
    raise _Refused(at, "<< merges a mapping, or a list of mappings")


def _intrinsic(tag: str, node: _Node) -> _Node:
    value, lines = node
    name = tag.removeprefix("!")
    if not tag.startswith("!") or not name.isalnum():
        raise _Refused(lines.line, f"the YAML tag {tag} is not one of CloudFormation's")
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
        lines = Lines(lines.line, dict.fromkeys(range(len(value)), lines))
    full = name if name in _UNPREFIXED else f"Fn::{name}"
    return {full: value}, Lines(lines.line, {full: lines})


# --- JSON ---------------------------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


class _JsonReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0

    def document(self) -> _Node:
        node = self._node(0)
        if self._peek():
            raise self._refused("text after the end of the JSON value")
        return node

    def _refused(self, why: str) -> _Refused:
        return _Refused(self._line_here(), f"not valid JSON: {why}")

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _peek(self) -> str:
        """The next character that is not space; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        assert space is not None
        self._at = space.end()
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._refused(f"expected {character!r}, found {self._peek() or 'the end of the file'!r}")
        self._at += 1

    def _node(self, depth: int) -> _Node:
        first = self._peek()
        line = self._line_here()
        if depth > DEPTH_LIMIT:
            raise _Refused(line, f"nested more than {DEPTH_LIMIT} deep")
        if first == "{":
            return self._object(line, depth)
        if first == "[":
            return self._array(line, depth)
        if first == '"':
            return self._string(), Lines(line)
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value, Lines(line)
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            raise self._refused(f"expected a value, found {first or 'the end of the file'!r}")
        self._at = number.end()
        return json.loads(number.group()), Lines(line)

    def _string(self) -> str:
        text: str
        try:
            text, self._at = scanstring(self._text, self._at + 1)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._refused(error.msg) from None
        return text

    def _array(self, line: int, depth: int) -> _Node:
        values: list[Any] = []
        lines: dict[str | int, Lines] = {}
        self._at += 1
        while self._peek() != "]":
            if values:
                self._expect(",")
            value, lines[len(values)] = self._node(depth + 1)
            values.append(value)
        self._at += 1
        return values, Lines(line, lines)

    def _object(self, line: int, depth: int) -> _Node:
        values: dict[str, Any] = {}
        lines: dict[str | int, Lines] = {}
        self._at += 1
        while self._peek() != "}":
            if values:
                self._expect(",")
            if self._peek() != '"':
                raise self._refused(f"expected a key in quotes, found {self._peek() or 'the end of the file'!r}")
            at = self._line_here()
            key = self._string()
            self._expect(":")
            value, below = self._node(depth + 1)
            if key in values:
                raise _Refused(at, f"the key {key!r} is there twice; the first is on line {lines[key].line}")
            values[key] = value
            lines[key] = Lines(at, below.children)
        self._at += 1
        return values, Lines(line, lines)
