"""Randomness, behind an interface, so that a simulation can replay it from a seed."""

from __future__ import annotations

import os
import random
from typing import Protocol


class Entropy(Protocol):
    def bytes(self, count: int) -> bytes: ...

    def uniform(self) -> float:
        """From 0 (included) to 1 (excluded)."""


class SystemEntropy:
    """The operating system's source."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def uniform(self) -> float:
        return self._random.random()


class SeededEntropy:
    """The same numbers for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self) -> float:
        return self._random.random()
