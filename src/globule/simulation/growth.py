"""What is changed on the live table during a run: it gets its third replica, and another index.

Nothing here fails for good: what cannot be done now, because somebody is down or cut off, is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from globule.dynamodb.model import Index, KeyAttribute, Keys, Projection, TableSpec
from globule.dynamodb.serving.tables import TableBusy, TableNotFound, Tables
from globule.host.entropy import Entropy
from globule.simulation.region import Down, Region
from globule.simulation.workload import TABLE
from globule.storage.store import StoreFull

_RETRY_S = 3.0

_BY_TEXT = Index(
    name="by-text",
    scope="global",
    keys=Keys((KeyAttribute("text", "S"),)),
    projection=Projection("KEYS_ONLY"),
)


async def grow(home: Region, other: Region, entropy: Entropy, until_s: float) -> None:
    """At a time of its own, have the table replicated from `home` to another region, and indexed once more."""
    await asyncio.sleep(until_s * entropy.uniform())
    await _insist(home, lambda tables: _replicate(tables, other.name))
    await asyncio.sleep(20 * entropy.uniform())
    await _insist(home, _index)


async def _replicate(tables: Tables, region: str) -> None:
    if not any(replica.region == region for replica in tables.find(TABLE).replicas):
        await tables.add_replica(TABLE, region)


async def _index(tables: Tables) -> None:
    def change(spec: TableSpec) -> TableSpec:
        if spec.index(_BY_TEXT.name) is not None:
            return spec
        return msgspec.structs.replace(spec, indexes=(*spec.indexes, _BY_TEXT))

    await tables.update(TABLE, change=change)


async def _insist(region: Region, work: Callable[[Tables], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await region.run(work)
        except (Down, OSError, StoreFull, TableBusy, TableNotFound):
            await asyncio.sleep(_RETRY_S)
        else:
            return
