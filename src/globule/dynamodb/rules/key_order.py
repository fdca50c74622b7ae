"""Keys as bytes, in DynamoDB's order: where an item lies, and which range a condition asks for.

An item's place in its key space is `hash(partition key) + sort key`. The hash (128 bits) spreads partitions evenly,
which gives Scan its order and its parallel segments; the sort key's bytes compare as DynamoDB compares the values:
strings by their UTF-8, binary by unsigned bytes, numbers by value
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html). Every encoded value ends itself, so
values can follow one another: an index entry's place is that of its own key, then that of the item.

    string, binary   the bytes, each 00 written as 00 FF, then 00 00
    number           02 for zero; 03 for a positive one, its decimal exponent (one byte), its digits in pairs, each
                     plus one, then 00; for a negative one 01, then the complement of the same
"""

from __future__ import annotations

import base64
import hashlib

from globule.dynamodb.model import AttributeValue, Item, KeyAttribute, Keys, SortCondition

HASH_BYTES = 16

_SEGMENT_SPACE = 1 << 64
_END = b"\x00\x00"
_PLUS_ONE = bytes((byte + 1) % 256 for byte in range(256))
_COMPLEMENT = bytes(255 - byte for byte in range(256))

# 1E-130 has the smallest decimal exponent, 9.99E+125 the largest: 256 of them.
_EXPONENT_OFFSET = 130


def encode_value(value: AttributeValue) -> bytes:
    """A key value's bytes, ending themselves."""
    ((kind, content),) = value.items()
    if kind == "S":
        return _escaped(content.encode()) + _END
    if kind == "N":
        return encode_number(content)
    assert kind == "B", kind
    return _escaped(base64.b64decode(content)) + _END


def encode_number(text: str) -> bytes:
    """A decimal number in plain or in scientific notation, of at most 38 digits from 1E-130 to 9.99E+125."""
    negative = text.startswith("-")
    mantissa, _, exponent = text.lstrip("+-").upper().partition("E")
    whole, _, fraction = mantissa.partition(".")
    whole = whole.lstrip("0")
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if not digits:
        return b"\x02"
    magnitude = len(whole) - leading - 1 + int(exponent or 0)
    if len(digits) % 2:
        digits += "0"
    body = bytes((magnitude + _EXPONENT_OFFSET,)) + bytes.fromhex(digits).translate(_PLUS_ONE) + b"\x00"
    return b"\x01" + body.translate(_COMPLEMENT) if negative else b"\x03" + body


def partition_hash(values: tuple[AttributeValue, ...]) -> bytes:
    """Where a partition begins, from its key values in the order of the schema."""
    return hashlib.blake2b(b"".join(map(encode_value, values)), digest_size=HASH_BYTES).digest()


def item_place(keys: Keys, item: Item) -> bytes:
    """Where an item lies in its table."""
    place = partition_hash(tuple(item[attribute.name] for attribute in keys.partition))
    for attribute in keys.sort:
        place += encode_value(item[attribute.name])
    return place


def index_place(keys: Keys, item: Item, place: bytes) -> bytes | None:
    """Where the entry of an item that lies at `place` lies in an index; None where it has none, because it lacks one
    of the index's key attributes, or has it with another type."""
    for attribute in keys.attributes:
        if not _has(item, attribute):
            return None
    return item_place(keys, item) + place


def _has(item: Item, attribute: KeyAttribute) -> bool:
    value = item.get(attribute.name)
    return value is not None and attribute.type in value


def sort_range(conditions: tuple[SortCondition, ...]) -> tuple[bytes, bytes | None]:
    """The range of sort key bytes, from the first (included) to the last (excluded; None is no end), that the
    conditions allow. All but the last of them are equalities."""
    prefix = b"".join(encode_value(condition.values[0]) for condition in conditions[:-1])
    if not conditions:
        return b"", None
    condition = conditions[-1]
    first = encode_value(condition.values[0])
    high: bytes | None
    match condition.operator:
        case "=":
            low, high = first, after_prefix(first)
        case "<":
            low, high = b"", first
        case "<=":
            low, high = b"", after_prefix(first)
        case ">":
            low, high = end_of(first), None
        case ">=":
            low, high = first, None
        case "BETWEEN":
            low, high = first, after_prefix(encode_value(condition.values[1]))
        case "begins_with":
            low, high = first[: -len(_END)], after_prefix(first[: -len(_END)])
    return prefix + low, after_prefix(prefix) if high is None else prefix + high


def segment_range(segment: int, total_segments: int) -> tuple[bytes, bytes | None]:
    """The part of a key space that a parallel scan's segment reads."""
    low = -(-segment * _SEGMENT_SPACE // total_segments)
    high = -(-(segment + 1) * _SEGMENT_SPACE // total_segments)
    return low.to_bytes(8, "big"), None if high == _SEGMENT_SPACE else high.to_bytes(8, "big")


def after_prefix(prefix: bytes) -> bytes | None:
    """The least bytes greater than everything that begins with `prefix`; None where there are none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else None


def end_of(prefix: bytes) -> bytes:
    """As `after_prefix`, of a prefix that is not all FF: where the keys with this prefix end."""
    end = after_prefix(prefix)
    assert end is not None
    return end


def _escaped(data: bytes) -> bytes:
    return data.replace(b"\x00", b"\x00\xff") if b"\x00" in data else data
