"""Requests for single items, Query and Scan.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from globule.dynamodb.rules.requests import members
from globule.dynamodb.rules.shapes import IndexName, TableName


class GetItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    AttributesToGet: members.AttributesToGet | None = None
    TableName: TableName
    Key: members.AttributeMap
    ConsistentRead: bool | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None


class PutItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    TableName: TableName
    Item: members.AttributeMap
    ConditionalOperator: members.ConditionalOperator | None = None
    Expected: dict[str, members.ExpectedAttributeValue] | None = None
    ReturnValues: members.ReturnValues | None = None
    ReturnItemCollectionMetrics: members.ReturnItemCollectionMetrics | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None
    ConditionExpression: str | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ExpressionAttributeNames: members.Names | None = None


class DeleteItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    TableName: TableName
    Key: members.AttributeMap
    ConditionalOperator: members.ConditionalOperator | None = None
    Expected: dict[str, members.ExpectedAttributeValue] | None = None
    ReturnValues: members.ReturnValues | None = None
    ReturnItemCollectionMetrics: members.ReturnItemCollectionMetrics | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None
    ConditionExpression: str | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ExpressionAttributeNames: members.Names | None = None


class UpdateItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    TableName: TableName
    ReturnItemCollectionMetrics: members.ReturnItemCollectionMetrics | None = None
    ReturnValues: members.ReturnValues | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None
    Key: members.AttributeMap
    ConditionalOperator: members.ConditionalOperator | None = None
    Expected: dict[str, members.ExpectedAttributeValue] | None = None
    AttributeUpdates: dict[str, members.AttributeValueUpdate] | None = None
    ConditionExpression: str | None = None
    UpdateExpression: str | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ExpressionAttributeNames: members.Names | None = None


class QueryInput(msgspec.Struct, frozen=True, kw_only=True):
    Select: members.Select | None = None
    IndexName: IndexName | None = None
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    QueryFilter: dict[str, members.Condition] | None = None
    TableName: TableName
    ConditionalOperator: members.ConditionalOperator | None = None
    AttributesToGet: members.AttributesToGet | None = None
    Limit: members.Limit | None = None
    KeyConditions: dict[str, members.Condition] | None = None
    ExclusiveStartKey: members.AttributeMap | None = None
    ConsistentRead: bool | None = None
    ScanIndexForward: bool | None = None
    KeyConditionExpression: str | None = None
    FilterExpression: str | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ExpressionAttributeNames: members.Names | None = None


class ScanInput(msgspec.Struct, frozen=True, kw_only=True):
    Select: members.Select | None = None
    IndexName: IndexName | None = None
    TotalSegments: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    TableName: TableName
    ConditionalOperator: members.ConditionalOperator | None = None
    ScanFilter: dict[str, members.Condition] | None = None
    Segment: Annotated[int, msgspec.Meta(ge=0, le=999_999)] | None = None
    Limit: members.Limit | None = None
    AttributesToGet: members.AttributesToGet | None = None
    ExclusiveStartKey: members.AttributeMap | None = None
    ConsistentRead: bool | None = None
    FilterExpression: str | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ExpressionAttributeNames: members.Names | None = None
