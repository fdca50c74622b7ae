"""ExpressionAttributeNames and ExpressionAttributeValues: what `#name` and `:value` stand for in one request.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from globule.dynamodb.model import AttributeValue
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.tree import Steps
from globule.dynamodb.rules.values import NAME_TOO_LARGE, TOO_DEEP, canonical_value, check_name
from globule.wire.aws.errors import AwsError

PLACEHOLDER_LIMIT_BYTES = 255

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")

Values = Mapping[str, AttributeValue]


class Placeholders:
    """What one request gives, and which of it its expressions have used."""

    def __init__(self, names: dict[str, str] | None, values: dict[str, Any] | None) -> None:
        """Raises ValidationException, or ShapeProblem for a value of a wrong type."""
        if names is not None:
            _check_names(names)
        if values is not None:
            _check_values(values)
        self.names: Mapping[str, str] = names or {}
        self.values: Values = values or {}
        self._used: set[str] = set()

    def signature(self) -> tuple[object, ...]:
        """All that decides whether an expression is valid with these, apart from what the values hold."""
        kinds = tuple([(placeholder, *value) for placeholder, value in self.values.items()])
        return (*self.names.items(), *kinds)

    def size(self) -> int:
        """Roughly how much memory a signature takes, in characters."""
        return sum(map(len, self.names.values())) + 32 * (len(self.names) + len(self.values))

    def use(self, placeholders: frozenset[str]) -> None:
        self._used |= placeholders

    def steps(self, steps: Steps) -> Steps:
        """A path with its placeholders replaced; all of them are defined."""
        if not any(isinstance(step, str) and step[0] == "#" for step in steps):
            return steps
        names = self.names
        return tuple(names[step] if isinstance(step, str) and step[0] == "#" else step for step in steps)

    def check_all_used(self) -> None:
        """Raises ValidationException."""
        for parameter, given in (("ExpressionAttributeNames", self.names), ("ExpressionAttributeValues", self.values)):
            unused = [placeholder for placeholder in given if placeholder not in self._used]
            if unused:
                raise validation(f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(unused)}}}")


def _check_names(names: dict[str, str]) -> None:
    if not names:
        raise validation("ExpressionAttributeNames must not be empty")
    for placeholder, name in names.items():
        if not _NAME.fullmatch(placeholder) or len(placeholder) > PLACEHOLDER_LIMIT_BYTES:
            raise _invalid_key("ExpressionAttributeNames", placeholder)
        if not name:
            raise validation(
                f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {placeholder}"
            )
        check_name(name)


def _check_values(values: dict[str, Any]) -> None:
    if not values:
        raise validation("ExpressionAttributeValues must not be empty")
    for placeholder in values:
        if not _VALUE.fullmatch(placeholder) or len(placeholder) > PLACEHOLDER_LIMIT_BYTES:
            raise _invalid_key("ExpressionAttributeValues", placeholder)
    for placeholder, value in values.items():
        try:
            canonical_value(value)
        except AwsError as problem:
            if problem.message in (TOO_DEEP, NAME_TOO_LARGE):
                raise
            raise validation(
                f"ExpressionAttributeValues contains invalid value: {problem.message} for key {placeholder}"
            ) from None


def _invalid_key(parameter: str, placeholder: str) -> AwsError:
    size_bytes = len(placeholder.encode())
    if size_bytes <= PLACEHOLDER_LIMIT_BYTES:
        return validation(f'{parameter} contains invalid key: Syntax error; key: "{placeholder}"')
    size = f" size of key: {size_bytes}" if parameter == "ExpressionAttributeNames" else ""
    return validation(
        f"{parameter} contains invalid key: The expression attribute map contains a key that is too long;{size}"
    )


def mixed_parameters(*, older: Sequence[str], expressions: Sequence[str]) -> AwsError:
    return validation(
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{', '.join(older)}}} Expression parameters: {{{', '.join(expressions)}}}"
    )


def check_parameters(
    request: object, *, expressions: Sequence[str], older: Sequence[str], allowed_together: Sequence[str] = ()
) -> None:
    """Expression parameters and older ones do not mix, and placeholders need an expression. Raises
    ValidationException.

    `expressions` and `older` are the operation's parameters, by name, in the order in which AWS names them;
    an older one in `allowed_together` is refused only beside its own replacement, the last of `expressions`.
    """
    given = [name for name in expressions if getattr(request, name, None) is not None]
    if given:
        mixed = [
            name
            for name in older
            if getattr(request, name, None) is not None
            and (name not in allowed_together or getattr(request, expressions[-1], None) is not None)
        ]
        if mixed:
            raise mixed_parameters(older=mixed, expressions=given)
    elif getattr(request, "ExpressionAttributeNames", None) is not None:
        raise validation("ExpressionAttributeNames can only be specified when using expressions")
    with_values = [name for name in expressions if name != "ProjectionExpression"]
    if getattr(request, "ExpressionAttributeValues", None) is not None and all(
        getattr(request, name, None) is None for name in with_values
    ):
        raise validation(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(with_values)} {'are' if len(with_values) > 1 else 'is'} null"
        )
