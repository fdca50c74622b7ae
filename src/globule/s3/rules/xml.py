"""S3's XML: written from nested tuples, read into a small tree. Documents with a DTD are refused, so nothing expands.

It is not a general XML library: no namespaces but S3's own, no attributes on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec

from globule.s3.rules.errors import s3_error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Deeper than any request of the API.
_DEPTH_LIMIT = 16
# XML 1.0 cannot hold these at all; S3 writes them as references all the same, and encoding-type=url avoids them.
_CONTROLS = {chr(code): f"&#x{code:x};" for code in (*range(9), 11, 12, *range(14, 32))} | {"\r": "&#13;"}

Content: TypeAlias = "str | int | bool | Iterable[Element] | None"
"""Text, a number, a boolean, or further elements. None leaves the element out."""
Element: TypeAlias = tuple[str, Content]


def document(name: str, *content: Element, namespace: bool = True) -> bytes:
    attributes = f' xmlns="{NAMESPACE}"' if namespace else ""
    return f"{_DECLARATION}<{name}{attributes}>{''.join(_written(content))}</{name}>".encode()


def _written(elements: Iterable[Element]) -> Iterator[str]:
    for name, content in elements:
        if content is None:
            continue
        if isinstance(content, bool):
            text = "true" if content else "false"
        elif isinstance(content, str | int):
            text = escape(str(content), _CONTROLS)
        else:
            text = "".join(_written(content))
        yield f"<{name}>{text}</{name}>"


class Node(msgspec.Struct):
    """An element that was read."""

    name: str
    text: str = ""
    children: list[Node] = []

    def all(self, name: str) -> list[Node]:
        return [child for child in self.children if child.name == name]

    def find(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name == name), None)

    def value(self, name: str) -> str | None:
        """The text of a child; None where there is no such child."""
        found = self.find(name)
        return None if found is None else found.text


def parsed(data: bytes, root: str) -> Node:
    """Raises AwsError MalformedXML where it is not well-formed, or its root has another name."""
    stack: list[Node] = []
    roots: list[Node] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition(" ")[2])
        if len(stack) >= _DEPTH_LIMIT:
            raise s3_error("MalformedXML")
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(*arguments: object) -> None:
        raise s3_error("MalformedXML")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise s3_error("MalformedXML") from None
    if roots[0].name != root:
        raise s3_error("MalformedXML")
    return roots[0]
