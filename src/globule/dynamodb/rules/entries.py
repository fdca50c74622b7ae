"""What of an item an index holds, and when an item expires.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

from __future__ import annotations

import re

from globule.dynamodb.model import Index, Item, Keys

# Older times are taken for mistakes, and never expire.
EXPIRY_LIMIT_S = 5 * 365 * 24 * 3600

_WHOLE_SECONDS = re.compile(r"[0-9]{1,18}")


def projected(index: Index, keys: Keys, item: Item) -> Item:
    """The attributes of an item of the table with these keys that the index's entry has, in the item's order."""
    if index.projection.kind == "ALL":
        return item
    names = {attribute.name for attribute in (*keys.attributes, *index.keys.attributes)}
    if index.projection.kind == "INCLUDE":
        names.update(index.projection.attributes)
    return {name: value for name, value in item.items() if name in names}


def expiry_s(item: Item, attribute: str) -> int | None:
    """When the item expires, in seconds since the epoch; None where it never does: the attribute is missing, or not a
    number."""
    text = item.get(attribute, {}).get("N")
    if text is None:
        return None
    whole = text.partition(".")[0]
    return int(whole) if _WHOLE_SECONDS.fullmatch(whole) else None


def expired(expiry: int, now_s: float) -> bool:
    return now_s - EXPIRY_LIMIT_S <= expiry <= now_s
