"""The names of the newest world, and the answers to questions about them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from globule.host.entropy import Entropy
from globule.route53.model import HealthCheck, RecordSet
from globule.route53.rules.answer import Answer, Facts, answer
from globule.route53.rules.health import CHECKER_REGIONS, notices
from globule.route53.rules.owned import OwnedLookup
from globule.route53.rules.zones import Zones, zones_of
from globule.route53.serving.board import HealthBoard
from globule.wire.dns import CNAME, NOERROR, A, Question
from globule.wire.dns_names import NAME_BYTES
from globule.world import places
from globule.world.places import Place
from globule.world.ports import Ports
from globule.world.snapshot import World

# Looking a name up walks the world's resources; this many different ones are remembered.
OWNED_CACHE_SIZE = 1024

# AWS documents neither how often it looks at the targets of aliases, nor from where; these are its fast health check's.
TARGET_INTERVAL_SECONDS = 10
TARGET_FAILURE_THRESHOLD = 3


class Names:
    """Follows the world; `answer` is what a name server says at this instant."""

    def __init__(self, world: World, *, owned: OwnedLookup, board: HealthBoard, entropy: Entropy) -> None:
        self._owned_lookup = owned
        self._entropy = entropy
        self.board = board
        self._worlds = 0
        self.follow(world)

    def __repr__(self) -> str:
        return f"<Names of {len(self.zones.by_name)} zones in world {self.world.version}>"

    def follow(self, world: World) -> None:
        self.world = world
        self.zones: Zones = zones_of(world)
        self.home: Place = places.city(world.home)
        self.internet_port = Ports(world.port_base).internet
        self.checks: Mapping[str, HealthCheck] = {check.id: check for check in world.of(HealthCheck)}
        self.probed: Mapping[str, HealthCheck] = {**self.checks, **_targets(self.zones)}
        self._owned = functools.lru_cache(OWNED_CACHE_SIZE)(functools.partial(self._owned_lookup, world))
        self.board.follow(self.probed)
        self._worlds += 1
        self._facts_of = (0, 0)

    @property
    def generation(self) -> tuple[int, int]:
        """Changes whenever an answer may have changed."""
        return (self._worlds, self.board.version)

    def answer(self, question: Question, *, client: Place) -> tuple[Answer, bool]:
        """The answer, and whether chance had a part in it."""
        draws = 0

        def uniform() -> float:
            nonlocal draws
            draws += 1
            return self._entropy.uniform()

        found = answer(self._facts(), question, client=client, entropy=uniform)
        return found, draws > 0

    def contains(self, name: str) -> bool:
        """Whether the name, which may be any text, is one of this world."""
        return len(name) <= NAME_BYTES and self.answer(Question(name, A), client=self.home)[0].rcode == NOERROR

    def listed(self) -> Sequence[str]:
        """Names that lead somewhere, for people to choose from; without wildcards."""
        return sorted(
            name
            for zone in self.zones.by_name.values()
            for name, types in zone.groups.items()
            if not name.startswith("*") and (A in types or CNAME in types)
        )

    def problems(self) -> list[str]:
        return [*self.zones.problems, *notices(self.checks)]

    def _facts(self) -> Facts:
        if self._facts_of != self.generation:
            self._facts_of = self.generation
            self._known = Facts(
                zones=self.zones,
                health=self.board.statuses,
                owned=self._owned,
                running=frozenset(self.world.regions),
                ttl_scale=self.world.scales.time,
            )
        return self._known


def _targets(zones: Zones) -> dict[str, HealthCheck]:
    """A health check, under the target's own name, for each name of AWS's that an alias evaluates."""
    records: list[RecordSet] = [
        entry.record
        for zone in zones.by_name.values()
        for types in zone.groups.values()
        for group in types.values()
        for entry in group
    ]
    return {
        record.alias.name: HealthCheck(
            id=record.alias.name,
            kind="TCP",
            domain=record.alias.name,
            port=443,
            interval_seconds=TARGET_INTERVAL_SECONDS,
            failure_threshold=TARGET_FAILURE_THRESHOLD,
            regions=CHECKER_REGIONS,
        )
        for record in records
        if record.alias is not None and record.alias.evaluate_health and record.alias.zone_id not in zones.by_id
    }
