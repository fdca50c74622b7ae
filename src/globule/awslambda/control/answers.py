"""Answers of Lambda's API, in its protocol (rest-json)."""

from __future__ import annotations

from typing import Any

import msgspec

from globule.wire.aws.errors import AwsError
from globule.wire.http import Headers, Response


def json_response(status: int, members: dict[str, Any]) -> Response:
    """Members without a value are left out."""
    present = {name: value for name, value in members.items() if value is not None}
    return Response(
        status=status, headers=Headers([("content-type", "application/json")]), body=msgspec.json.encode(present)
    )


def error_response(error: AwsError) -> Response:
    """ResourceNotFoundException has its text in `Message`, the others in `message`; clients read both."""
    name = "Message" if error.code == "ResourceNotFoundException" else "message"
    response = json_response(error.status, {**error.details, name: error.message})
    response.headers.add("x-amzn-errortype", error.code)
    return response
