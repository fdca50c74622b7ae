"""The errors of the DynamoDB API that rules raise, by their AWS names.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html. The texts are what AWS
answers, to the letter, its slips included ("An string set  may not be empty"): client code matches on them.
"""

from __future__ import annotations

from typing import Any

from globule.wire.aws.errors import AwsError

INVALID_PARAMETERS = "One or more parameter values were invalid: "


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def invalid_parameters(message: str) -> AwsError:
    return AwsError("ValidationException", INVALID_PARAMETERS + message)


def serialization(message: str | None = None) -> AwsError:
    return AwsError("SerializationException", message or "")


def not_found(message: str = "Requested resource not found") -> AwsError:
    return AwsError("ResourceNotFoundException", message)


def table_not_found(name: str) -> AwsError:
    return not_found(f"Requested resource not found: Table: {name} not found")


def in_use(message: str) -> AwsError:
    return AwsError("ResourceInUseException", message)


def limit_exceeded(message: str) -> AwsError:
    return AwsError("LimitExceededException", message)


def condition_failed(item: Any = None) -> AwsError:
    """`item` is the stored item, where ReturnValuesOnConditionCheckFailure asked for it."""
    details = {} if item is None else {"Item": item}
    return AwsError("ConditionalCheckFailedException", "The conditional request failed", details=details)
