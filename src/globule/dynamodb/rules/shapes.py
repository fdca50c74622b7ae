"""Requests as typed values, and AWS's words for the ones that are not.

A request's shape is a frozen msgspec struct whose members carry AWS's constraints as `msgspec.Meta`. A good request
is decoded and checked by msgspec at once. One that msgspec refuses is walked here, along the same struct, to say what
AWS says: first what could not even be read (SerializationException, the first such thing in the document), then all
broken constraints together ("2 validation errors detected: ...").

AWS reads a little more than it writes: "true" is a boolean, 1.7 an integer, a null member an absent one. `read`
accepts that too, on the slow way.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from globule.dynamodb.rules.errors import serialization, validation
from globule.dynamodb.rules.values import ShapeProblem, as_boolean, base64_problem

T = TypeVar("T")

# AWS counts and prints no more than this many broken constraints.
PROBLEM_LIMIT = 10

# Java package of the shapes, which AWS prints for a list where a structure should be.
_PACKAGE = "com.amazonaws.dynamodb.v20120810."


class Blob(msgspec.Struct, frozen=True):
    """Stands for base64 text in a shape."""


class AnyValue(msgspec.Struct, frozen=True):
    """The members of an AttributeValue: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html.
    Only its shape is used; values themselves stay dicts."""

    S: str | None = None
    N: str | None = None
    B: Blob | None = None
    SS: list[str] | None = None
    NS: list[str] | None = None
    BS: list[Blob] | None = None
    M: dict[str, Any] | None = None
    L: list[Any] | None = None
    NULL: bool | None = None
    BOOL: bool | None = None


class Constraint(msgspec.Struct, frozen=True):
    """One rule for a member, and AWS's sentence for it."""

    broken: Callable[[Any], bool]
    sentence: str


def at_least(length: int) -> Constraint:
    return Constraint(lambda value: len(value) < length, f"Member must have length greater than or equal to {length}")


def at_most(length: int) -> Constraint:
    return Constraint(lambda value: len(value) > length, f"Member must have length less than or equal to {length}")


def matches(pattern: str) -> Constraint:
    compiled = re.compile(pattern)
    return Constraint(
        lambda value: compiled.fullmatch(value) is None,
        f"Member must satisfy regular expression pattern: {pattern}",
    )


def constrained(*constraints: Constraint, **meta: Any) -> msgspec.Meta:
    """Meta whose violations are worded by these constraints, in this order, whatever msgspec found."""
    return msgspec.Meta(extra={"constraints": constraints}, **meta)


NAME_PATTERN = "[a-zA-Z0-9_.-]+"
NAME_CONSTRAINTS = (matches(NAME_PATTERN), at_least(3), at_most(255))

IndexName = Annotated[str, constrained(*NAME_CONSTRAINTS, pattern=r"^[a-zA-Z0-9_.-]{3,255}\Z")]

# A table may be named by its ARN: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
ARN_PATTERN = r"arn:aws[a-zA-Z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/"


def _bad_table_name(constraint: Constraint) -> Constraint:
    def broken(value: str) -> bool:
        return not value.startswith("arn:") and constraint.broken(value)

    return Constraint(broken, constraint.sentence)


_TABLE_NAME_OR_ARN = rf"^(?:{ARN_PATTERN})?[a-zA-Z0-9_.-]{{3,255}}\Z"

TableName = Annotated[
    str,
    constrained(at_least(1), *map(_bad_table_name, NAME_CONSTRAINTS), pattern=_TABLE_NAME_OR_ARN),
]
TableKey = Annotated[str, constrained(*map(_bad_table_name, reversed(NAME_CONSTRAINTS)), pattern=_TABLE_NAME_OR_ARN)]
"""A table's name as the key of a map."""


def check_table_name(document: Mapping[str, Any]) -> None:
    """What control operations look for before anything else. Raises ValidationException."""
    if document.get("TableName") is None:
        raise validation("The parameter 'TableName' is required but was not present in the request")


class Shape(Generic[T]):
    """Reads requests of one shape."""

    def __init__(self, struct: type[T], first: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        """`first` looks at a request that is not good before its constraints do, and may raise."""
        self._struct = struct
        self._first = first
        self._decoder = msgspec.json.Decoder(struct)

    def __repr__(self) -> str:
        return f"<Shape {self._struct.__name__}>"

    def read(self, body: bytes) -> T:
        """Raises SerializationException or ValidationException (AwsError)."""
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return self.explain(body)

    def explain(self, body: bytes) -> T:
        """The slow way: says what is wrong as AWS does, or reads what only AWS understands."""
        try:
            document = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise serialization() from None
        if not isinstance(document, dict):
            raise serialization("Start of list found where not expected" if isinstance(document, list) else None)
        try:
            plain = _read(document, self._struct)
        except RecursionError:
            raise serialization() from None
        if self._first is not None:
            self._first(plain)
        problems: list[str] = []
        for problem in _problems(plain, self._struct, ""):
            problems.append(problem)
            if len(problems) == PROBLEM_LIMIT:
                break
        if problems:
            raise constraints_broken(problems)
        return msgspec.convert(plain, self._struct)


def constraints_broken(problems: list[str]) -> Exception:
    plural = "s" if len(problems) > 1 else ""
    return validation(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def broken(value: object, at: str, sentence: str) -> str:
    return f"Value {_quoted(value)} at '{at}' failed to satisfy constraint: {sentence}"


# Walking a type.


class _Type(msgspec.Struct, frozen=True):
    """A member's type without its wrappings."""

    kind: Any
    """`str`, `int`, `float`, `bool`, `list`, `dict`, `Any`, a Literal's values, or a struct."""
    arguments: tuple[Any, ...] = ()
    required: bool = True
    meta: tuple[msgspec.Meta, ...] = ()

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(
            constraint for meta in self.meta for constraint in (meta.extra or {}).get("constraints", _of_meta(meta))
        )


def _of_meta(meta: msgspec.Meta) -> tuple[Constraint, ...]:
    """The constraints of plain bounds."""
    found: list[Constraint] = []
    if meta.ge is not None:
        low = meta.ge
        found.append(Constraint(lambda value: value < low, f"Member must have value greater than or equal to {low}"))
    if meta.le is not None:
        high = meta.le
        found.append(Constraint(lambda value: value > high, f"Member must have value less than or equal to {high}"))
    if meta.min_length is not None:
        found.append(at_least(meta.min_length))
    if meta.max_length is not None:
        found.append(at_most(meta.max_length))
    return tuple(found)


def _unwrap(hint: Any) -> _Type:
    required = True
    meta: tuple[msgspec.Meta, ...] = ()
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *extra = get_args(hint)
            meta += tuple(found for found in extra if isinstance(found, msgspec.Meta))
        elif origin in (Union, types.UnionType):
            required = False
            (hint,) = (argument for argument in get_args(hint) if argument is not type(None))
        else:
            break
    if origin is Literal:
        return _Type(Literal, get_args(hint), required, meta)
    return _Type(origin or hint, get_args(hint), required, meta)


def _members(struct: Any) -> Mapping[str, _Type]:
    hints = get_type_hints(struct, include_extras=True)
    return {name: _unwrap(hints[name]) for name in struct.__struct_fields__}


# Reading: what AWS's parser accepts for each type, and its words for what it does not.

_JAVA = {"str": "String", "int": "Integer", "float": "Double", "bool": "Boolean", "Blob": "Blob"}


def _read(document: Mapping[str, Any], struct: Any) -> dict[str, Any]:
    """Known members that are not null, each of its type. Raises SerializationException."""
    members = _members(struct)
    return {
        name: _read_value(value, members[name], in_list=False)
        for name, value in document.items()
        if name in members and value is not None
    }


def _read_value(value: Any, wanted: _Type, *, in_list: bool) -> Any:
    kind = wanted.kind
    if kind is Any:
        return _read_attribute_value(value, in_list=in_list)
    if kind is list:
        return _read_list(value, _unwrap(wanted.arguments[0]))
    if kind is dict:
        return _read_map(value, _unwrap(wanted.arguments[1]))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Blob:
        _need_object(value, kind.__name__, in_list=in_list)
        return _read(value, kind)
    return _read_scalar(value, kind)


def _read_list(value: Any, element: _Type) -> list[Any]:
    if isinstance(value, dict):
        raise serialization("Start of structure or map found where not expected")
    if not isinstance(value, list):
        raise serialization("Unexpected field type")
    return [_read_value(each, element, in_list=True) for each in value if each is not None]


def _read_map(value: Any, element: _Type) -> dict[str, Any]:
    if isinstance(value, list):
        raise serialization(f"Unrecognized collection type java.util.Map<java.lang.String, {_java_name(element)}>")
    if not isinstance(value, dict):
        raise serialization("Unexpected field type")
    return {name: _read_value(each, element, in_list=True) for name, each in value.items() if each is not None}


def _java_name(element: _Type) -> str:
    if element.kind is str:
        return "java.lang.String"
    if element.kind is list:
        return f"java.util.List<{_java_name(_unwrap(element.arguments[0]))}>"
    if element.kind in (Any, dict):
        return f"{_PACKAGE}AttributeValue"
    return f"{_PACKAGE}{element.kind.__name__}"


def _need_object(value: Any, name: str, *, in_list: bool) -> None:
    if isinstance(value, list):
        raise serialization(f"Unrecognized collection type class {_PACKAGE}{name}")
    if not isinstance(value, dict):
        raise serialization("Unexpected value type in payload" if in_list else "Unexpected field type")


def _read_attribute_value(value: Any, *, in_list: bool) -> dict[str, Any]:
    _need_object(value, "AttributeValue", in_list=in_list)
    return _read(value, AnyValue)


def _read_scalar(value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        java = "class java.nio.ByteBuffer" if kind is Blob else f"class java.lang.{_java_scalar(kind)}"
        raise serialization(f"Unrecognized collection type {java}")
    if isinstance(value, dict):
        raise serialization("Start of structure or map found where not expected")
    if kind is Blob:
        return _read_blob(value)
    if kind is bool:
        return _read_boolean(value)
    if kind in (int, float):
        if isinstance(value, (bool, str)):
            raise _not_convertible(value, kind)
        return int(value // 1) if kind is int else value
    if not isinstance(value, str):
        raise _not_convertible(value, kind)
    return value


def _java_scalar(kind: Any) -> str:
    return "String" if kind is Literal else _JAVA[kind.__name__]


def _read_blob(value: Any) -> str:
    if not isinstance(value, str):
        raise serialization("only base-64-encoded strings are convertible to bytes")
    problem = base64_problem(value)
    if problem is not None:
        raise serialization(problem)
    return value


def _read_boolean(value: Any) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise _not_convertible(value, bool)
    try:
        return as_boolean(value)
    except ShapeProblem:
        raise serialization("Unexpected token received from parser") from None


def _not_convertible(value: Any, kind: Any) -> Exception:
    if isinstance(value, bool):
        what = "TRUE_VALUE" if value else "FALSE_VALUE"
    elif isinstance(value, str):
        what = "STRING_VALUE"
    else:
        what = "NUMBER_VALUE" if isinstance(value, int) else "DECIMAL_VALUE"
    return serialization(f"{what} cannot be converted to {_java_scalar(kind)}")


# Constraints, in the order of the struct's members.


def _problems(document: Mapping[str, Any], struct: Any, prefix: str) -> Iterator[str]:
    for name, wanted in _members(struct).items():
        at = prefix + _lower_first(name)
        value = document.get(name)
        if value is None:
            if wanted.required:
                yield broken(None, at, "Member must not be null")
            continue
        yield from _problems_of(value, wanted, at)


def member_problems(document: Mapping[str, Any], struct: Any, name: str) -> list[str]:
    """What is wrong with one member that is there."""
    return list(_problems_of(document[name], _members(struct)[name], _lower_first(name)))


def _problems_of(value: Any, wanted: _Type, at: str) -> Iterator[str]:
    for constraint in wanted.constraints:
        if constraint.broken(value):
            yield broken(_Shown(value, wanted), at, constraint.sentence)
    kind = wanted.kind
    if kind is Literal:
        if value not in wanted.arguments:
            yield broken(value, at, f"Member must satisfy enum value set: [{', '.join(wanted.arguments)}]")
    elif kind is list:
        element = _unwrap(wanted.arguments[0])
        for position, each in enumerate(value, start=1):
            yield from _problems_of(each, element, f"{at}.{position}.member")
    elif kind is dict:
        yield from _problems_of_map(value, wanted, at)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _problems(value, kind, f"{at}.")


def _problems_of_map(value: Mapping[str, Any], wanted: _Type, at: str) -> Iterator[str]:
    key, element = _unwrap(wanted.arguments[0]), _unwrap(wanted.arguments[1])
    for what, checked, found in (("keys", key, list(value)), ("value", element, list(value.values()))):
        constraints = checked.constraints
        if any(constraint.broken(each) for constraint in constraints for each in found):
            sentences = ", ".join(constraint.sentence for constraint in constraints)
            yield broken(_Shown(value, wanted), at, f"Map {what} must satisfy constraint: [{sentences}]")
    bare = _Type(element.kind, element.arguments)
    for name, each in value.items():
        yield from _problems_of(each, bare, f"{at}.{name}.member")


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


class _Shown(msgspec.Struct, frozen=True):
    """A value, and the type by which Java would print it."""

    value: Any
    type: Any


def _quoted(value: object) -> str:
    if value is None:
        return "null"
    shown = value if isinstance(value, _Shown) else _Shown(value, None)
    return f"'{_java_text(shown.value, shown.type)}'"


def _java_text(value: Any, wanted: _Type | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        element = _unwrap(wanted.arguments[0]) if wanted is not None and wanted.kind is list else None
        return f"[{', '.join(_java_text(each, element) for each in value)}]"
    if isinstance(value, dict):
        if wanted is not None and isinstance(wanted.kind, type) and issubclass(wanted.kind, msgspec.Struct):
            members = _members(wanted.kind)
            inside = ", ".join(
                f"{_lower_first(name)}={_java_text(value[name], members[name])}" for name in members if name in value
            )
            return f"{wanted.kind.__name__}({inside})"
        element = _unwrap(wanted.arguments[1]) if wanted is not None and wanted.kind is dict else None
        return f"{{{', '.join(f'{name}={_java_text(each, element)}' for name, each in value.items())}}}"
    return str(value)
