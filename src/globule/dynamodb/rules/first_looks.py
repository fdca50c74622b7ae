"""What some operations say of a bad request before its broken constraints are told together.

AWS does not publish these. Each was seen in answers of AWS: https://github.com/ExtendDB/extenddb/pull/14 (table
names, BatchWriteItem), https://github.com/nubo-db/dynoxide/pull/198 (BatchGetItem, BatchWriteItem).
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
    """Too few tables or keys, or too many keys: named as the API names them, and not shown. Raises
    ValidationException."""
    tables = document.get("RequestItems")
    if tables is None:
        return
    if not tables:
        raise _wrong_length("RequestItems", at_least(1).sentence)
    for name, table in tables.items():
        keys = table.get("Keys")
        if keys is not None and not 1 <= len(keys) <= KEYS_LIMIT:
            limit = at_most(KEYS_LIMIT) if keys else at_least(1)
            raise _wrong_length(f"RequestItems.{name}.member.Keys", limit.sentence)


def _wrong_length(at: str, sentence: str) -> Exception:
    return constraints_broken([f"Value at '{at}' failed to satisfy constraint: {sentence}"])


def batch_write_item(document: Document) -> None:
    """Raises ValidationException."""
    if document.get("RequestItems") == {}:
        raise validation("The requestItems parameter is required for BatchWriteItem")
