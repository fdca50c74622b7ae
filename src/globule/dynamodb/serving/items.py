"""Items in a transaction: reading them by key, query and scan; writing them with all that hangs on a write."""

from __future__ import annotations

from collections.abc import Iterator
import msgspec

from globule.dynamodb.model import AttributeValue, Item, SortCondition
from globule.dynamodb.serving.catalogue import TableRecord


class Stored:
    """An item as it lies in the store."""

    raw: bytes
    """The item's JSON, ready to be spliced into an answer."""
    size_bytes: int
    """By DynamoDB's arithmetic (`rules.sizes.item_size_bytes`); what capacity units and the 1 MB page count."""

    def item(self) -> Item:
        """Decoded, a new one each time."""
        ...


class Reader:
    """Reads one consistent view. Where `index` is None the table itself is read, else the index of that name,
    whose entries hold the projected attributes."""

    def get(self, table: TableRecord, key: Item) -> Stored | None:
        """`key` holds at least the table's key attributes."""
        ...

    def query(
        self,
        table: TableRecord,
        partition: tuple[AttributeValue, ...],
        sort: tuple[SortCondition, ...] = (),
        *,
        index: str | None = None,
        forward: bool = True,
        after: Item | None = None,
    ) -> Iterator[Stored]:
        """The items of one partition in the order of the sort key. `sort` has one condition for each of the first
        sort key attributes, all but the last of them `=`. `after` is an ExclusiveStartKey: the table's key
        attributes, and the index's."""
        ...

    def scan(
        self,
        table: TableRecord,
        *,
        index: str | None = None,
        segment: int = 0,
        total_segments: int = 1,
        after: Item | None = None,
    ) -> Iterator[Stored]:
        """All items, or those of one parallel segment, in an order that is stable and has no meaning."""
        ...


class UserIdentity(msgspec.Struct, frozen=True):
    """Who wrote, where it was not a caller of the API: `("Service", "dynamodb.amazonaws.com")` for time to live."""

    type: str
    principal_id: str


class Writer(Reader):
    """Reads the newest state, and writes. A write does nothing where the item stays what it was."""

    def put(self, table: TableRecord, item: Item, *, identity: UserIdentity | None = None) -> Stored | None:
        """Replaces the whole item. Returns what was there before. The item is valid, its keys are present."""
        ...

    def delete(self, table: TableRecord, key: Item, *, identity: UserIdentity | None = None) -> Stored | None:
        """Returns what was there; None where there was nothing, which is no error."""
        ...
