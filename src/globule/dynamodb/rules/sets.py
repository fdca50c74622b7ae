"""Sets of strings, numbers and binaries: sorted lists without duplicates, of canonical members."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

ORDER: Mapping[str, Callable[[str], Any]] = {"SS": str, "NS": Decimal, "BS": b64decode}
"""What the members of each kind are sorted by."""


def united(kind: str, one: Sequence[str], other: Sequence[str]) -> list[str]:
    return sorted({*one, *other}, key=ORDER[kind])


def without(one: Sequence[str], other: Sequence[str]) -> list[str]:
    removed = frozenset(other)
    return [member for member in one if member not in removed]
