"""One direction of a shaped connection, on a clock that the test turns."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from globule.wan.links import Link
from globule.wan.slow_start import INITIAL_WINDOW_BYTES, Path
from globule.wan.stream import Closed, Ended, Item, Stream
from globule.world.places import city


class Clock:
    """Timers that stand still until told."""

    def __init__(self) -> None:
        self.instant = 0.0
        self.calls: list[tuple[float, int, Callable[[], None]]] = []
        self.asked = 0

    def now(self) -> float:
        return self.instant

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self.asked += 1
        heapq.heappush(self.calls, (when, self.asked, callback))

    def close(self) -> None:
        self.calls.clear()

    def go_to(self, instant: float) -> None:
        while self.calls and self.calls[0][0] <= instant:
            self.instant, _, callback = heapq.heappop(self.calls)
            callback()
        self.instant = instant


class Receiver:
    """A stream, and what came out of it, when."""

    def __init__(self, path: Path, *, high_bytes: int = 1000, low_bytes: int = 100) -> None:
        self.clock = Clock()
        self.link = Link(city("london"), city("tokyo"), "internet", path)
        self.got: list[tuple[float, Item]] = []
        self.signals: list[tuple[float, str]] = []
        self.stream = Stream(
            self.link,
            self.clock,
            lambda: 0.5,
            deliver=lambda item: self.got.append((round(self.clock.now(), 6), item)),
            on_full=lambda: self.signals.append((round(self.clock.now(), 6), "full")),
            on_drained=lambda: self.signals.append((round(self.clock.now(), 6), "drained")),
            high_bytes=high_bytes,
            low_bytes=low_bytes,
        )
        self.link.watch(self.stream)

    def data(self) -> bytes:
        return b"".join(bytes(item) for _, item in self.got if isinstance(item, bytes | memoryview))


def test_bytes_come_out_one_way_later() -> None:
    receiver = Receiver(Path(one_way_seconds=0.25))
    receiver.stream.send(b"hello")
    receiver.clock.go_to(0.2)
    assert receiver.got == []
    receiver.clock.go_to(1.0)
    assert receiver.got == [(0.25, b"hello")]


def test_a_clear_path_hands_over_at_once() -> None:
    receiver = Receiver(Path())
    receiver.stream.send(b"hello")
    receiver.stream.finish(Ended())
    assert receiver.got == [(0.0, b"hello"), (0.0, Ended())]
    assert receiver.clock.asked == 0


def test_the_end_comes_out_after_the_bytes() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.send(b"x" * 3 * INITIAL_WINDOW_BYTES)
    receiver.stream.finish(Closed())
    receiver.clock.go_to(9.0)
    assert receiver.data() == b"x" * 3 * INITIAL_WINDOW_BYTES
    assert receiver.got[-1] == (1.5, Closed())


def test_nothing_comes_out_while_the_link_is_cut_and_all_does_one_way_after_it_healed() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.send(b"before")
    receiver.clock.go_to(0.1)
    receiver.link.change(Path(one_way_seconds=0.5, cut=True))
    receiver.stream.send(b"during")
    receiver.stream.finish(Ended())
    receiver.clock.go_to(10.0)
    assert receiver.got == []
    receiver.link.change(Path(one_way_seconds=0.5))
    receiver.clock.go_to(20.0)
    assert receiver.got == [(10.5, b"before"), (10.5, b"during"), (10.5, Ended())]


def test_a_healed_link_begins_with_the_initial_window() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.send(b"x" * 7 * INITIAL_WINDOW_BYTES)
    receiver.clock.go_to(100.0)
    receiver.got.clear()
    receiver.link.change(Path(one_way_seconds=0.5, cut=True))
    receiver.stream.send(b"y" * 3 * INITIAL_WINDOW_BYTES)
    receiver.link.change(Path(one_way_seconds=0.5))
    receiver.clock.go_to(200.0)
    assert [(instant, len(item)) for instant, item in receiver.got if isinstance(item, bytes | memoryview)] == [
        (100.5, INITIAL_WINDOW_BYTES),
        (101.5, 2 * INITIAL_WINDOW_BYTES),
    ]


def test_a_clear_path_stalls_too_when_it_is_cut() -> None:
    receiver = Receiver(Path())
    receiver.link.change(Path(cut=True))
    receiver.stream.send(b"hello")
    receiver.clock.go_to(5.0)
    assert receiver.got == []
    receiver.link.change(Path())
    receiver.clock.go_to(5.0)
    assert receiver.data() == b"hello"


def test_more_delay_applies_to_what_is_sent_from_then_on() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.send(b"before")
    receiver.link.change(Path(one_way_seconds=2.0))
    receiver.stream.send(b"after")
    receiver.clock.go_to(9.0)
    assert receiver.got == [(0.5, b"before"), (2.0, b"after")]


def test_less_delay_does_not_reorder() -> None:
    receiver = Receiver(Path(one_way_seconds=2.0))
    receiver.stream.send(b"before")
    receiver.link.change(Path())
    receiver.stream.send(b"after")
    receiver.clock.go_to(9.0)
    assert receiver.data() == b"beforeafter"


def test_a_held_stream_hands_over_when_it_is_released() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.hold()
    receiver.stream.send(b"hello")
    receiver.clock.go_to(3.0)
    assert receiver.got == []
    receiver.stream.release()
    assert receiver.got == [(3.0, b"hello")]


def test_it_is_full_while_much_waits_to_leave_and_drained_when_it_has() -> None:
    """1,000 bytes a second: 2,000 bytes have left down to the low mark of 100 after two seconds, burst by burst."""
    receiver = Receiver(Path(one_way_seconds=0.5, bytes_per_second=1000.0))
    for _ in range(20):
        receiver.stream.send(b"x" * 100)
    assert receiver.signals == [(0.0, "full")]
    assert receiver.stream.waiting_bytes() == 2000
    receiver.clock.go_to(1.85)
    assert receiver.signals == [(0.0, "full")]
    receiver.clock.go_to(9.0)
    assert receiver.signals == [(0.0, "full"), (1.9, "drained")]


def test_what_is_in_flight_does_not_count_as_waiting() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5), high_bytes=10)
    receiver.stream.send(b"x" * INITIAL_WINDOW_BYTES)
    assert receiver.signals == []
    receiver.stream.send(b"x" * 11)
    assert receiver.signals == [(0.0, "full")]


def test_it_is_full_when_the_receiver_takes_nothing() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5), high_bytes=10, low_bytes=5)
    receiver.stream.send(b"x" * 100)
    receiver.stream.hold()
    assert receiver.signals == [(0.0, "full")]
    receiver.clock.go_to(3.0)
    receiver.stream.release()
    assert receiver.signals == [(0.0, "full"), (3.0, "drained")]
    assert receiver.data() == b"x" * 100


def test_it_is_full_when_much_was_sent_into_a_cut_link() -> None:
    """Else a writer would fill the memory while it waits for the link to heal."""
    receiver = Receiver(Path(one_way_seconds=0.5), high_bytes=10, low_bytes=5)
    receiver.link.change(Path(one_way_seconds=0.5, cut=True))
    receiver.stream.send(b"x" * 20)
    assert receiver.signals == [(0.0, "full")]
    receiver.clock.go_to(60.0)
    receiver.link.change(Path(one_way_seconds=0.5))
    receiver.clock.go_to(70.0)
    assert receiver.signals == [(0.0, "full"), (60.0, "drained")]
    assert receiver.data() == b"x" * 20


def test_what_is_in_flight_when_the_link_is_cut_counts_as_waiting() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5), high_bytes=10, low_bytes=5)
    receiver.stream.send(b"x" * 20)
    receiver.clock.go_to(0.1)
    receiver.link.change(Path(one_way_seconds=0.5, cut=True))
    assert receiver.signals == [(0.1, "full")]


def test_what_has_not_left_can_be_forgotten() -> None:
    receiver = Receiver(Path(one_way_seconds=0.5))
    receiver.stream.send(b"x" * 3 * INITIAL_WINDOW_BYTES)
    receiver.clock.go_to(0.1)
    receiver.stream.discard_undeparted()
    receiver.clock.go_to(9.0)
    assert receiver.data() == b"x" * INITIAL_WINDOW_BYTES


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 100_000)),
        st.tuples(st.just("wait"), st.floats(0, 0.3)),
        st.tuples(st.sampled_from(["hold", "release", "cut", "heal", "slow", "clear"]), st.just(0)),
    ),
    max_size=30,
)
PATHS = {
    "cut": Path(one_way_seconds=0.1, cut=True),
    "heal": Path(one_way_seconds=0.1, jitter_seconds=0.01, bytes_per_second=1e6),
    "slow": Path(one_way_seconds=0.3, loss=0.2),
    "clear": Path(),
}


@given(STEPS)
def test_whatever_happens_every_byte_comes_out_once_and_in_order(steps: list[tuple[str, float]]) -> None:
    """Cuts, delays, losses and slow readers may stall a stream; they never lose, repeat or swap bytes."""
    receiver, sent = Receiver(PATHS["heal"]), bytearray()
    for what, amount in steps:
        match what:
            case "send":
                data = bytes((len(sent) + index) % 251 for index in range(int(amount)))
                sent += data
                receiver.stream.send(data)
            case "wait":
                receiver.clock.go_to(receiver.clock.instant + amount)
            case "hold":
                receiver.stream.hold()
            case "release":
                receiver.stream.release()
            case _:
                receiver.link.change(PATHS[what])
    receiver.stream.finish(Ended())
    receiver.stream.release()
    receiver.link.change(PATHS["heal"])
    receiver.clock.go_to(receiver.clock.instant + 1000)
    assert receiver.data() == bytes(sent)
    assert [item for _, item in receiver.got if not isinstance(item, bytes | memoryview)] == [Ended()]
    assert receiver.clock.calls == []
    assert receiver.stream.waiting_bytes() == 0
    assert [signal for _, signal in receiver.signals] == ["full", "drained"] * (len(receiver.signals) // 2)
