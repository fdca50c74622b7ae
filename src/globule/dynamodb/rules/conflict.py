"""Which of two writes to one item stays: the last writer wins, and we know when somebody lost.

AWS settles conflicts between replicas by the time of the write, for the whole item, and keeps no record of the loser
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html). So do we: the
greater (stamp, region) wins, whatever the order of arrival. The tie rule is ours; AWS does not publish its own.

To say which writes were *lost*, and not merely followed by another, each version also carries what its writer had
seen of this item: for each region, the latest of its stamps. A write that has seen another one succeeds it; of two
that have not seen each other, one is discarded. A version that has seen everything up to a stamp, whoever wrote it,
says so under ANYONE: tombstones up to there are forgotten.
"""

from __future__ import annotations

import enum

import msgspec

ANYONE = "*"

Seen = tuple[tuple[str, int], ...]
"""Regions and stamps, in the order of the regions."""


class Version(msgspec.Struct, frozen=True):
    """One write of one item."""

    stamp: int
    """Hybrid logical time (`rules.clock`)."""
    region: str
    """Where it was written."""
    seen: Seen = ()
    """What its writer, or a replica that settled a conflict about it, had seen; its own writes go without saying."""

    def has_seen(self, other: Version) -> bool:
        """Whether `other` is this write, or one that it followed."""
        if self.region == other.region and self.stamp >= other.stamp:
            return True
        return any(region in (other.region, ANYONE) and stamp >= other.stamp for region, stamp in self.seen)

    def beats(self, other: Version) -> bool:
        return (self.stamp, self.region) > (other.stamp, other.region)


class Settlement(enum.Enum):
    """What becomes of a write that arrives at a replica."""

    KNOWN = "it is here already, or was followed by what is here"
    FOLLOWS = "it has seen what is here, and takes its place"
    WINS = "neither has seen the other; it takes the place of what is here, which is discarded"
    LOSES = "neither has seen the other; what is here stays, and it is discarded"


def settle(here: Version | None, arriving: Version) -> tuple[Settlement, Version]:
    """What happens, and the version that the replica then has."""
    if here is None:
        return Settlement.FOLLOWS, arriving
    if here.has_seen(arriving):
        return Settlement.KNOWN, here
    if arriving.has_seen(here):
        return Settlement.FOLLOWS, _knowing(arriving, here)
    if arriving.beats(here):
        return Settlement.WINS, _knowing(arriving, here)
    return Settlement.LOSES, _knowing(here, arriving)


def successor(here: Version | None, *, stamp: int, region: str, forgotten: int) -> Version:
    """The version of a local write over `here`. `forgotten` is the stamp up to which tombstones were forgotten: where
    nothing is here, everything up to it has been seen."""
    if here is not None:
        return _knowing(Version(stamp, region), here)
    return Version(stamp, region, ((ANYONE, forgotten),) if forgotten else ())


def _knowing(version: Version, other: Version) -> Version:
    """`version`, that has also seen `other` and all that it had seen."""
    if other.region == version.region and not other.seen:
        return version
    known = dict(version.seen)
    for region, stamp in (*other.seen, (other.region, other.stamp)):
        if stamp > known.get(region, 0):
            known[region] = stamp
    own = known.get(version.region, 0)
    if own <= version.stamp:
        known.pop(version.region, None)
    return Version(version.stamp, version.region, tuple(sorted(known.items())))
