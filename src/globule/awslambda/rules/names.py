"""Names of functions: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters

A function is named by its name (`orders`), by an ARN, or by a part of one (`123456789012:function:orders`), each with
or without a qualifier (`:1`, `:live`, `:$LATEST`).
"""

from __future__ import annotations

import re

import msgspec

LATEST = "$LATEST"

_NAME = re.compile(
    r"(?:(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z0-9-]+):)?(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9-_]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]{1,128}))?"
)


class FunctionName(msgspec.Struct, frozen=True, kw_only=True):
    """A function's name, taken apart. What was not said is None."""

    name: str
    region: str | None = None
    account: str | None = None
    qualifier: str | None = None


class MalformedName(ValueError):
    """Not the name of a function."""


def parse_name(text: str) -> FunctionName:
    """Raises MalformedName."""
    found = _NAME.fullmatch(text)
    if found is None:
        raise MalformedName(text)
    return FunctionName(
        name=found["name"], region=found["region"], account=found["account"], qualifier=found["qualifier"]
    )


def function_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def region_of(arn: str) -> str:
    return arn.split(":")[3]


def account_of(arn: str) -> str:
    return arn.split(":")[4]
