"""Which route answers a request.

HTTP APIs (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html): a full match of
path and method comes first, then one with a path variable, then one with a greedy variable (`{proxy+}`), then
`$default`. Between paths, the one whose earlier segment is more specific wins; a method of its own wins over ANY.

REST APIs choose the path first, in the same order, and then the method; a slash at the end does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

ANY = "ANY"

_SEGMENT = re.compile(r"\{([^{}+]+)(\+?)\}")


class Match(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A route that was found."""

    target: T
    path: str
    """Its template, `/pets/{id}`."""
    parameters: dict[str, str]
    """Values of the template's variables."""


class _Path(msgspec.Struct, Generic[T]):
    """All methods of one path template."""

    template: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    rank: tuple[tuple[int, str], ...]
    methods: dict[str, T]

    def match(self, path: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(path)
        return dict(zip(self.names, found.groups(), strict=True)) if found else None


class Router(Generic[T]):
    """Templates with methods, ordered once."""

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        """Each route is a method (or ANY), a path template, and what they lead to."""
        paths: dict[str, _Path[T]] = {}
        for method, template, target in routes:
            if template not in paths:
                paths[template] = _compile(template)
            paths[template].methods[method] = target
        self._exact = {path.template: path for path in paths.values() if not path.names}
        self._ordered = sorted(paths.values(), key=lambda path: path.rank)

    def find(self, method: str, path: str) -> Match[T] | None:
        """The best route of path and method together."""
        exact = self._exact.get(path)
        if exact is not None and method in exact.methods:
            return Match(target=exact.methods[method], path=path, parameters={})
        for candidate in self._ordered:
            target = candidate.methods.get(method, candidate.methods.get(ANY))
            if target is not None:
                parameters = candidate.match(path)
                if parameters is not None:
                    return Match(target=target, path=candidate.template, parameters=parameters)
        return None

    def find_by_path(self, method: str, path: str) -> Match[T] | None:
        """The route of the best path; None where that path does not have the method."""
        path = path.rstrip("/") or "/"
        for candidate in self._ordered:
            parameters = candidate.match(path)
            if parameters is not None:
                target = candidate.methods.get(method, candidate.methods.get(ANY))
                return None if target is None else Match(target=target, path=candidate.template, parameters=parameters)
        return None


def _compile(template: str) -> _Path[T]:
    names: list[str] = []
    rank: list[tuple[int, str]] = []
    pattern = ""
    for segment in template.split("/")[1:]:
        variable = _SEGMENT.fullmatch(segment)
        if variable is None:
            pattern += "/" + re.escape(segment)
            rank.append((0, segment))
        else:
            names.append(variable[1])
            pattern += "/(.+)" if variable[2] else "/([^/]+)"
            rank.append((2 if variable[2] else 1, ""))
    return _Path(
        template=template, pattern=re.compile(pattern, re.DOTALL), names=tuple(names), rank=tuple(rank), methods={}
    )


def is_route_template(template: str) -> bool:
    """Whether every variable is a whole segment, and a greedy one the last."""
    segments = template.split("/")
    return template.startswith("/") and all(
        ("{" not in segment and "}" not in segment)
        or (
            (variable := _SEGMENT.fullmatch(segment)) is not None and (not variable[2] or position == len(segments) - 1)
        )
        for position, segment in enumerate(segments)
    )
