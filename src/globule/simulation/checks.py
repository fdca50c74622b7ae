"""What must hold when everything has been healed and every queue is empty."""

from __future__ import annotations

from collections.abc import Iterator

from globule.dynamodb.model import Item
from globule.dynamodb.rules.entries import projected
from globule.dynamodb.serving.reading import Stored
from globule.dynamodb.serving.tables import Tables
from globule.simulation.region import Region
from globule.simulation.workload import ITEMS, TABLE, Workload, WriteId, item_key

# The ledger of a run is far smaller; this only bounds the reading of it.
_ALL = 1_000_000


def settled(regions: list[Region]) -> bool:
    """Whether all replicas hold the same, nothing waits to be told, and nothing is being made."""
    if not all(region.up for region in regions):
        return False
    for region in regions:
        if TABLE not in region.tables.names():
            return False
        table = region.tables.find(TABLE)
        if len(table.replicas) != len(regions) - 1 or len(table.indexes) != len(regions[0].tables.find(TABLE).indexes):
            return False
        statuses = {table.status, *(each.status for each in table.replicas), *(each.status for each in table.indexes)}
        if statuses != {"ACTIVE"}:
            return False
        if any(region.tables.waiting(TABLE, replica.region) for replica in table.replicas):
            return False
    first, *others = (_contents(region.tables) for region in regions)
    return all(other == first for other in others)


def problems(regions: list[Region], workload: Workload) -> list[str]:
    """Broken promises, in words."""
    return [
        *workload.problems,
        *_differences(regions),
        *_missing(regions, workload),
        *_false_entries(regions),
        *(problem for region in regions for problem in _inconsistencies(region)),
    ]


def _contents(tables: Tables) -> dict[str, tuple[WriteId, bytes]]:
    return {
        str(stored.item()["at"]["N"]): ((stored.version.stamp, stored.version.region), stored.raw)
        for stored in tables.read().scan(tables.find(TABLE))
    }


def _differences(regions: list[Region]) -> Iterator[str]:
    first, *others = regions
    expected = _contents(first.tables)
    for other in others:
        found = _contents(other.tables)
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                yield f"item {key} is {expected.get(key)} in {first.name}, {found.get(key)} in {other.name}"


def _discarded(regions: list[Region]) -> set[WriteId]:
    entries = (entry for region in regions for entry in region.tables.conflicts(limit=_ALL))
    return {(entry.lost.stamp, entry.lost.region) for entry in entries}


def _missing(regions: list[Region], workload: Workload) -> Iterator[str]:
    """An acknowledged write must be there, have been followed by one that is or was, or be in a ledger."""
    discarded = _discarded(regions)
    final = _final(regions)
    forgotten = max(region.tables.forgotten(TABLE) for region in regions)
    # Writes that happened: they were acknowledged, or something is left of them. Of a delete that was not
    # acknowledged and has been forgotten nothing is left; it may have happened.
    happened = [
        id
        for id, write in workload.writes.items()
        if write.acknowledged or id in final or id in discarded or (write.deletes and id[0] <= forgotten)
    ]
    followed: set[WriteId] = set()
    while happened:
        write = workload.writes.get(happened.pop())
        if write is not None and write.before is not None and write.before not in followed:
            followed.add(write.before)
            happened.append(write.before)
    for id, write in workload.writes.items():
        if not write.acknowledged or id in final or id in followed or id in discarded:
            continue
        newest = final.get(write.key)
        if write.deletes and id[0] <= forgotten and (newest is None or newest > id):
            continue  # everybody has had the delete, and has forgotten it
        yield f"acknowledged write {id} of item {write.key} is nowhere; the item is {newest}"


def _final(regions: list[Region]) -> dict[WriteId | int, WriteId]:
    """The items' final versions, by themselves and by the number of the item."""
    final: dict[WriteId | int, WriteId] = {}
    for region in regions:
        reader, table = region.tables.read(), region.tables.find(TABLE)
        for key in range(ITEMS):
            version = reader.version(table, item_key(key))
            if version is not None:
                id = (version.stamp, version.region)
                final[id] = id
                final[key] = max(id, final.get(key, id))
    return final


def _false_entries(regions: list[Region]) -> Iterator[str]:
    for region in regions:
        for entry in region.tables.conflicts(limit=_ALL):
            if (entry.lost.stamp, entry.lost.region) >= (entry.kept.stamp, entry.kept.region):
                yield f"the ledger of {region.name} says that the later write was discarded: {entry}"


def _inconsistencies(region: Region) -> Iterator[str]:
    """Indexes and counters against the items."""
    tables = region.tables
    table = tables.find(TABLE)
    items = list(tables.read().scan(table))
    if tables.counts(table) != (len(items), _size(items)):
        yield f"{region.name} counts {tables.counts(table)} items and bytes, but has {len(items), _size(items)}"
    for index in table.spec.indexes:
        expected = sorted(_text(projected(index, table.spec.keys, stored.item())) for stored in items)
        entries = list(tables.read().scan(table, index=index.name))
        if sorted(_text(entry.item()) for entry in entries) != expected:
            yield f"index {index.name} in {region.name} does not hold what the table does"
        if tables.counts(table, index=index.name) != (len(entries), _size(entries)):
            yield f"{region.name} counts {tables.counts(table, index=index.name)} of index {index.name}"


def _size(items: list[Stored]) -> int:
    return sum(stored.size_bytes for stored in items)


def _text(item: Item) -> str:
    return repr(sorted(item.items()))
