"""One run: a table in two regions that gets a third one, clients, faults for some minutes, then the checks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import msgspec

from globule.host.entropy import SeededEntropy
from globule.simulation import checks
from globule.simulation.clock import SkewedClock
from globule.simulation.faults import Faults
from globule.simulation.growth import grow
from globule.simulation.loop import run
from globule.simulation.network import Network
from globule.simulation.region import Region
from globule.simulation.workload import SPEC, TABLE, Workload

REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")

# After healing: retries, back-offs and the slowest link's round trips.
SETTLING_LIMIT_S = 120.0
POLL_S = 0.25


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run showed."""

    seed: int
    minutes: float
    problems: tuple[str, ...]
    faults: tuple[str, ...]
    acknowledged: int
    discarded: int
    crashes: int
    messages: int
    trace: str
    """Equal for equal runs."""

    @property
    def command(self) -> str:
        """Runs it again."""
        return f"python -m globule.simulation --first {self.seed} --seeds 1 --minutes {self.minutes:g}"


def simulate(seed: int, *, minutes: float) -> Outcome:
    """The same seed gives the same outcome."""
    return run(_simulate(seed, minutes))


async def _simulate(seed: int, minutes: float) -> Outcome:
    entropy = SeededEntropy(seed)
    network = Network(SeededEntropy(seed + 1_000_000_007))
    regions = [
        Region(
            name,
            network=network,
            entropy=SeededEntropy(seed * 31 + number),
            sweep_period_s=0.5 + 10 * entropy.uniform() ** 2,
            clock=SkewedClock(offset_s=4 * entropy.uniform() - 2, drift=0.02 * entropy.uniform() - 0.01),
        )
        for number, name in enumerate(REGIONS)
    ]
    for region in regions:
        await region.start()
    home = regions[0].tables
    await home.create(SPEC)
    await home.add_replica(TABLE, REGIONS[1])
    await _until(lambda: all(replica.status == "ACTIVE" for replica in home.find(TABLE).replicas))
    workload = Workload(SeededEntropy(seed + 2))
    faults = Faults(regions, network, SeededEntropy(seed + 3))
    until_s = minutes * 60
    async with asyncio.TaskGroup() as group:
        group.create_task(faults.run(until_s))
        group.create_task(grow(regions[0], regions[2], SeededEntropy(seed + 4), until_s))
        for region in regions:
            for pause_s in (0.5, 4.0):
                group.create_task(workload.client(region, until_s, pause_s))
    found = await _check(regions, workload)
    outcome = Outcome(
        seed=seed,
        minutes=minutes,
        problems=tuple(found),
        faults=tuple(faults.happened),
        acknowledged=sum(write.acknowledged for write in workload.writes.values()),
        discarded=sum(len(region.tables.conflicts(limit=1_000_000)) for region in regions),
        crashes=sum(region.crashes for region in regions),
        messages=network.delivered,
        trace=_trace(regions, workload),
    )
    for region in regions:
        await region.tables.close()
    return outcome


async def _check(regions: list[Region], workload: Workload) -> list[str]:
    try:
        await _until(lambda: checks.settled(regions))
    except TimeoutError:
        waiting = {region.name: region.tables.statistics()["replication"]["to"] for region in regions}
        return [f"not settled {SETTLING_LIMIT_S:.0f} s after healing: {waiting}", *checks.problems(regions, workload)]
    return checks.problems(regions, workload)


async def _until(condition: Callable[[], bool]) -> None:
    """Raises TimeoutError."""
    for _ in range(int(SETTLING_LIMIT_S / POLL_S)):
        if condition():
            return
        await asyncio.sleep(POLL_S)
    raise TimeoutError


def _trace(regions: list[Region], workload: Workload) -> str:
    digest = hashlib.sha256()
    for region in regions:
        for key in region.disk.keys:
            digest.update(key + region.disk.pairs[key])
    digest.update(repr(sorted(workload.writes)).encode())
    return digest.hexdigest()[:16]
