"""Digests of bodies, one piece at a time, and of bodies that came in parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
CRC32 and the hashes run at the speed of C. CRC32C and CRC64NVME are computed here by table, at some megabytes a
second: Python has neither.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol

import msgspec


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Polynomial(msgspec.Struct, frozen=True):
    """A reflected CRC whose register begins as, and is finally inverted by, all ones."""

    width: int
    reflected: int


_CRC32 = Polynomial(32, 0xEDB88320)
_CRC32C = Polynomial(32, 0x82F63B78)
_CRC64NVME = Polynomial(64, 0x9A6C9329AC4BC9B5)
_CRCS: Mapping[str, Polynomial] = {"CRC32": _CRC32, "CRC32C": _CRC32C, "CRC64NVME": _CRC64NVME}


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _TableCrc:
    def __init__(self, polynomial: Polynomial) -> None:
        self._polynomial = polynomial
        self._ones = (1 << polynomial.width) - 1
        self._register = self._ones

    def update(self, data: bytes, /) -> None:
        table = _table(self._polynomial)
        register = self._register
        for byte in data:
            register = table[(register ^ byte) & 255] ^ (register >> 8)
        self._register = register

    def digest(self) -> bytes:
        return (self._register ^ self._ones).to_bytes(self._polynomial.width // 8, "big")


@cache
def _table(polynomial: Polynomial) -> tuple[int, ...]:
    values = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial.reflected if value & 1 else 0)
        values.append(value)
    return tuple(values)


_DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "CRC32": _Crc32,
    "CRC32C": lambda: _TableCrc(_CRC32C),
    "CRC64NVME": lambda: _TableCrc(_CRC64NVME),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}
ALGORITHMS = tuple(_DIGESTS)
# For whole objects that came in parts, S3 computes only those that can be put together from the parts'.
FULL_OBJECT_ALGORITHMS = tuple(_CRCS)


def new_digest(algorithm: str) -> Digest:
    return _DIGESTS[algorithm]()


def field_of(algorithm: str) -> str:
    """The header field that carries it: `x-amz-checksum-crc32`."""
    return f"x-amz-checksum-{algorithm.lower()}"


def element_of(algorithm: str) -> str:
    """The XML element that carries it: `ChecksumCRC32`."""
    return f"Checksum{algorithm}"


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """The checksum of the parts' checksums (base64), and how many there are."""
    digest = new_digest(algorithm)
    for part in parts:
        digest.update(base64.b64decode(part))
    return f"{base64.b64encode(digest.digest()).decode()}-{len(parts)}"


def combined(algorithm: str, parts: Sequence[tuple[str, int]]) -> str:
    """The CRC (base64) of a whole from the parts' CRCs and sizes."""
    polynomial = _CRCS[algorithm]
    value = 0
    for part, size_bytes in parts:
        moved = _product(value, _power_of_x(8 * size_bytes, polynomial), polynomial)
        value = moved ^ int.from_bytes(base64.b64decode(part), "big")
    return base64.b64encode(value.to_bytes(polynomial.width // 8, "big")).decode()


def _power_of_x(exponent: int, polynomial: Polynomial) -> int:
    """x to the power of `exponent`, modulo the polynomial; bits reflected, so the highest bit is 1."""
    one = 1 << (polynomial.width - 1)
    result, square = one, one >> 1
    while exponent:
        if exponent & 1:
            result = _product(result, square, polynomial)
        square = _product(square, square, polynomial)
        exponent >>= 1
    return result


def _product(left: int, right: int, polynomial: Polynomial) -> int:
    """The product of two reflected polynomials, modulo the polynomial."""
    result = 0
    bit = 1 << (polynomial.width - 1)
    while bit:
        if left & bit:
            result ^= right
        right = (right >> 1) ^ (polynomial.reflected if right & 1 else 0)
        bit >>= 1
    return result
