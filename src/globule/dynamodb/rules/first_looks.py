"""What some operations say of a bad request before its broken constraints are told together.

AWS does not publish these. Each was seen in answers of AWS: https://github.com/ExtendDB/extenddb/pull/14 (table
names, batches), https://github.com/nubo-db/dynoxide/pull/127 (PutItem, UpdateItem).

Since July 2026 AWS moves its regions to another form of these texts, one operation after the other
(https://github.com/nubo-db/dynoxide/pull/152, /pull/198). What all of them answered before is what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globule.dynamodb.rules.errors import validation
from globule.dynamodb.rules.requests import items
from globule.dynamodb.rules.requests.batches import KEYS_LIMIT
from globule.dynamodb.rules.shapes import at_least, at_most, broken, constraints_broken, member_problems

Document = Mapping[str, Any]


def empty_name(document: Document) -> None:
    """All operations on items: a name without characters has no other fault. Raises ValidationException."""
    if document.get("TableName") == "":
        raise constraints_broken([broken("", "tableName", at_least(1).sentence)])


def put_item(document: Document) -> None:
    """A bad name is told alone. Raises ValidationException."""
    empty_name(document)
    _alone(document, items.PutItemInput, "TableName")


def update_item(document: Document) -> None:
    """A bad name is told alone, and so is a bad ReturnValues. Raises ValidationException."""
    empty_name(document)
    for member in ("TableName", "ReturnValues"):
        _alone(document, items.UpdateItemInput, member)


def _alone(document: Document, struct: Any, member: str) -> None:
    if document.get(member) is not None:
        problems = member_problems(document, struct, member)
        if problems:
            raise constraints_broken(problems)


def batch_get_item(document: Document) -> None:
    """Too few or too many keys of a table are named as the API names them, and not shown. Raises
    ValidationException."""
    _some_tables(document, "BatchGetItem")
    for name, table in document.get("RequestItems", {}).items():
        keys = table.get("Keys")
        if keys is not None and not 1 <= len(keys) <= KEYS_LIMIT:
            limit = at_most(KEYS_LIMIT) if keys else at_least(1)
            at = f"RequestItems.{name}.member.Keys"
            raise constraints_broken([f"Value at '{at}' failed to satisfy constraint: {limit.sentence}"])


def batch_write_item(document: Document) -> None:
    """Raises ValidationException."""
    _some_tables(document, "BatchWriteItem")


def _some_tables(document: Document, operation: str) -> None:
    if document.get("RequestItems") == {}:
        raise validation(f"The requestItems parameter is required for {operation}")
