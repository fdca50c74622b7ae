"""The simulation itself: some seeds on every run, the same outcome for the same seed, and checks that can fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from globule.dynamodb.rules import conflict
from globule.dynamodb.serving import ledger
from globule.dynamodb.serving.replication import outbound
from globule.simulation import __main__ as runner
from globule.simulation.loop import Deadlock, run
from globule.simulation.scenario import simulate


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Disks fill up and regions crash all the time here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_acknowledged_is_lost_and_all_replicas_converge(seed: int) -> None:
    outcome = simulate(seed, minutes=3)
    assert outcome.problems == (), outcome.command
    assert outcome.acknowledged > 300


def test_a_seed_replays() -> None:
    one, other = simulate(7, minutes=2), simulate(7, minutes=2)
    assert one == other
    assert one.trace != simulate(8, minutes=2).trace


def _broken(minutes: float = 2, seeds: int = 3) -> list[str]:
    return [problem for seed in range(seeds) for problem in simulate(seed, minutes=minutes).problems]


def test_a_ledger_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "enter", lambda transaction, entry: None)
    assert any("is nowhere" in problem for problem in _broken())


def test_a_wrong_winner_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each replica prefers what it has."""
    monkeypatch.setattr(conflict.Version, "beats", lambda self, other: False)
    assert any("not settled" in problem for problem in _broken(minutes=1, seeds=2))


def test_progress_that_is_taken_for_granted_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent counts as told, answered or not."""
    monkeypatch.setattr(outbound._Progress, "rewind", lambda self: None)
    assert any("not settled" in problem for problem in _broken(minutes=1, seeds=2))


def test_the_command_shows_the_seed_of_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = simulate(3, minutes=0.5)
    runner._show(type(outcome)(**{name: getattr(outcome, name) for name in outcome.__struct_fields__}))
    assert "python -m globule.simulation --first 3 --seeds 1 --minutes 0.5" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["simulation", "--seeds", "1", "--minutes", "0.5", "--workers", "1"])
    assert runner.main() == 0
    assert "0 runs failed" in capsys.readouterr().out


def test_virtual_time_passes_only_when_nothing_is_left_to_do() -> None:
    async def story() -> list[str]:
        seen: list[str] = []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append(f"{name} {asyncio.get_running_loop().time():.0f}")

        await asyncio.gather(sleeper("late", 86_400), sleeper("early", 5), sleeper("now", 0))
        return seen

    assert run(story()) == ["now 0", "early 5", "late 86400"]


def test_waiting_for_what_never_comes_is_an_error() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        run(story())
