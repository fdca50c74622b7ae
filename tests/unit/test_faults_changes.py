"""What a change makes of the faults in force."""

import pytest

from globule.faults.changes import FaultChange, Heal, Kill, Partition, Restart, Slow, changed, impossible
from globule.world.faults import Faults, LinkFault


def test_a_killed_region_is_dead_until_it_is_restarted() -> None:
    faults = changed(Faults(), Kill("eu-west-1"))
    assert faults.dead == ("eu-west-1",)
    assert changed(faults, Restart("eu-west-1")) == Faults()


def test_a_partition_cuts_both_directions_and_nothing_else() -> None:
    faults = changed(Faults(), Partition("eu-west-1", "us-east-1"))
    for one, other in (("eu-west-1", "us-east-1"), ("us-east-1", "eu-west-1")):
        fault = faults.on(one, other)
        assert fault is not None and fault.cut
    assert faults.on("eu-west-1", "ap-northeast-1") is None


def test_a_star_cuts_a_place_off_from_everywhere_but_itself() -> None:
    faults = changed(Faults(), Partition("eu-west-1", "*"))
    fault = faults.on("FRA", "eu-west-1")
    assert fault is not None and fault.cut
    assert faults.on("eu-west-1", "eu-west-1") is None


def test_a_later_fault_on_the_same_link_replaces_the_earlier_one_in_either_order_of_names() -> None:
    faults = changed(changed(Faults(), Partition("a", "b")), Slow("b", "a", delay_ms=30))
    assert faults.links == (LinkFault(between=("b", "a"), extra_delay_ms=30),)


def test_healing_one_link_keeps_the_others_and_healing_all_keeps_the_dead() -> None:
    faults = changed(Faults(), Kill("c"))
    for change in (Partition("a", "b"), Slow("a", "c", loss=0.5)):
        faults = changed(faults, change)
    healed = changed(faults, Heal("b", "a"))
    assert [link.between for link in healed.links] == [("a", "c")]
    assert changed(faults, Heal()) == Faults(dead=("c",))


def test_healing_one_place_mends_all_its_links() -> None:
    faults = Faults()
    for change in (Partition("a", "b"), Partition("a"), Partition("c", "a"), Partition("b", "c")):
        faults = changed(faults, change)
    assert [link.between for link in changed(faults, Heal("a")).links] == [("b", "c")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Partition("tokio"), "did you mean tokyo"),
        (Slow("eu-west-1", "Ireland", delay_ms=1), "did you mean eu-west-1"),
        (Heal("nowhere"), "no place is called 'nowhere'"),
        (Partition("tokyo", "tokyo"), "itself"),
        (Slow("tokyo", delay_ms=-1), "from 0 to 60000 ms"),
        (Slow("tokyo", delay_ms=float("nan")), "from 0 to 60000 ms"),
        (Slow("tokyo", loss=1.5), "from 0 to 1"),
    ],
)
def test_a_change_that_means_nothing_is_refused_with_a_reason(change: FaultChange, why: str) -> None:
    said = impossible(change)
    assert said is not None and why in said


@pytest.mark.parametrize("change", [Kill("edge"), Partition("tokyo"), Slow("FRA", "eu-west-1", loss=0.1), Heal()])
def test_a_change_that_means_something_is_not(change: FaultChange) -> None:
    assert impossible(change) is None


def test_the_worst_of_several_faults_counts() -> None:
    faults = changed(changed(Faults(), Slow("a", "*", delay_ms=5)), Partition("a", "b"))
    fault = faults.on("b", "a")
    assert fault is not None and fault.cut


@pytest.mark.parametrize("change", [Kill("a"), Restart("a"), Partition("a", "b"), Slow("a", "b", delay_ms=1), Heal()])
def test_a_change_applied_twice_is_the_same_as_once(change: FaultChange) -> None:
    before = Faults(dead=("a", "z"), links=(LinkFault(between=("b", "a"), cut=True),))
    once = changed(before, change)
    assert changed(once, change) == once
