"""Range requests (RFC 9110 section 14) as CloudFront answers them
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html): several ranges must ascend and
not overlap, else the whole object is the answer.
"""

from __future__ import annotations

import itertools
import re
from typing import Literal

import msgspec

# More ranges than this in one request cost more than the whole object.
RANGES_LIMIT = 16

_SPEC = re.compile(r"(\d{0,18})-(\d{0,18})")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Part(msgspec.Struct, frozen=True):
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    def content_range(self, length: int) -> str:
        return f"bytes {self.first}-{self.last}/{length}"


def parts(header: str, length: int) -> tuple[Part, ...] | Literal["whole", "unsatisfiable"]:
    """What a Range header asks of an object of `length` bytes. `whole`: the header is to be ignored."""
    unit, separator, specs = header.partition("=")
    if unit.strip().lower() != "bytes" or not separator:
        return "whole"
    listed = [spec.strip() for spec in specs.split(",") if spec.strip()]
    if not listed or len(listed) > RANGES_LIMIT:
        return "whole"
    found = []
    for spec in listed:
        match = _SPEC.fullmatch(spec)
        if match is None or match.group() == "-":
            return "whole"
        if match[1] and match[2] and int(match[1]) > int(match[2]):
            return "whole"
        part = _part(match[1], match[2], length)
        if part is not None:
            found.append(part)
    if not found:
        return "unsatisfiable"
    ascends = all(before.last < after.first for before, after in itertools.pairwise(found))
    return tuple(found) if ascends else "whole"


def single(header: str) -> str | None:
    """The header in its shortest form where it asks for one range of bytes, so that equal ranges are spelt equally;
    else None."""
    unit, _, spec = header.partition("=")
    match = _SPEC.fullmatch(spec.strip())
    if unit.strip().lower() != "bytes" or match is None or match.group() == "-":
        return None
    first, last = (str(int(number)) if number else "" for number in match.groups())
    if first and last and int(first) > int(last):
        return None
    return f"bytes={first}-{last}"


def _part(first: str, last: str, length: int) -> Part | None:
    """None where nothing of it exists."""
    if not first:
        suffix = min(int(last), length)
        return Part(length - suffix, length - 1) if suffix else None
    if int(first) >= length:
        return None
    return Part(int(first), min(int(last), length - 1) if last else length - 1)


def multipart(body: bytes, wanted: tuple[Part, ...], *, content_type: str, boundary: str) -> bytes:
    """The body of a multipart/byteranges response."""
    pieces = []
    for part in wanted:
        head = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {part.content_range(len(body))}\r\n\r\n"
        pieces += [head.encode("latin-1"), body[part.first : part.last + 1], b"\r\n"]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode("latin-1")])


def is_content_range(value: str | None) -> bool:
    return value is not None and _CONTENT_RANGE.fullmatch(value) is not None
