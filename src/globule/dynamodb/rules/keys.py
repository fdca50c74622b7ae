"""Keys of items: that they are there, of the right type, not empty, not too long.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from globule.dynamodb.model import AttributeValue, Index, Item, KeyAttribute, Keys, TableSpec
from globule.dynamodb.rules.comparison import kind_of
from globule.dynamodb.rules.errors import INVALID_PARAMETERS, invalid_parameters, validation
from globule.wire.aws.errors import AwsError

PARTITION_KEY_LIMIT_BYTES = 2048
SORT_KEY_LIMIT_BYTES = 1024

MISMATCH = "The provided key element does not match the schema"


def check_key(keys: Keys, key: Item) -> None:
    """`key` is a key and nothing else. Raises ValidationException."""
    if len(key) != len(keys.partition) + len(keys.sort):
        raise validation(MISMATCH)
    for is_partition, attributes in ((True, keys.partition), (False, keys.sort)):
        for attribute in attributes:
            value = key.get(attribute.name)
            if value is None or attribute.type not in value:
                raise validation(MISMATCH)
            check_key_value(attribute, value, is_partition=is_partition)


def check_key_values(keys: Keys, item: Item) -> None:
    """Key attributes that are there and of their types are neither empty nor too long. Raises ValidationException."""
    for is_partition, attributes in ((True, keys.partition), (False, keys.sort)):
        for attribute in attributes:
            if attribute.type in item.get(attribute.name, ()):
                check_key_value(attribute, item[attribute.name], is_partition=is_partition)


def check_item(spec: TableSpec, item: Item) -> None:
    """`item` can be put into the table and its indexes. Raises ValidationException."""
    keys = spec.keys
    for is_partition, attributes in ((True, keys.partition), (False, keys.sort)):
        for attribute in attributes:
            value = item.get(attribute.name)
            if value is None:
                raise invalid_parameters(f"Missing the key {attribute.name} in the item")
            if attribute.type not in value:
                raise invalid_parameters(
                    f"Type mismatch for key {attribute.name} expected: {attribute.type} actual: {kind_of(value)}"
                )
            check_key_value(attribute, value, is_partition=is_partition)
    if spec.indexes:
        check_index_keys(spec, item)


def in_batch(problem: AwsError) -> AwsError:
    """How BatchWriteItem words a problem of `check_item`."""
    text = problem.message.removeprefix(INVALID_PARAMETERS)
    return validation(MISMATCH) if text.startswith(("Missing the key ", "Type mismatch for key ")) else problem


def check_key_value(attribute: KeyAttribute, value: AttributeValue, *, is_partition: bool) -> None:
    """Raises ValidationException where it is empty or too long."""
    content: str = value[attribute.type]
    if attribute.type == "N":
        return
    if not content:
        raise validation(_EMPTY.format(_NOUNS[attribute.type], f"Key: {attribute.name}"))
    # A character takes at most four bytes of UTF-8.
    limit = PARTITION_KEY_LIMIT_BYTES if is_partition else SORT_KEY_LIMIT_BYTES
    if len(content) * 4 > limit and _size_bytes(attribute, content) > limit:
        raise invalid_parameters(
            "Size of hashkey has exceeded the maximum size limit of2048 bytes"
            if is_partition
            else "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        )


_NOUNS = {"S": "string", "B": "binary"}
_NOT_VALID = "One or more parameter values are not valid. "
"""Opens the messages about keys without content, and no others."""
_EMPTY = _NOT_VALID + "The AttributeValue for a key attribute cannot contain an empty {} value. {}"


def tells_empty_key(problem: AwsError) -> bool:
    """Whether it is about a key of a table or an index that has no content."""
    return problem.message.startswith(_NOT_VALID)


def _size_bytes(attribute: KeyAttribute, content: str) -> int:
    if attribute.type == "B":
        return len(content) // 4 * 3 - content.count("=", -2)
    return len(content.encode())


def index_key_attributes(spec: TableSpec) -> Iterator[tuple[Index, KeyAttribute, bool]]:
    """Each index's own key attributes, and whether each is of its partition key. Indexes in order of their names, in
    which AWS names the one that does not fit."""
    for index in sorted(spec.indexes, key=lambda index: index.name):
        for attribute in index.keys.partition:
            yield index, attribute, True
        for attribute in index.keys.sort:
            yield index, attribute, False


def check_index_keys(spec: TableSpec, item: Item) -> None:
    """Attributes that indexes have as keys are of their types, not empty, not too long. Raises
    ValidationException."""
    table_keys = {attribute.name for attribute in spec.keys.attributes}
    for index, attribute, _ in index_key_attributes(spec):
        value = item.get(attribute.name)
        if value is not None and attribute.type not in value:
            raise index_type_mismatch(index, attribute, kind_of(value))
    for index, attribute, is_partition in index_key_attributes(spec):
        value = item.get(attribute.name)
        if value is None or attribute.name in table_keys:
            continue
        if value[attribute.type] == "":
            raise validation(
                f"{_NOT_VALID}A value specified for a secondary index key is not "
                "supported. The AttributeValue for a key attribute cannot contain an empty "
                f"{_NOUNS[attribute.type]} value. IndexName: {index.name}, IndexKey: {attribute.name}"
            )
        check_key_value(attribute, value, is_partition=is_partition)


def index_type_mismatch(index: Index, attribute: KeyAttribute, actual: str) -> AwsError:
    return invalid_parameters(
        f"Type mismatch for Index Key {attribute.name} Expected: {attribute.type} "
        f"Actual: {actual} IndexName: {index.name}"
    )


def check_updated_index_keys(spec: TableSpec, item: Item) -> None:
    """As `check_index_keys`, for an item that an update expression has made."""
    table_keys = {attribute.name for attribute in spec.keys.attributes}
    for _, attribute, is_partition in index_key_attributes(spec):
        value: Any = item.get(attribute.name)
        if value is None or attribute.name in table_keys:
            continue
        if attribute.type not in value:
            raise validation("The update expression attempted to update the secondary index key to unsupported type")
        if value[attribute.type] == "":
            raise validation(
                f"{_NOT_VALID}The update expression attempted to update a secondary "
                "index key to a value that is not supported. The AttributeValue for a key attribute cannot contain "
                f"an empty {_NOUNS[attribute.type]} value."
            )
        check_key_value(attribute, value, is_partition=is_partition)


def check_no_nested_keys(spec: TableSpec, paths: tuple[tuple[str | int, ...], ...]) -> None:
    """Paths do not lead into key attributes. Raises ValidationException."""
    nested = {steps[0] for steps in paths if len(steps) > 1}
    if not nested:
        return
    reason = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
    for attribute in spec.keys.attributes:
        if attribute.name in nested:
            raise validation(f"{reason}Key: {attribute.name}")
    for _, attribute, _ in index_key_attributes(spec):
        if attribute.name in nested:
            raise validation(f"{reason}IndexKey: {attribute.name}")
