"""An error as an AWS service answers it. Services raise it; their protocol codec renders it (JSON, XML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AwsError(Exception):
    """`code` is AWS's, such as `ValidationException`; `status` is HTTP's. The text is what clients match on."""

    def __init__(self, code: str, message: str, *, status: int = 400, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details: Mapping[str, Any] = details or {}
        """Further members of the error's shape, such as `CancellationReasons`."""
