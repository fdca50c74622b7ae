"""ExecuteStatement, BatchExecuteStatement, ExecuteTransaction.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from globule.dynamodb.rules import capacity
from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.partiql.parser import parse
from globule.dynamodb.rules.partiql.statements import Exists, Select, Statement
from globule.dynamodb.rules.requests.batches import (
    BatchExecuteStatementInput,
    BatchStatementRequest,
    ExecuteStatementInput,
    ExecuteTransactionInput,
)
from globule.dynamodb.serving.operations.api import Answer, Api
from globule.dynamodb.serving.operations.metering import Tally
from globule.dynamodb.serving.operations.selecting import SelectRequest, select, selected_item
from globule.dynamodb.serving.operations.statement_writes import Write, planned_write
from globule.dynamodb.serving.operations.tokens import digest
from globule.dynamodb.serving.operations.transact_write_items import perform_once
from globule.dynamodb.serving.operations.writing import written
from globule.wire.aws.errors import AwsError

# What a batch's errors are called; https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "ResourceNotFoundException": "ResourceNotFound",
    "DuplicateItemException": "DuplicateItem",
}


async def execute_statement(api: Api, request: ExecuteStatementInput) -> Answer:
    statement = parse(request.Statement, request.Parameters)
    if isinstance(statement, Exists):
        raise validation("EXISTS can only be used in ExecuteTransaction")
    if isinstance(statement, Select):
        return select(
            api,
            statement,
            SelectRequest(
                Limit=request.Limit,
                ConsistentRead=request.ConsistentRead,
                ReturnConsumedCapacity=request.ReturnConsumedCapacity,
                NextToken=request.NextToken,
            ),
        )
    write = planned_write(api, statement, return_old=request.ReturnValuesOnConditionCheckFailure == "ALL_OLD")
    item, units = await _perform(api, write)
    answer: Answer = {"Items": [] if item is None else [item]}
    consumed = api.consumed(write.action.table, request.ReturnConsumedCapacity, units, "Write")
    if consumed is not None:
        answer["ConsumedCapacity"] = consumed
    return answer


async def _perform(api: Api, write: Write) -> tuple[Any, Callable[[], capacity.Consumed]]:
    """What RETURNING asks for, and what computes what it took."""
    api.meter.admit(write.action.table, "Write")
    write.action.check()
    try:
        old, new = await api.tables.write(write.action.perform)
    except AwsError as problem:
        raise write.explained(problem) from None
    return write.returned(old, new), written(write.action.table, old, new)


async def batch_execute_statement(api: Api, request: BatchExecuteStatementInput) -> Answer:
    """Each statement by itself: one that fails does not harm the others."""
    responses: list[Answer] = []
    parsed = [_parsed(each) for each in request.Statements]
    reads = {isinstance(each, Select) for each in parsed if not isinstance(each, AwsError)}
    if len(reads) > 1:
        raise validation("Batch statements must be all reads or all writes")
    tally = Tally(api.meter, request.ReturnConsumedCapacity, "Read" if True in reads else "Write")
    for each, statement in zip(request.Statements, parsed, strict=True):
        try:
            responses.append(await _one_of_batch(api, each, statement, tally))
        except AwsError as problem:
            if problem.code not in _CODES:
                raise
            error = {"Code": _CODES[problem.code], "Message": problem.message, **problem.details}
            responses.append({"Error": error})
    answer: Answer = {"Responses": responses}
    tally.put_into(answer)
    return answer


def _parsed(request: BatchStatementRequest) -> Statement | AwsError:
    try:
        return parse(request.Statement, request.Parameters)
    except AwsError as problem:
        return problem


async def _one_of_batch(
    api: Api, request: BatchStatementRequest, statement: Statement | AwsError, tally: Tally
) -> Answer:
    if isinstance(statement, AwsError):
        raise statement
    if isinstance(statement, Exists):
        raise validation("EXISTS can only be used in ExecuteTransaction")
    if isinstance(statement, Select):
        table, item, taken = selected_item(
            api,
            statement,
            consistent=bool(request.ConsistentRead),
            no_key="Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
        )
        tally.add(table, lambda: taken)
    else:
        write = planned_write(api, statement, return_old=request.ReturnValuesOnConditionCheckFailure == "ALL_OLD")
        item, units = await _perform(api, write)
        table = write.action.table
        tally.add(table, units)
    return {"TableName": table.name} if item is None else {"TableName": table.name, "Item": item}


async def execute_transaction(api: Api, request: ExecuteTransactionInput) -> Answer:
    parsed = [parse(each.Statement, each.Parameters) for each in request.TransactStatements]
    if len({isinstance(each, Select) for each in parsed}) > 1:
        raise validation("Transaction statements must be all reads or all writes")
    if isinstance(parsed[0], Select):
        return _read_transaction(api, request, [each for each in parsed if isinstance(each, Select)])
    if any(getattr(statement, "returning", None) is not None for statement in parsed):
        raise validation("RETURNING clause is not supported in ExecuteTransaction")
    writes = [
        planned_write(
            api,
            statement,
            return_old=each.ReturnValuesOnConditionCheckFailure == "ALL_OLD",
        )
        for each, statement in zip(request.TransactStatements, parsed, strict=True)
        if not isinstance(statement, Select)
    ]
    actions = [_explaining(write) for write in writes]
    answer: Answer = {"Responses": [{} for _ in writes]}
    (await perform_once(api, actions, digest(request.TransactStatements), request)).put_into(answer)
    return answer


def _explaining(write: Write) -> Any:
    """The write's action, with its problems in PartiQL's words."""

    def perform(writer: Any) -> Any:
        try:
            return write.action.perform(writer)
        except AwsError as problem:
            raise write.explained(problem) from None

    return msgspec.structs.replace(write.action, perform=perform)


def _read_transaction(api: Api, request: ExecuteTransactionInput, selects: list[Select]) -> Answer:
    responses: list[Answer] = []
    tally = Tally(api.meter, request.ReturnConsumedCapacity, "Read", transactional=True)
    for each in selects:
        table, item, taken = selected_item(api, each, consistent=True, no_key=None)
        tally.add(table, lambda taken=taken: taken)  # type: ignore[misc]
        responses.append({} if item is None else {"Item": item})
    answer: Answer = {"Responses": responses}
    tally.put_into(answer)
    return answer
