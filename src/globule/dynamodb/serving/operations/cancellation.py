"""Why a transaction was not done: one reason for each of its items, in their order.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from globule.dynamodb.rules import keys
from globule.wire.aws.errors import AwsError

TRANSACTION_LIMIT_BYTES = 4 * 1024 * 1024

SAME_ITEM_TWICE = "Transaction request cannot include multiple operations on one item"

# Which codes the reasons have for the exceptions of single items.
_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "DuplicateItemException": "DuplicateItem",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
}


def cancelled(problems: Sequence[AwsError | None]) -> AwsError:
    """The error of a transaction, given each item's. A key without content is no reason but an error of its own:
    https://github.com/nubo-db/dynoxide/issues/95 has what AWS answers."""
    for problem in problems:
        if problem is not None and keys.tells_empty_key(problem):
            return problem
    reasons = [_reason(problem) for problem in problems]
    codes = ", ".join(reason["Code"] for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        details={"CancellationReasons": reasons},
    )


def _reason(problem: AwsError | None) -> dict[str, Any]:
    if problem is None:
        return {"Code": "None"}
    return {"Code": _CODES[problem.code], "Message": problem.message, **problem.details}


def cancel_where_invalid(steps: Sequence[Callable[[], object]]) -> None:
    """Run all steps, one for each item. Raises TransactionCanceledException where any of them raised an error that a
    reason can tell; others are raised as they are."""
    problems = [problem_of(step) for step in steps]
    if any(problem is not None for problem in problems):
        raise cancelled(problems)


def problem_of(step: Callable[[], object]) -> AwsError | None:
    try:
        step()
    except AwsError as problem:
        if problem.code not in _CODES:
            raise
        return problem
    return None
