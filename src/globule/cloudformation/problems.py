"""What is wrong with a template or an application, as data: which file and line, which resource, and why.

Every stage gathers its problems and raises them together as one `TemplateProblems`, so that a person mends a template
once. Whoever shows them prints each on a line of its own, in the form that editors jump to: `file:line: why`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

# More than a screen or two helps nobody; the rest shows once these are mended.
PROBLEMS_LIMIT = 50

Location = tuple[str | int, ...]
"""Leads to a value inside a template: `("Resources", "Fn", "Properties", "Layers", 0)`."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be mended."""

    file: str
    """As the application names it, relative to its folder."""
    line: int
    """From 1."""
    where: str = ""
    """For people: `Fn (AWS::Lambda::Function), Layers.0`."""
    why: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.where, self.why) if part)


class TemplateProblems(Exception):
    """A template or an application that cannot be used as it stands."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line)))
        assert self.problems
        shown = [str(problem) for problem in self.problems[:PROBLEMS_LIMIT]]
        hidden = len(self.problems) - len(shown)
        super().__init__("\n".join([*shown, *([f"... and {hidden} more"] if hidden else [])]))


def dotted(path: Location) -> str:
    """`Replicas.0.Region`."""
    return ".".join(map(str, path))
