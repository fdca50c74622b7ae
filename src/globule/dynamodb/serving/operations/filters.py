"""What of a page is returned: FilterExpression, or the older QueryFilter and ScanFilter; and where it begins."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.expressions.placeholders import Placeholders
from globule.dynamodb.rules.expressions.tree import Steps
from globule.dynamodb.rules.values import canonical_item
from globule.dynamodb.serving.operations.api import Api
from globule.dynamodb.serving.operations.pages import ItemTest
from globule.wire.aws.errors import AwsError

# Problems of a value that AWS words alike wherever the value stands.
_UNPREFIXED = re.compile("contains duplicates|number set|numeric value|significant digits|number with magnitude")


class PageFilter(msgspec.Struct, frozen=True):
    test: ItemTest | None = None
    attributes: frozenset[str] = frozenset()
    """Top-level names that the test looks at."""
    paths: tuple[Steps, ...] = ()
    from_expression: bool = False


def expression_filter(api: Api, text: str | None, given: Placeholders) -> PageFilter | None:
    """None where there is no FilterExpression. Raises ValidationException."""
    if text is None:
        return None
    compiled = api.expressions.condition("FilterExpression", text, given)
    test, values = compiled.test, given.values
    return PageFilter(
        lambda item: test(item, values),
        frozenset(str(steps[0]) for steps in compiled.paths),
        compiled.paths,
        from_expression=True,
    )


def canonical_start_key(start: dict[str, Any] | None) -> Item | None:
    """ExclusiveStartKey. Raises ValidationException."""
    if start is None:
        return None
    try:
        return canonical_item(start)
    except AwsError as problem:
        if _UNPREFIXED.search(problem.message):
            raise
        raise validation(f"The provided starting key is invalid: {problem.message}") from None
