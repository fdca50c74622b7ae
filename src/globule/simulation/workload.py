"""Clients that write to a few items from every region, and remember what was acknowledged and what it had seen.

Every write is known by its stamp and region, which are in the item's version; so the workload needs no marks in the
items, and deletes can be followed as well as puts.
"""

from __future__ import annotations

import asyncio

import msgspec

from globule.dynamodb.model import Index, Item, KeyAttribute, Keys, Projection, TableSpec
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.tables import TableNotFound, Tables
from globule.host.entropy import Entropy
from globule.simulation.region import Down, Region
from globule.storage.store import StoreFull

TABLE = "chat"
ITEMS = 12

SPEC = TableSpec(
    name=TABLE,
    keys=Keys((KeyAttribute("room", "S"),), (KeyAttribute("at", "N"),)),
    indexes=(
        Index(
            name="by-author",
            scope="global",
            keys=Keys((KeyAttribute("author", "S"),), (KeyAttribute("at", "N"),)),
            projection=Projection("INCLUDE", ("text",)),
        ),
    ),
    stream="NEW_AND_OLD_IMAGES",
)

WriteId = tuple[int, str]
"""Stamp and region."""


class Write(msgspec.Struct, kw_only=True):
    """One write, acknowledged or not."""

    id: WriteId
    key: int
    deletes: bool
    before: WriteId | None
    """What it took the place of, where it was written."""
    acknowledged: bool = False


class Workload:
    """All clients of one run."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.writes: dict[WriteId, Write] = {}
        self.refused = 0
        self.problems: list[str] = []

    async def client(self, region: Region, until_s: float, pause_s: float) -> None:
        """Write now and then until that time; a region that is down is tried again later."""
        loop = asyncio.get_running_loop()
        while loop.time() < until_s:
            await asyncio.sleep(pause_s * 2 * self._entropy.uniform())
            key = int(self._entropy.uniform() * ITEMS)
            burst = 4 if self._entropy.uniform() < 0.1 else 1
            for _ in range(burst):
                await self._write(region, key, deletes=self._entropy.uniform() < 0.25)

    async def _write(self, region: Region, key: int, *, deletes: bool) -> None:
        text = f"{self._entropy.uniform():.6f}"
        author = f"author-{int(self._entropy.uniform() * 3)}"

        async def work(tables: Tables) -> None:
            table = tables.find(TABLE)

            def change(writer: Writer) -> Write | None:
                before = writer.version(table, item_key(key))
                if deletes:
                    if writer.delete(table, item_key(key)) is None:
                        return None
                else:
                    writer.put(table, {**item_key(key), "text": {"S": text}, "author": {"S": author}})
                after = writer.version(table, item_key(key))
                assert after is not None
                if before == after:
                    return None  # it was what it should become
                seen = None if before is None else (before.stamp, before.region)
                write = Write(id=(after.stamp, after.region), key=key, deletes=deletes, before=seen)
                # Runs before it is durable, and perhaps twice; `checks` counts only those that left a trace.
                self.writes[write.id] = write
                return write

            write = await tables.write(change)
            if write is not None:
                write.acknowledged = True
                self._read_back(region, tables, write)

        try:
            await region.run(work)
        except (Down, StoreFull, TableNotFound):
            self.refused += 1

    def _read_back(self, region: Region, tables: Tables, write: Write) -> None:
        here = tables.read().version(tables.find(TABLE), item_key(write.key))
        if here is None or (here.stamp, here.region) < write.id:
            self.problems.append(f"{region.name} does not show its own acknowledged write {write.id}: {here}")


def item_key(number: int) -> Item:
    return {"room": {"S": f"room-{number % 4}"}, "at": {"N": str(number)}}
