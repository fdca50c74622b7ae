"""Members that many requests share.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Types_Amazon_DynamoDB.html
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

ReturnConsumedCapacity = Literal["INDEXES", "TOTAL", "NONE"]
ReturnItemCollectionMetrics = Literal["SIZE", "NONE"]
ReturnValues = Literal["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]
ReturnValuesOnConditionCheckFailure = Literal["ALL_OLD", "NONE"]
ConditionalOperator = Literal["OR", "AND"]
Select = Literal["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"]
ComparisonOperator = Literal[
    "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS"
]

AttributeMap = dict[str, Any]
"""Names to AttributeValues, not looked into yet."""
Names = dict[str, str]
AttributesToGet = Annotated[list[str], msgspec.Meta(min_length=1, max_length=255)]
Limit = Annotated[int, msgspec.Meta(ge=1)]


class ExpectedAttributeValue(msgspec.Struct, frozen=True, kw_only=True):
    AttributeValueList: list[Any] | None = None
    ComparisonOperator: ComparisonOperator | None = None
    Exists: bool | None = None
    Value: Any | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    AttributeValueList: list[Any] | None = None
    ComparisonOperator: ComparisonOperator


class AttributeValueUpdate(msgspec.Struct, frozen=True, kw_only=True):
    Action: Literal["ADD", "PUT", "DELETE"] | None = None
    Value: Any | None = None
