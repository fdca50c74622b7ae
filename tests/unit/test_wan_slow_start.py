"""When bytes leave and arrive, to the byte and the tick."""

from __future__ import annotations

import math

import pytest

from globule.wan.slow_start import (
    BURST_BYTES,
    INITIAL_WINDOW_BYTES,
    MAXIMUM_WINDOW_BYTES,
    MINIMUM_TIMEOUT_SECONDS,
    SEGMENT_BYTES,
    Burst,
    Path,
    Sender,
)


def never() -> float:
    raise AssertionError("a path without loss and jitter draws no chance")


def sizes_by_arrival(bursts: list[Burst]) -> dict[float, int]:
    flights: dict[float, int] = {}
    for burst in bursts:
        arrives = round(burst.arrives, 9)
        flights[arrives] = flights.get(arrives, 0) + burst.size_bytes
    return flights


def test_a_small_write_arrives_one_way_later() -> None:
    assert Sender().send(100, 5.0, Path(one_way_seconds=0.25), never) == [Burst(100, 5.0, 5.25)]


def test_each_round_trip_carries_twice_as_much_as_the_one_before() -> None:
    bursts = Sender().send(15 * INITIAL_WINDOW_BYTES, 0.0, Path(one_way_seconds=0.5), never)
    assert sizes_by_arrival(bursts) == {
        0.5: INITIAL_WINDOW_BYTES,
        1.5: 2 * INITIAL_WINDOW_BYTES,
        2.5: 4 * INITIAL_WINDOW_BYTES,
        3.5: 8 * INITIAL_WINDOW_BYTES,
    }


def test_a_warm_connection_keeps_its_window() -> None:
    path, sender = Path(one_way_seconds=0.5), Sender()
    sender.send(7 * INITIAL_WINDOW_BYTES, 0.0, path, never)
    assert sizes_by_arrival(sender.send(8 * INITIAL_WINDOW_BYTES, 1000.0, path, never)) == {
        1000.5: 8 * INITIAL_WINDOW_BYTES
    }


def test_small_writes_do_not_grow_the_window() -> None:
    """As in Linux, it grows only while it is what limits the sender."""
    path, sender = Path(one_way_seconds=0.5), Sender()
    for second in range(100):
        sender.send(1000, 2.0 * second, path, never)
    assert sender.window_bytes == INITIAL_WINDOW_BYTES


def test_writes_in_one_round_trip_share_the_window() -> None:
    path, sender = Path(one_way_seconds=0.5), Sender()
    assert sender.send(INITIAL_WINDOW_BYTES, 0.0, path, never) == [Burst(INITIAL_WINDOW_BYTES, 0.0, 0.5)]
    assert sender.send(10, 0.1, path, never) == [Burst(10, 1.0, 1.5)]


def test_the_window_stops_at_its_maximum() -> None:
    path, sender = Path(one_way_seconds=0.5), Sender()
    sender.send(20 * MAXIMUM_WINDOW_BYTES, 0.0, path, never)
    assert sender.window_bytes == MAXIMUM_WINDOW_BYTES


def test_bandwidth_decides_when_the_window_does_not() -> None:
    """A megabyte a second without distance: a megabyte takes a second, and arrives burst by burst."""
    bursts = Sender().send(1_000_000, 0.0, Path(bytes_per_second=1_000_000.0), never)
    assert bursts[-1].arrives == pytest.approx(1.0)
    assert max(burst.size_bytes for burst in bursts) <= BURST_BYTES
    assert [burst.arrives for burst in bursts] == sorted(burst.arrives for burst in bursts)


def test_a_write_waits_until_the_line_is_free() -> None:
    path, sender = Path(one_way_seconds=1.0, bytes_per_second=1000.0), Sender()
    assert sender.send(500, 0.0, path, never) == [Burst(500, 0.5, 1.5)]
    assert sender.send(500, 0.1, path, never) == [Burst(500, 1.0, 2.0)]
    assert sender.mark(0.2, path, never) == 2.0


def test_the_end_arrives_after_the_last_byte() -> None:
    path, sender = Path(one_way_seconds=0.5), Sender()
    bursts = sender.send(3 * INITIAL_WINDOW_BYTES, 0.0, path, never)
    assert sender.mark(0.0, path, never) == bursts[-1].arrives == 1.5


def test_jitter_is_late_and_never_reorders() -> None:
    path = Path(one_way_seconds=0.5, jitter_seconds=0.1)
    chances = iter([1 - math.exp(-1), 0.0])
    sender = Sender()
    assert sender.send(10, 0.0, path, lambda: next(chances))[0].arrives == pytest.approx(0.6)
    assert sender.send(10, 0.0, path, lambda: next(chances))[0].arrives == pytest.approx(0.6)


def test_a_loss_among_many_segments_costs_a_round_trip_and_half_the_window() -> None:
    path, sender = Path(one_way_seconds=0.5, loss=0.5), Sender()
    chances = iter([0.0, 0.9])  # lost; the retransmission is not
    (burst,) = sender.send(10 * SEGMENT_BYTES, 0.0, path, lambda: next(chances))
    assert burst.arrives == 1.5
    assert sender.window_bytes == 5 * SEGMENT_BYTES


def test_a_loss_at_the_tail_costs_a_timeout() -> None:
    path, sender = Path(one_way_seconds=0.5, loss=0.5), Sender()
    chances = iter([0.0, 0.9])
    (burst,) = sender.send(SEGMENT_BYTES, 0.0, path, lambda: next(chances))
    assert burst.arrives == pytest.approx(0.5 + 1.0 + MINIMUM_TIMEOUT_SECONDS)


def test_a_lost_retransmission_waits_twice_as_long() -> None:
    path, sender = Path(one_way_seconds=0.5, loss=0.5), Sender()
    chances = iter([0.0, 0.0, 0.9])
    (burst,) = sender.send(SEGMENT_BYTES, 0.0, path, lambda: next(chances))
    assert burst.arrives == pytest.approx(0.5 + 2 * (1.0 + MINIMUM_TIMEOUT_SECONDS))


def test_total_loss_still_ends() -> None:
    """A path that loses everything is a very slow one; `cut` is what stops bytes."""
    (burst,) = Sender().send(1, 0.0, Path(one_way_seconds=0.05, loss=1.0), lambda: 0.0)
    assert burst.arrives < 60


def test_after_a_loss_the_window_grows_by_a_segment_a_round_trip() -> None:
    path, sender = Path(one_way_seconds=0.5, loss=0.5), Sender()
    chances = iter([0.0, 0.9, 0.99])
    sender.send(10 * SEGMENT_BYTES, 0.0, path, lambda: next(chances))
    sender.send(5 * SEGMENT_BYTES, 10.0, path, lambda: next(chances))
    sender.send(1, 20.0, Path(one_way_seconds=0.5), never)
    assert sender.window_bytes == 6 * SEGMENT_BYTES


def test_a_restart_begins_with_the_initial_window() -> None:
    path, sender = Path(one_way_seconds=0.5), Sender()
    sender.send(31 * INITIAL_WINDOW_BYTES, 0.0, path, never)
    sender.restart()
    flights = sizes_by_arrival(sender.send(2 * INITIAL_WINDOW_BYTES, 1.0, path, never))
    assert flights == {1.5: INITIAL_WINDOW_BYTES, 2.5: INITIAL_WINDOW_BYTES}


def test_a_path_that_changes_nothing_is_clear() -> None:
    assert Path().is_clear
    assert not any(
        path.is_clear
        for path in (Path(one_way_seconds=0.1), Path(loss=0.1), Path(cut=True), Path(bytes_per_second=1.0))
    )
