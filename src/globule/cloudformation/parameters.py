"""A template's parameters: their declarations, and the values that a stack gives them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
Types that name existing resources (`AWS::EC2::VPC::Id`) are accepted as text: nothing here could look them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from globule.cloudformation.intrinsics.scope import text_of
from globule.cloudformation.problems import Location, Problem, TemplateProblems
from globule.cloudformation.template import Source

HIDDEN = "****"
"""What is shown in place of a NoEcho parameter."""


class ParameterDeclaration(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):  # every member that CloudFormation has
    type: str = "String"
    default: Any = None
    allowed_values: list[Any] | None = None
    allowed_pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    no_echo: bool = False
    constraint_description: str | None = None
    description: str | None = None

    @property
    def is_list(self) -> bool:
        return self.type == "CommaDelimitedList" or self.type.startswith("List<")


def bind(declared: Mapping[str, Any], given: Mapping[str, str], source: Source) -> dict[str, str | list[str]]:
    """The value of every parameter. Raises TemplateProblems."""
    problems: list[Problem] = []
    values: dict[str, str | list[str]] = {}
    for name, entry in declared.items():
        path: Location = ("Parameters", name)
        try:
            declaration = _declaration(entry)
            text = _text(declaration, given.get(name))
            values[name] = _list(text) if declaration.is_list else text
            for member in values[name] if declaration.is_list else [text]:
                _check(declaration, member)
        except _Unacceptable as unacceptable:
            problems.append(source.problem(path, unacceptable.why))
    for name in given:
        if name not in declared:
            known = f"there are: {', '.join(declared)}" if declared else "the template declares none"
            problems.append(source.problem(("Parameters",), f"there is no parameter {name}; {known}"))
    if problems:
        raise TemplateProblems(problems)
    return values


def shown(declared: Mapping[str, Any], values: Mapping[str, str | list[str]]) -> dict[str, str]:
    """The values for people and records: text, NoEcho ones hidden."""
    return {name: HIDDEN if _declaration(declared[name]).no_echo else _joined(value) for name, value in values.items()}


class _Unacceptable(Exception):
    def __init__(self, why: str) -> None:
        self.why = why


def _declaration(entry: Any) -> ParameterDeclaration:
    try:
        declaration = msgspec.convert(entry, type=ParameterDeclaration, strict=False)
    except msgspec.ValidationError as error:
        raise _Unacceptable(str(error)) from None
    if declaration.type.startswith("AWS::SSM::Parameter"):
        raise _Unacceptable(
            f"parameters of type {declaration.type} are not supported here, since there is no Parameter Store to read: "
            "declare it as a String and give the value in globule.toml"
        )
    known = declaration.type in ("String", "Number", "CommaDelimitedList", "List<Number>", "List<String>")
    if not known and not re.fullmatch(r"(List<)?AWS::[A-Za-z0-9:]+>?", declaration.type):
        raise _Unacceptable(f"there is no parameter type {declaration.type}")
    return declaration


def _text(declaration: ParameterDeclaration, given: str | None) -> str:
    if given is not None:
        return given
    if declaration.default is None:
        raise _Unacceptable("has no Default, and no value is given: give one in globule.toml or with --parameter")
    text = text_of(declaration.default)
    if text is None:
        raise _Unacceptable("Default must be text or a number; a list is written as text with commas")
    return text


def _list(text: str) -> list[str]:
    return [member.strip() for member in text.split(",")] if text else []


def _check(declaration: ParameterDeclaration, value: str) -> None:
    for why in _complaints(declaration, value):
        shown_value = HIDDEN if declaration.no_echo else repr(value)
        explained = f" ({declaration.constraint_description})" if declaration.constraint_description else ""
        raise _Unacceptable(f"{shown_value} {why}{explained}")


def _complaints(declaration: ParameterDeclaration, value: str) -> Iterator[str]:
    if declaration.allowed_values is not None and value not in [text_of(item) for item in declaration.allowed_values]:
        yield f"is not one of {declaration.allowed_values}"
    if declaration.allowed_pattern is not None:
        try:
            fits = re.fullmatch(declaration.allowed_pattern, value)
        except re.error as error:
            yield f"cannot be checked: AllowedPattern is not a regular expression: {error}"
        else:
            if not fits:
                yield f"does not match {declaration.allowed_pattern}"
    if declaration.min_length is not None and len(value) < declaration.min_length:
        yield f"is shorter than {declaration.min_length}"
    if declaration.max_length is not None and len(value) > declaration.max_length:
        yield f"is longer than {declaration.max_length}"
    if declaration.type in ("Number", "List<Number>"):
        try:
            number = float(value)
        except ValueError:
            yield "is not a number"
            return
        if declaration.min_value is not None and number < declaration.min_value:
            yield f"is less than {declaration.min_value}"
        if declaration.max_value is not None and number > declaration.max_value:
            yield f"is greater than {declaration.max_value}"


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)
