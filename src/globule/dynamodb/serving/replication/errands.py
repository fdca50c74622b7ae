"""Messages that must get to another region some time: kept in the store, delivered in order, then dropped.

For everything about a global table that is not an item: settings in step, a replica that is gone. A region that is
down gets them when it is back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from operator import methodcaller

import msgspec

from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.replication.messages import Answer, Message, Refused, encode
from globule.dynamodb.serving.spaces import COUNTERS, ERRANDS, numbered, space
from globule.storage.store import Store, StoreFull, WriteTransaction

# The number of the errands' own counters; `ledger` has 0, tables count up from 1.
_ERRANDS = 0xFFFFFFFF

_decode = msgspec.msgpack.Decoder(tuple[str, bytes]).decode


class Errands:
    """Those of one region."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(self, transaction: WriteTransaction, region: str, message: Message) -> None:
        """Part of whatever change makes the message necessary."""
        counters = read_counters(transaction, _ERRANDS)
        counters.sequence += 1
        data = msgspec.msgpack.encode((region, encode(message)))
        transaction.put(numbered(ERRANDS, _ERRANDS, counters.sequence), data)
        transaction.put(space(COUNTERS, _ERRANDS), counters.encode())

    def regions(self) -> set[str]:
        """Those that something waits for."""
        begin = space(ERRANDS, _ERRANDS)
        return {_decode(data)[0] for _, data in self._store.read().scan(begin, end_of(begin))}

    async def run(self, region: str, call: Callable[[bytes], Awaitable[Answer | None]]) -> bool:
        """Deliver what waits for a region. Says whether something is left, which it refused or did not get."""
        while True:
            found = self._first(region)
            if found is None:
                return False
            key, message = found
            answer = await call(message)
            if answer is None or isinstance(answer, Refused):
                return True
            try:
                await self._store.write(methodcaller("delete", key))
            except StoreFull:
                return True

    def _first(self, region: str) -> tuple[bytes, bytes] | None:
        begin = space(ERRANDS, _ERRANDS)
        for key, data in self._store.read().scan(begin, end_of(begin)):
            to, message = _decode(data)
            if to == region:
                return key, message
        return None
