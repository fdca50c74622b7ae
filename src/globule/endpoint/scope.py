"""Which region and service a signed request is for.

AWS clients say it in the credential scope of Signature Version 4, in the Authorization field or in the query
string of a presigned URL: `AKID/20260101/eu-west-1/dynamodb/aws4_request`
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Signatures are not
checked: everything here is local and has no secrets.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import msgspec

from globule.wire.http import Request

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")


class Scope(msgspec.Struct, frozen=True):
    """`service` is the signing name, such as `dynamodb`, `s3`, `lambda`."""

    access_key: str
    region: str
    service: str


def credential_scope(request: Request) -> Scope | None:
    """The scope of a signed or presigned request; None where it is anonymous or malformed."""
    found = _CREDENTIAL.search(request.headers.get("authorization") or "")
    credential = found[1] if found else None
    if credential is None and "X-Amz-Credential=" in request.query:
        credential = dict(parse_qsl(request.query)).get("X-Amz-Credential")
    parts = (credential or "").split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return None
    return Scope(access_key=parts[0], region=parts[2], service=parts[3])
