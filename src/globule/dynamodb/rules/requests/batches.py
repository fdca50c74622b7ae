"""Requests for many items: batches, transactions, PartiQL."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from globule.dynamodb.rules.requests import members
from globule.dynamodb.rules.shapes import TableKey, TableName, at_least, at_most, constrained

# Of one table, and of all together: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
KEYS_LIMIT = 100


class KeysAndAttributes(msgspec.Struct, frozen=True, kw_only=True):
    Keys: Annotated[list[members.AttributeMap], msgspec.Meta(min_length=1, max_length=KEYS_LIMIT)]
    AttributesToGet: members.AttributesToGet | None = None
    ConsistentRead: bool | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None


class BatchGetItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    RequestItems: Annotated[dict[TableKey, KeysAndAttributes], msgspec.Meta(min_length=1, max_length=100)]


class PutRequest(msgspec.Struct, frozen=True, kw_only=True):
    Item: members.AttributeMap


class DeleteRequest(msgspec.Struct, frozen=True, kw_only=True):
    Key: members.AttributeMap


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True):
    DeleteRequest: DeleteRequest | None = None
    PutRequest: PutRequest | None = None


class BatchWriteItemInput(msgspec.Struct, frozen=True, kw_only=True):
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    ReturnItemCollectionMetrics: members.ReturnItemCollectionMetrics | None = None
    RequestItems: Annotated[
        dict[
            TableKey,
            Annotated[list[WriteRequest], constrained(at_most(25), at_least(1), min_length=1, max_length=25)],
        ],
        msgspec.Meta(min_length=1, max_length=25),
    ]


class Get(msgspec.Struct, frozen=True, kw_only=True):
    Key: members.AttributeMap
    TableName: TableName
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None


class TransactGetItem(msgspec.Struct, frozen=True, kw_only=True):
    Get: Get


class TransactGetItemsInput(msgspec.Struct, frozen=True, kw_only=True):
    TransactItems: Annotated[list[TransactGetItem], msgspec.Meta(min_length=1, max_length=100)]
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None


class ConditionCheck(msgspec.Struct, frozen=True, kw_only=True):
    Key: members.AttributeMap
    TableName: TableName
    ConditionExpression: str
    ExpressionAttributeNames: members.Names | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class Put(msgspec.Struct, frozen=True, kw_only=True):
    Item: members.AttributeMap
    TableName: TableName
    ConditionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    Key: members.AttributeMap
    TableName: TableName
    ConditionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    Key: members.AttributeMap
    UpdateExpression: str
    TableName: TableName
    ConditionExpression: str | None = None
    ExpressionAttributeNames: members.Names | None = None
    ExpressionAttributeValues: members.AttributeMap | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class TransactWriteItem(msgspec.Struct, frozen=True, kw_only=True):
    ConditionCheck: ConditionCheck | None = None
    Put: Put | None = None
    Delete: Delete | None = None
    Update: Update | None = None


ClientRequestToken = Annotated[str, msgspec.Meta(min_length=1, max_length=36)]


class TransactWriteItemsInput(msgspec.Struct, frozen=True, kw_only=True):
    TransactItems: Annotated[list[TransactWriteItem], msgspec.Meta(min_length=1, max_length=100)]
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    ReturnItemCollectionMetrics: members.ReturnItemCollectionMetrics | None = None
    ClientRequestToken: ClientRequestToken | None = None


Statement = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
Parameters = Annotated[list[Any], msgspec.Meta(min_length=1)]


class ExecuteStatementInput(msgspec.Struct, frozen=True, kw_only=True):
    Statement: Statement
    Parameters: Parameters | None = None
    ConsistentRead: bool | None = None
    NextToken: Annotated[str, msgspec.Meta(min_length=1, max_length=32768)] | None = None
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
    Limit: members.Limit | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class BatchStatementRequest(msgspec.Struct, frozen=True, kw_only=True):
    Statement: Statement
    Parameters: Parameters | None = None
    ConsistentRead: bool | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class BatchExecuteStatementInput(msgspec.Struct, frozen=True, kw_only=True):
    Statements: Annotated[list[BatchStatementRequest], msgspec.Meta(min_length=1, max_length=25)]
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None


class ParameterizedStatement(msgspec.Struct, frozen=True, kw_only=True):
    Statement: Statement
    Parameters: Parameters | None = None
    ReturnValuesOnConditionCheckFailure: members.ReturnValuesOnConditionCheckFailure | None = None


class ExecuteTransactionInput(msgspec.Struct, frozen=True, kw_only=True):
    TransactStatements: Annotated[list[ParameterizedStatement], msgspec.Meta(min_length=1, max_length=100)]
    ClientRequestToken: ClientRequestToken | None = None
    ReturnConsumedCapacity: members.ReturnConsumedCapacity | None = None
