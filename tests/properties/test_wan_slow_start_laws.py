"""Laws of the schedule: every byte, in order, never early, and no more than the window lets out."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from globule.wan.slow_start import INITIAL_WINDOW_BYTES, Burst, Path, Sender

PATHS = st.builds(
    Path,
    one_way_seconds=st.floats(0, 0.2),
    jitter_seconds=st.sampled_from([0.0, 0.001, 0.05]),
    bytes_per_second=st.sampled_from([1e4, 12.5e6, 625e6, float("inf")]),
    loss=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
)
Writes = list[tuple[float, int]]
WRITES: st.SearchStrategy[Writes] = st.lists(
    st.tuples(st.floats(0, 1), st.integers(1, 300_000)), min_size=1, max_size=8
)


def schedule(path: Path, writes: Writes, seed: int) -> list[tuple[float, list[Burst]]]:
    sender, uniform, now, scheduled = Sender(), random.Random(seed).random, 0.0, []
    for pause, size_bytes in writes:
        now += pause
        scheduled.append((now, sender.send(size_bytes, now, path, uniform)))
    return scheduled


@given(PATHS, WRITES, st.integers(0, 99))
def test_every_byte_is_sent_once_in_order_and_never_early(path: Path, writes: Writes, seed: int) -> None:
    arrived = departed = 0.0
    for (written_at, bursts), (_, size_bytes) in zip(schedule(path, writes, seed), writes, strict=True):
        assert sum(burst.size_bytes for burst in bursts) == size_bytes
        for burst in bursts:
            assert burst.departs >= written_at
            assert burst.departs >= departed
            assert burst.arrives >= max(arrived, burst.departs + path.one_way_seconds)
            arrived, departed = burst.arrives, burst.departs


@given(PATHS, WRITES, st.integers(0, 99))
def test_a_connection_is_never_faster_than_its_line(path: Path, writes: Writes, seed: int) -> None:
    scheduled = schedule(path, writes, seed)
    total_bytes = sum(size_bytes for _, size_bytes in writes)
    assert scheduled[-1][1][-1].departs >= total_bytes / path.bytes_per_second * (1 - 1e-9)


@given(PATHS, WRITES, st.integers(0, 99))
def test_only_acknowledgements_let_more_out(path: Path, writes: Writes, seed: int) -> None:
    """What has left is at most the initial window, and for each acknowledged byte that byte and one more."""
    bursts = [burst for _, bursts in schedule(path, writes, seed) for burst in bursts]
    left_bytes = 0
    for burst in bursts:
        left_bytes += burst.size_bytes
        acknowledged_bytes = sum(
            other.size_bytes for other in bursts if other.arrives + path.one_way_seconds <= burst.departs
        )
        assert left_bytes <= INITIAL_WINDOW_BYTES + 2 * acknowledged_bytes


@given(PATHS, WRITES, st.integers(0, 99))
def test_the_same_chances_give_the_same_schedule(path: Path, writes: Writes, seed: int) -> None:
    assert schedule(path, writes, seed) == schedule(path, writes, seed)
