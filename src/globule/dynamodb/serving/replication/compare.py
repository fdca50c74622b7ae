"""Comparing two replicas: whether they are equal, and if not, which items differ and whether that will pass.

Both sides hash their items range by range; only ranges that differ are listed. Each range is looked at in one
consistent view of each side, but the sides' views are not of one instant: while writes go on, some items differ, and
the answer says that their writes are still on their way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from globule.dynamodb.model import Item
from globule.dynamodb.rules.key_order import end_of
from globule.dynamodb.rules.records import record_begin, record_version
from globule.dynamodb.serving.catalogue import TableRecord
from globule.dynamodb.serving.counters import read_counters
from globule.dynamodb.serving.replication.messages import Digest, Digested, Listed, Message
from globule.dynamodb.serving.replication.peers import read_standing
from globule.dynamodb.serving.spaces import ITEMS, PREFIX_BYTES, space
from globule.storage.store import ReadTransaction, Store

# Differences beyond these are counted, not named.
NAMED_LIMIT = 1000

# Ranges in flight at once: a comparison over a slow link should not take a round trip for each.
WINDOW_RANGES = 16

_FINGERPRINT_BYTES = 16


class Version(msgspec.Struct, frozen=True):
    stamp: int
    region: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is not the same in both. None where a side has none."""

    key: Item
    here: Version | None
    there: Version | None
    in_flight: bool
    """Whether the side that is behind has still to hear from the region that wrote the newer one."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    equal: bool
    items_here: int
    items_there: int
    differences: tuple[Difference, ...]
    different: int
    """How many there are, named or not."""


def digest(view: ReadTransaction, table: TableRecord, question: Digest) -> Digested:
    """This side's answer."""
    whole = hashlib.blake2b(digest_size=_FINGERPRINT_BYTES)
    listed: list[Listed] = []
    items = 0
    for key, record in _range(view, table, question):
        version = record_version(record)
        raw = record[record_begin(record) :]
        own = hashlib.blake2b(raw, digest_size=_FINGERPRINT_BYTES).digest()
        place = key[PREFIX_BYTES:]
        whole.update(b"%d %s %d " % (version.stamp, version.region.encode(), len(place)) + place + own)
        items += 1
        if question.listed:
            named = msgspec.json.encode(table.spec.keys.of(msgspec.json.decode(raw)))
            listed.append(Listed(place, version.stamp, version.region, own, named))
    heard = {replica.region: read_standing(view, table.number, replica.region).heard for replica in table.replicas}
    return Digested(fingerprint=whole.digest(), items=items, listed=listed, heard=heard)


async def compare(store: Store, table: TableRecord, ask: Callable[[Message], Awaitable[Digested]]) -> Comparison:
    """`ask` puts a question to the other replica, and raises OSError."""
    assert table.group is not None
    group = table.group
    window = asyncio.Semaphore(WINDOW_RANGES)
    here_items = there_items = different = 0
    differences: list[Difference] = []
    unreachable: list[OSError] = []

    async def look(start: bytes, end: bytes | None) -> None:
        nonlocal here_items, there_items, different
        async with window:
            if unreachable:
                return
            question = Digest(group=group, start=start, end=end, listed=False)
            try:
                there = await ask(question)
                here = digest(store.read(), table, question)
                if here.fingerprint != there.fingerprint:
                    question = msgspec.structs.replace(question, listed=True)
                    there = await ask(question)
                    here = digest(store.read(), table, question)
            except OSError as problem:
                unreachable.append(problem)
                return
        here_items += here.items
        there_items += there.items
        for difference in _differences(here, there):
            different += 1
            if len(differences) < NAMED_LIMIT:
                differences.append(difference)

    async with asyncio.TaskGroup() as looks:
        for start, end in _ranges(read_counters(store.read(), table.number).items):
            looks.create_task(look(start, end))
    if unreachable:
        raise unreachable[0]
    return Comparison(
        equal=different == 0,
        items_here=here_items,
        items_there=there_items,
        differences=tuple(differences),
        different=different,
    )


def _differences(here: Digested, there: Digested) -> Iterator[Difference]:
    ours = {item.place: item for item in here.listed}
    theirs = {item.place: item for item in there.listed}
    for place in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(place), theirs.get(place)
        if one is not None and other is not None and one == other:
            continue
        known = one or other
        assert known is not None
        yield Difference(
            key=msgspec.json.decode(known.key),
            here=None if one is None else Version(one.stamp, one.region),
            there=None if other is None else Version(other.stamp, other.region),
            in_flight=_on_its_way(one, there) or _on_its_way(other, here),
        )


def _on_its_way(item: Listed | None, behind: Digested) -> bool:
    """Whether a side may still be told of the write that the other one has."""
    return item is not None and behind.heard.get(item.region, item.stamp) < item.stamp


def _range(view: ReadTransaction, table: TableRecord, question: Digest) -> Iterator[tuple[bytes, bytes]]:
    prefix = space(ITEMS, table.number)
    end = end_of(prefix) if question.end is None else prefix + question.end
    return view.scan(prefix + question.start, end)


def _ranges(items: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Parts of the key space of some hundred to some thousand items each."""
    bounds = [b""] if items < 1000 else [bytes((first,)) for first in range(0, 256, 16 if items < 20_000 else 1)]
    ends: list[bytes | None] = [*bounds[1:], None]
    return zip([b"", *bounds[1:]], ends, strict=True)
