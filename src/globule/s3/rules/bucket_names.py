"""Which names a bucket may have: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

from __future__ import annotations

import re

_FORM = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def why_not_a_bucket_name(name: str) -> str | None:
    """A sentence; None where the name is good."""
    if not 3 <= len(name) <= 63:
        return "a bucket's name has 3 to 63 characters"
    if not _FORM.fullmatch(name):
        return "a bucket's name has lower-case letters, digits, dots and hyphens; its ends are letters or digits"
    if ".." in name:
        return "a bucket's name must not hold two dots in a row"
    if _ADDRESS.fullmatch(name):
        return "a bucket's name must not look like an IP address"
    if name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES):
        return "a bucket's name must not have a prefix or suffix that AWS keeps for itself"
    return None
