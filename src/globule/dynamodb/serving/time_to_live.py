"""Time to live: removing items whose time has passed.

Every item with a time has an entry in an index by that time (`spaces.EXPIRIES`), written with it, so a sweep looks
only at what is due. The entry is only a hint: the item is looked at again before it goes.

In a global table the replica that wrote an item last removes it, and the others are told of a plain delete, as AWS
has it (the service's identity is only in the stream of the region where the item expired). Where that replica is
away, another one does it after a while.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

from __future__ import annotations

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.entries import expired, expiry_s
from globule.dynamodb.rules.records import record_begin, record_version
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.filling import PIECE_ITEMS
from globule.dynamodb.serving.items import UserIdentity, Writer
from globule.dynamodb.serving.spaces import EXPIRIES, ITEMS, PREFIX_BYTES, numbered, sequence_of, space
from globule.dynamodb.serving.surroundings import Surroundings
from globule.storage.store import Store, WriteTransaction

SERVICE = UserIdentity("Service", "dynamodb.amazonaws.com")

# How long after its time an item is left to the replica that wrote it last.
OTHERS_GRACE_S = 300.0

_TIME_BYTES = 8
_decode = msgspec.json.Decoder(Item).decode


async def sweep(store: Store, surroundings: Surroundings, table: TableRecord) -> int:
    """Remove what is due. Returns how many items that were. Raises TableNotFound where the table is deleted
    meanwhile."""
    if table.spec.ttl_attribute is None:
        return 0
    removed = 0
    start: bytes | None = space(EXPIRIES, table.number)

    def sweep_piece(transaction: WriteTransaction) -> tuple[int, bytes | None]:
        assert start is not None
        return _sweep_piece(transaction, surroundings, table, start)

    while start is not None:
        count, start = await store.write(sweep_piece)
        removed += count
    return removed


def _sweep_piece(
    transaction: WriteTransaction, surroundings: Surroundings, table: TableRecord, start: bytes
) -> tuple[int, bytes | None]:
    """How many items were removed, and where to go on."""
    table = surroundings.current(table.number)
    attribute = table.spec.ttl_attribute
    now = surroundings.clock.now()
    end = numbered(EXPIRIES, table.number, max(0, int(now) + 1))
    due: list[bytes] = []
    for key, _ in transaction.scan(start, end):
        due.append(key)
        if len(due) == PIECE_ITEMS:
            break
    if not due or attribute is None:
        return 0, None
    writer = Writer(transaction, surroundings)
    removed = 0
    for key in due:
        expiry, place = sequence_of(key), key[PREFIX_BYTES + _TIME_BYTES :]
        record = transaction.get(space(ITEMS, table.number) + place)
        item = None if record is None else _decode(record[record_begin(record) :])
        if record is None or item is None or expiry_s(item, attribute) != expiry or not expired(expiry, now):
            transaction.delete(key)
            continue
        ours = record_version(record).region == surroundings.region
        if ours or not table.global_table or now > expiry + OTHERS_GRACE_S:
            writer.delete(table, item, identity=SERVICE)
            removed += 1
    writer.finish()
    return removed, due[-1] + b"\x00" if len(due) == PIECE_ITEMS else None
