"""Links obey the newest world."""

from __future__ import annotations

import gc
import math

from globule.wan.links import Link, Links
from globule.wan.slow_start import Path
from globule.world import distance
from globule.world.faults import Faults, LinkFault
from globule.world.places import city, region
from globule.world.snapshot import Scales, World

LONDON, IRELAND, VIRGINIA = city("london"), region("eu-west-1"), region("us-east-1")


class Watcher:
    def __init__(self) -> None:
        self.saw: list[tuple[Path, Path]] = []

    def path_changed(self, before: Path, now: Path) -> None:
        self.saw.append((before, now))


def world(*faults: LinkFault, scale: float = 1.0) -> World:
    return World(scales=Scales(wan=scale), faults=Faults(links=faults))


def test_a_whole_link_is_half_the_round_trip_long() -> None:
    path = Links(world()).path(IRELAND, VIRGINIA, "backbone")
    assert path.one_way_seconds == distance.round_trip_ms(IRELAND, VIRGINIA, network="backbone") / 2000
    assert path.bytes_per_second == distance.BYTES_PER_SECOND["backbone"]
    assert (path.jitter_seconds, path.loss, path.cut) == (0.0, 0.0, False)


def test_the_internet_jitters() -> None:
    assert Links(world()).path(LONDON, VIRGINIA, "internet").jitter_seconds > 0


def test_distance_scales_with_the_world() -> None:
    whole, tenth = (Links(world(scale=scale)).path(LONDON, VIRGINIA, "internet") for scale in (1.0, 0.1))
    assert math.isclose(tenth.one_way_seconds, whole.one_way_seconds / 10)
    assert math.isclose(tenth.jitter_seconds, whole.jitter_seconds / 10)


def test_a_scale_of_zero_is_a_clear_path_on_which_faults_still_bite() -> None:
    assert Links(world(scale=0)).path(LONDON, VIRGINIA, "internet").is_clear
    fault = LinkFault(between=("us-east-1", "london"), extra_delay_ms=30, loss=0.1)
    path = Links(world(fault, scale=0)).path(LONDON, VIRGINIA, "internet")
    assert (path.one_way_seconds, path.loss) == (0.03, 0.1)


def test_another_earth_may_be_given() -> None:
    path = Links(world(scale=0.5), round_trip=lambda one, other, network: 80.0).path(LONDON, VIRGINIA, "backbone")
    assert path.one_way_seconds == 0.02


def test_live_links_hear_of_a_world_that_changes_them_and_of_no_other() -> None:
    links, watcher, other = Links(world()), Watcher(), Watcher()
    link = links.link(IRELAND, VIRGINIA, "backbone")
    bystander = links.link(LONDON, IRELAND, "internet")
    link.watch(watcher)
    bystander.watch(other)
    links.follow(world(LinkFault(between=("eu-west-1", "us-east-1"), cut=True)))
    links.follow(World(version=9, faults=Faults(links=(LinkFault(between=("eu-west-1", "us-east-1"), cut=True),))))
    links.follow(world())
    assert [(before.cut, now.cut) for before, now in watcher.saw] == [(False, True), (True, False)]
    assert other.saw == []
    link.unwatch(watcher)
    links.follow(world(scale=0))
    assert len(watcher.saw) == 2


def test_connections_share_a_link_and_forget_it_together() -> None:
    links = Links(world())
    link: Link | None = links.link(IRELAND, VIRGINIA, "backbone")
    assert links.link(IRELAND, VIRGINIA, "backbone") is link
    assert links.link(IRELAND, VIRGINIA, "internet") is not link
    assert repr(links) == "<Links of world 0, 1 in use>"
    link = None
    gc.collect()
    assert repr(links) == "<Links of world 0, 0 in use>"
