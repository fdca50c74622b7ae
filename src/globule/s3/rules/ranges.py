"""Range requests: RFC 9110 section 14.2, one range at a time, as S3 has it."""

from __future__ import annotations

import re

from globule.s3.rules.errors import s3_error

_ONE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*")


def range_of(field: str | None, size_bytes: int) -> tuple[int, int] | None:
    """From the first byte to after the last; None where the whole object is asked for, which is also what a field
    that is malformed, or holds several ranges, gets.

    Raises AwsError InvalidRange where no byte of the object is in it.
    """
    found = _ONE.fullmatch(field or "")
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, size_bytes - int(found[2])), size_bytes
    else:
        start, end = int(found[1]), min(size_bytes, int(found[2]) + 1 if found[2] else size_bytes)
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise s3_error("InvalidRange", RangeRequested=field or "", ActualObjectSize=str(size_bytes))
    return start, end
