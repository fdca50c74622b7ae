"""Calls at an instant, on both loops: never early, in order, and one that fails harms no other."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from globule.host.timers import LoopTimers, TimerfdTimers, Timers, open_timers, sleep_until

Open = Callable[[], Timers]
Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_it(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(test(), 20))

    return run_it


@pytest.fixture(
    params=[
        pytest.param(TimerfdTimers, marks=pytest.mark.skipif(sys.platform != "linux", reason="timerfd is Linux's")),
        LoopTimers,
    ],
    ids=["timerfd", "loop"],
)
def opened(request: pytest.FixtureRequest) -> Callable[[], Timers]:
    def open_it() -> Timers:
        timers: Timers = request.param(asyncio.get_running_loop())
        return timers

    return open_it


def test_no_call_is_early_and_all_come_in_order(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers = opened()
        start = timers.now()
        called: list[tuple[float, float]] = []
        done = asyncio.Event()
        for number in (7, 3, 9, 1, 3, 8, 2, 0):
            when = start + number * 0.0037

            def call(when: float = when) -> None:
                called.append((when, timers.now()))
                if len(called) == 8:
                    done.set()

            timers.call_at(when, call)
        await done.wait()
        assert [when for when, _ in called] == sorted(when for when, _ in called)
        assert all(now >= when for when, now in called)
        timers.close()

    run(test)


def test_calls_of_one_instant_come_in_the_order_of_asking(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers, called = opened(), []
        when = timers.now() + 0.01
        for number in range(20):
            timers.call_at(when, lambda number=number: called.append(number))
        await sleep_until(timers, when)
        assert called == list(range(20))
        timers.close()

    run(test)


def test_an_instant_in_the_past_is_soon(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers, called = opened(), asyncio.Event()
        timers.call_at(timers.now() - 5, called.set)
        assert not called.is_set()
        await asyncio.wait_for(called.wait(), 5)
        await sleep_until(timers, timers.now() - 5)
        timers.close()

    run(test)


def test_a_call_may_ask_for_another(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers, done, left = opened(), asyncio.Event(), [5]

        def again() -> None:
            left[0] -= 1
            if left[0]:
                timers.call_at(timers.now() + 0.001, again)
            else:
                done.set()

        again()
        await asyncio.wait_for(done.wait(), 5)
        timers.close()

    run(test)


def test_a_call_that_fails_is_reported_and_the_others_come(run: Run, opened: Open) -> None:
    async def test() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        timers, called = opened(), asyncio.Event()
        when = timers.now() + 0.001
        timers.call_at(when, lambda: 1 // 0)
        timers.call_at(when, called.set)
        await asyncio.wait_for(called.wait(), 5)
        assert isinstance(reported[0]["exception"], ZeroDivisionError)
        timers.close()

    run(test)


def test_nothing_is_called_after_closing(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers, called = opened(), []
        timers.call_at(timers.now() + 0.001, lambda: called.append(1))
        timers.close()
        timers.close()
        await asyncio.sleep(0.02)
        assert called == []

    run(test)


def test_a_cancelled_sleep_is_harmless(run: Run, opened: Open) -> None:
    async def test() -> None:
        timers = opened()
        sleeping = asyncio.ensure_future(sleep_until(timers, timers.now() + 0.005))
        await asyncio.sleep(0)
        sleeping.cancel()
        await sleep_until(timers, timers.now() + 0.01)
        timers.close()

    run(test)


def test_calls_run_outside_the_context_of_who_asked(run: Run, opened: Open) -> None:
    asked_by: contextvars.ContextVar[str] = contextvars.ContextVar("asked_by", default="nobody")

    async def test() -> None:
        asked_by.set("the first request")
        timers, saw, done = opened(), [], asyncio.Event()

        def look() -> None:
            saw.append(asked_by.get())
            done.set()

        timers.call_at(timers.now() + 0.001, look)
        await asyncio.wait_for(done.wait(), 5)
        assert saw == ["nobody"]
        timers.close()

    run(test)


def test_a_virtual_clock_may_drive_them() -> None:
    """As a simulation does: the loop's own clock, which jumps to whatever comes next."""
    loop = asyncio.new_event_loop()
    instant = [1000.0]
    loop.time = lambda: instant[0]  # type: ignore[method-assign]
    timers = LoopTimers(loop, clock=loop.time)
    called: list[float] = []
    timers.call_at(1003.3, lambda: called.append(timers.now()))
    timers.call_at(1001.1, lambda: called.append(timers.now()))
    for instant[0] in (1001.0, 1001.1, 1003.2999999, 1003.3 - 2e-13):
        loop.call_soon(loop.stop)
        loop.run_forever()
    assert called == [1001.1, 1003.3]
    timers.close()
    loop.close()


@pytest.mark.skipif(sys.platform != "linux", reason="timerfd is Linux's")
async def test_linux_gets_a_timerfd() -> None:
    timers = open_timers(asyncio.get_running_loop())
    assert isinstance(timers, TimerfdTimers)
    timers.close()
