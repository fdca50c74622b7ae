"""Who asks, as far as that changes an answer: not what may be done, but what a missing key looks like.

"If the object you request doesn't exist, the error that Amazon S3 returns depends on whether you also have the
s3:ListBucket permission": with it 404, without it 403
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). The account has it. Everybody else, CloudFront
included, has it where a statement of the bucket's policy allows it; to whom, and on what condition, is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from globule.wire.aws.signers import CLOUDFRONT
from globule.wire.http import Request

_LIST = "s3:listbucket"


def is_the_account(request: Request, query: Mapping[str, str]) -> bool:
    """Whether the account signed it, in the Authorization field or in the query string, by version 4 or 2."""
    authorization = request.headers.get("authorization") or ""
    if authorization.startswith("AWS"):
        return f"Credential={CLOUDFRONT}/" not in authorization
    return "X-Amz-Signature" in query or "Signature" in query


def allows_listing(document: Mapping[str, Any]) -> bool:
    """Whether a bucket policy allows anybody to list the bucket."""
    statements = document.get("Statement", ())
    return any(
        statement.get("Effect") == "Allow" and any(_is_listing(action) for action in _many(statement.get("Action", ())))
        for statement in _many(statements)
        if isinstance(statement, Mapping)
    )


def _is_listing(action: Any) -> bool:
    return isinstance(action, str) and fnmatchcase(_LIST, action.lower())


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
