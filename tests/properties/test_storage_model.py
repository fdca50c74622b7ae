"""Laws of the store: it is a sorted dictionary, in both engines, through crashes and reopenings."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from globule.host.entropy import SeededEntropy
from globule.storage.group import GroupStore
from globule.storage.memory_engine import MemoryDisk, MemoryEngine
from globule.storage.opening import open_store, verify_store
from globule.storage.store import Store, WriteTransaction

# Few, so that they meet; some longer than LMDB's limit, with the same and with other beginnings.
KEYS = [
    b"a",
    b"a\x00",
    b"b" * 509,
    b"b" * 510,
    b"b" * 511,
    b"b" * 511 + b"\x00",
    b"b" * 512,
    b"b" * 600,
    b"b" * 510 + b"c",
    b"b" * 510 + b"cc",
    b"c",
    b"\xff" * 511,
    b"\xff" * 2000,
]
keys = st.sampled_from(KEYS)
values = st.binary(max_size=20) | st.integers(2000, 9000).map(lambda size: b"v" * size)
changes = st.lists(st.tuples(keys, st.none() | values), min_size=1, max_size=6)


class Refused(Exception):
    """What a change raises that is to be undone."""


def apply(transaction: WriteTransaction, change: list[tuple[bytes, bytes | None]], fail: bool) -> None:
    for key, value in change:
        if value is None:
            transaction.delete(key)
        else:
            transaction.put(key, value)
    if fail:
        raise Refused


class _StoreMachine(RuleBasedStateMachine):
    """Compares with a plain dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model: dict[bytes, bytes] = {}
        self.store: Store = self.run(self.open())

    async def open(self) -> Store:
        raise AssertionError("each machine has its own store")

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()

    @rule(group=st.lists(st.tuples(changes, st.booleans()), min_size=1, max_size=4))
    def write(self, group: list[tuple[list[tuple[bytes, bytes | None]], bool]]) -> None:
        async def write() -> None:
            results = await asyncio.gather(
                *(
                    self.store.write(lambda transaction, change=change, fail=fail: apply(transaction, change, fail))  # type: ignore[misc]
                    for change, fail in group
                ),
                return_exceptions=True,
            )
            assert [isinstance(result, Refused) for result in results] == [fail for _, fail in group]

        self.run(write())
        for change, fail in group:
            for key, value in [] if fail else change:
                if value is None:
                    self.model.pop(key, None)
                else:
                    self.model[key] = value

    @rule(start=st.just(b"") | keys, end=st.none() | keys, backward=st.booleans())
    def scan(self, start: bytes, end: bytes | None, backward: bool) -> None:
        expected = sorted(
            (pair for pair in self.model.items() if start <= pair[0] and (end is None or pair[0] < end)),
            reverse=backward,
        )
        assert list(self.store.read().scan(start, end, backward=backward)) == expected

    @rule(key=keys)
    def get(self, key: bytes) -> None:
        assert self.store.read().get(key) == self.model.get(key)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert dict(self.store.read().scan()) == self.model


class LmdbMachine(_StoreMachine):
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="globule-store-"))
        super().__init__()

    async def open(self) -> Store:
        return await open_store(self.folder, map_bytes=64 * 1024)

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        assert verify_store(self.folder).problems == []
        self.store = self.run(self.open())

    def teardown(self) -> None:
        super().teardown()
        assert verify_store(self.folder).problems == []
        shutil.rmtree(self.folder)


class CrashMachine(_StoreMachine):
    """A group that is on its way at the crash is there whole, or not at all."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.entropy = SeededEntropy(0)
        super().__init__()

    @initialize(seed=st.integers(0, 1000))
    def choose_entropy(self, seed: int) -> None:
        self.entropy = SeededEntropy(seed)

    async def open(self) -> Store:
        self.engine = MemoryEngine(self.disk, entropy=self.entropy)
        return GroupStore(self.engine)

    @rule(group=st.lists(changes, min_size=1, max_size=3), turns=st.integers(0, 3))
    def crash(self, group: list[list[tuple[bytes, bytes | None]]], turns: int) -> None:
        async def crash() -> None:
            writing = [
                asyncio.ensure_future(
                    self.store.write(lambda transaction, change=change: apply(transaction, change, False))  # type: ignore[misc]
                )
                for change in group
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            self.engine.crash()
            for task in writing:
                task.cancel()
            await asyncio.gather(*writing, return_exceptions=True)
            self.store = await self.open()

        self.run(crash())
        survived = dict(self.store.read().scan())
        after = dict(self.model)
        for change in group:
            for key, value in change:
                if value is None:
                    after.pop(key, None)
                else:
                    after[key] = value
        assert survived in (self.model, after)
        self.model = survived


def _case(machine: type[RuleBasedStateMachine], examples: int) -> Any:
    case = machine.TestCase  # type: ignore[attr-defined]
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    return case


TestLmdbStoreIsASortedDictionary = _case(LmdbMachine, 25)
TestCrashesLoseWholeUnacknowledgedGroupsOnly = _case(CrashMachine, 40)
