"""The engine against a dictionary: items, an index, counters and a stream, through crashes, whatever is done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from globule.dynamodb.model import Index, Item, KeyAttribute, Keys, Projection, TableSpec
from globule.dynamodb.serving.items import Writer
from globule.dynamodb.serving.tables import TableBusy, Tables
from globule.host.entropy import SeededEntropy
from globule.simulation.clock import SkewedClock
from globule.simulation.loop import VirtualLoop
from globule.storage.group import GroupStore
from globule.storage.memory_engine import MemoryDisk, MemoryEngine

KEYS = Keys((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "N"),))
INDEX = Index(
    name="by-group",
    scope="global",
    keys=Keys((KeyAttribute("group", "S"),), (KeyAttribute("sk", "N"),)),
    projection=Projection("INCLUDE", ("text",)),
)

partitions = st.sampled_from(["a", "b"])
sort_keys = st.sampled_from(["-10", "-1.5", "0", "0.001", "2", "10", "1e20"])
items = st.fixed_dictionaries(
    {"pk": partitions.map(lambda text: {"S": text}), "sk": sort_keys.map(lambda number: {"N": number})},
    optional={
        "group": st.sampled_from([{"S": "x"}, {"S": "y"}, {"N": "1"}]),
        "text": st.text(max_size=5).map(lambda text: {"S": text}),
        "other": st.binary(max_size=3).map(lambda data: {"N": str(len(data))}),
    },
)
changes = st.lists(st.tuples(st.sampled_from(["put", "delete"]), items), min_size=1, max_size=4)


class Refused(Exception):
    """What a change raises that is to be undone."""


class NoPeers:
    async def call(self, region: str, message: bytes) -> bytes:
        raise ConnectionRefusedError(region)


def name_of(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["N"]


class Engine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.disk = MemoryDisk()
        self.model: dict[tuple[str, str], Item] = {}
        self.events: list[str] = []
        self.run(self.open())
        self.run(self.tables.create(TableSpec(name="t", keys=KEYS, stream="KEYS_ONLY")))
        self.indexed = False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        self.engine = MemoryEngine(self.disk, entropy=SeededEntropy(1))
        self.tables = await Tables.open(
            GroupStore(self.engine),
            region="eu-west-1",
            account="0" * 12,
            clock=SkewedClock(),
            entropy=SeededEntropy(2),
            peers=NoPeers(),
        )

    def teardown(self) -> None:
        self.run(self.tables.close())
        self.loop.close()

    @rule(change=changes, fails=st.booleans())
    def write(self, change: list[tuple[str, Item]], fails: bool) -> None:
        table = self.tables.find("t")
        before = [self.model.get(name_of(item)) for _, item in change]

        def work(writer: Writer) -> list[Item | None]:
            found: list[Item | None] = []
            for kind, item in change:
                old = writer.put(table, item) if kind == "put" else writer.delete(table, item)
                found.append(None if old is None else old.item())
            if fails:
                raise Refused
            return found

        try:
            found = self.run(self.tables.write(work))
        except Refused:
            assert fails
            return
        expected: list[Item | None] = []
        for kind, item in change:
            name = name_of(item)
            old = self.model.get(name)
            expected.append(old)
            if kind == "put":
                if old != item:
                    self.events.append("INSERT" if old is None else "MODIFY")
                self.model[name] = item
            elif old is not None:
                self.events.append("REMOVE")
                del self.model[name]
        assert found == expected
        assert found[0] == before[0]

    @rule()
    def crash(self) -> None:
        async def crash() -> None:
            self.engine.crash()
            await self.tables.close()
            await self.open()

        self.run(crash())

    @rule()
    def change_the_index(self) -> None:
        """Add it, or remove it; filling goes on while the next things happen."""
        indexes = () if self.indexed else (INDEX,)
        try:
            self.run(self.tables.update("t", change=lambda spec: msgspec.structs.replace(spec, indexes=indexes)))
        except TableBusy:
            return
        self.indexed = not self.indexed

    @rule()
    def time_passes(self) -> None:
        self.run(asyncio.sleep(5))
        assert all(index.status == "ACTIVE" for index in self.tables.find("t").indexes)

    @rule(partition=partitions, forward=st.booleans())
    def query(self, partition: str, forward: bool) -> None:
        found = self.tables.read().query(self.tables.find("t"), ({"S": partition},), forward=forward)
        expected = [item for (pk, _), item in self.model.items() if pk == partition]
        expected.sort(key=lambda item: float(item["sk"]["N"]), reverse=not forward)
        assert [stored.item() for stored in found] == expected

    @invariant()
    def items_and_counters_are_the_models(self) -> None:
        table = self.tables.find("t")
        stored = list(self.tables.read().scan(table))
        assert {name_of(each.item()): each.item() for each in stored} == self.model
        assert self.tables.counts(table) == (len(stored), sum(each.size_bytes for each in stored))

    @invariant()
    def a_whole_index_is_the_models(self) -> None:
        table = self.tables.find("t")
        if not any(index.status == "ACTIVE" for index in table.indexes):
            return
        names = {"pk", "sk", "group", "text"}
        expected = [
            {name: value for name, value in item.items() if name in names}
            for item in self.model.values()
            if "S" in item.get("group", {})
        ]
        found = [stored.item() for stored in self.tables.read().scan(table, index="by-group")]
        assert sorted(map(name_of, found)) == sorted(map(name_of, expected))
        assert all(item in expected for item in found)

    @invariant()
    def the_stream_has_one_record_for_each_change(self) -> None:
        assert self.run(self._events()) == self.events

    async def _events(self) -> list[str]:
        streams = self.tables.streams
        stream = self.tables.find("t").stream
        assert stream is not None
        described = await streams.answer("DescribeStream", {"StreamArn": stream.arn})
        (shard,) = described["StreamDescription"]["Shards"]
        place = {"StreamArn": stream.arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = await streams.answer("GetShardIterator", place)
        return [record["eventName"] for record in (await streams.answer("GetRecords", iterator))["Records"]]


TestTheEngineIsADictionary = Engine.TestCase
TestTheEngineIsADictionary.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
