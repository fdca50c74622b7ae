"""Reading template properties: CloudFormation accepts numbers and booleans as text too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from globule.world.resource_type import PropertyProblem

Path = tuple[str | int, ...]


def mapping(properties: Mapping[str, Any], name: str, path: Path, allowed: Collection[str]) -> Mapping[str, Any] | None:
    """A nested object whose members are all among `allowed`; None where it is absent."""
    value = properties.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise PropertyProblem((*path, name), "must be an object")
    for key in value:
        if key not in allowed:
            raise PropertyProblem((*path, name, key), f"is not supported; supported: {', '.join(sorted(allowed))}")
    return value


def text(properties: Mapping[str, Any], name: str, path: Path) -> str | None:
    value = properties.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PropertyProblem((*path, name), "must be a string")
    return str(value)


def required_text(properties: Mapping[str, Any], name: str, path: Path) -> str:
    value = text(properties, name, path)
    if not value:
        raise PropertyProblem((*path, name), "is required")
    return value


def number(properties: Mapping[str, Any], name: str, path: Path, *, least: int, most: int) -> int | None:
    value = text(properties, name, path)
    if value is None:
        return None
    try:
        found = int(value)
    except ValueError:
        found = least - 1
    if not least <= found <= most:
        raise PropertyProblem((*path, name), f"must be a whole number from {least} to {most}, not {value}")
    return found


def boolean(properties: Mapping[str, Any], name: str, path: Path) -> bool:
    value = properties.get(name, False)
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise PropertyProblem((*path, name), "must be true or false")


def texts(properties: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    value = properties.get(name, [])
    if not isinstance(value, list | tuple):
        raise PropertyProblem((*path, name), "must be a list")
    for position, item in enumerate(value):
        if not isinstance(item, str):
            raise PropertyProblem((*path, name, position), "must be a string")
    return tuple(value)
