"""Domain names as text: without the final dot, the root as the empty string.

Bytes that would be ambiguous in text are written `\\DDD`, in decimal, as zone files do (RFC 1035 section 5.1).
"""

from __future__ import annotations

import re

# RFC 1035 section 2.3.4.
NAME_BYTES = 255
LABEL_BYTES = 63


class InvalidName(ValueError):
    """This text is not a domain name."""


_PLAIN_NAME = re.compile(rb"[!-\[\]-~]*")
_ESCAPE = re.compile(r"\\(?:([0-9]{3})|(.))", re.DOTALL)
_LABEL = re.compile(r"(?:[^\\.]|\\[0-9]{3}|\\[^0-9])*")


def encode_name(name: str) -> bytes:
    """Wire form, uncompressed. Raises InvalidName."""
    encoded = b"".join([bytes((len(label),)) + label for label in labels(name)]) + b"\0"
    if len(encoded) > NAME_BYTES:
        raise InvalidName(f"{name[:80]}...: a domain name has at most {NAME_BYTES} bytes")
    return encoded


def labels(name: str) -> list[bytes]:
    """The labels as bytes, escapes resolved. Raises InvalidName."""
    if not name:
        return []
    try:
        if "\\" in name:
            parts = [_unescaped(part) for part in _split_escaped(name)]
        else:
            parts = [part.encode("ascii") for part in name.split(".")]
    except UnicodeEncodeError as error:
        raise InvalidName(f"{name[:80]}: not ASCII; write international names in Punycode") from error
    for part in parts:
        if not 0 < len(part) <= LABEL_BYTES:
            raise InvalidName(f"{name[:80]}: a label has 1 to {LABEL_BYTES} bytes")
    return parts


def _split_escaped(name: str) -> list[str]:
    parts = []
    at = 0
    while True:
        found = _LABEL.match(name, at)
        assert found is not None  # it matches the empty string too
        parts.append(found[0])
        at = found.end() + 1
        if at > len(name):
            return parts
        if name[at - 1] != ".":
            raise InvalidName(f"{name[:80]}: a backslash without what it escapes")


def _unescaped(label: str) -> bytes:
    def resolve(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[2]
        if int(found[1]) > 255:
            raise InvalidName(f"\\{found[1]} is not a byte")
        return chr(int(found[1]))

    try:
        return _ESCAPE.sub(resolve, label).encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidName(f"{label[:80]}: not ASCII") from error


def name_text(parts: list[bytes]) -> str:
    joined = b".".join(parts)
    if _PLAIN_NAME.fullmatch(joined) and joined.count(b".") == len(parts) - 1:
        return joined.decode("ascii")
    return ".".join("".join(_escaped(byte) for byte in part) for part in parts)


def _escaped(byte: int) -> str:
    return chr(byte) if 0x21 <= byte <= 0x7E and byte not in b".\\" else f"\\{byte:03d}"
