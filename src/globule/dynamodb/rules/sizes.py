"""How large an item is by DynamoDB's arithmetic.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html: the sum of the
attribute names' and values' sizes. Strings are UTF-8; a number takes a byte for each two significant digits and one
more (and one for the sign where it is negative); null and boolean take one byte; a list or map three, and one
for each element.
"""

from __future__ import annotations

from globule.dynamodb.model import AttributeValue, Item


def item_size_bytes(item: Item) -> int:
    """The size of a whole item, as the 400 KB limit and the capacity units count it."""
    total = 0
    for name, value in item.items():
        total += len(name) if name.isascii() else len(name.encode())
        for kind, content in value.items():
            # Nearly all attributes are strings and numbers, so they are measured on the spot.
            if kind == "S":
                total += len(content) if content.isascii() else len(content.encode())
            elif kind == "N":
                total += number_size_bytes(content)
            else:
                total += value_size_bytes(value)
    return total


def value_size_bytes(value: AttributeValue) -> int:
    """The size of one attribute's value, without its name."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return _text_size(content)
        case "N":
            return number_size_bytes(content)
        case "B":
            return _binary_size(content)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(map(_text_size, content))
        case "NS":
            return sum(map(number_size_bytes, content))
        case "BS":
            return sum(map(_binary_size, content))
        case "L":
            return 3 + len(content) + sum(map(value_size_bytes, content))
        case "M":
            return 3 + len(content) + item_size_bytes(content)
        case _:
            raise AssertionError(f"{kind} is no attribute type")


def number_size_bytes(number: str) -> int:
    """`number` is decimal text, with or without an exponent."""
    if number.isdigit():
        return (len(number.strip("0")) + 1) // 2 + 1
    negative = number.startswith("-")
    mantissa = number.lstrip("+-").replace("E", "e").partition("e")[0]
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).strip("0")
    return (len(digits) + 1) // 2 + 1 + negative


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _binary_size(base64_text: str) -> int:
    """The length of what the base64 text stands for."""
    return len(base64_text) // 4 * 3 - base64_text.count("=", -2)
