"""python -m globule.simulation --seeds 1000 --minutes 10"""

from __future__ import annotations

import argparse
import concurrent.futures
import logging
import os
import sys
import time
from functools import partial

from globule.simulation.scenario import Outcome, simulate


def main() -> int:
    arguments = argparse.ArgumentParser(
        prog="python -m globule.simulation", description="Global tables through partitions and crashes, by seed."
    )
    arguments.add_argument("--seeds", type=int, default=100, help="how many runs")
    arguments.add_argument("--first", type=int, default=0, help="the first seed")
    arguments.add_argument("--minutes", type=float, default=10, help="virtual minutes of each run")
    arguments.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # failing disks are what this is about
    seeds = range(given.first, given.first + given.seeds)
    begin = time.monotonic()
    failed: list[Outcome] = []
    acknowledged = discarded = crashes = 0
    with concurrent.futures.ProcessPoolExecutor(given.workers) as pool:
        for done, outcome in enumerate(pool.map(partial(simulate, minutes=given.minutes), seeds), 1):
            acknowledged += outcome.acknowledged
            discarded += outcome.discarded
            crashes += outcome.crashes
            if outcome.problems:
                failed.append(outcome)
                _show(outcome)
            if done % 50 == 0:
                _say(f"{done} runs, {len(failed)} failed, {time.monotonic() - begin:.0f} s")
    _say(
        f"{given.seeds} runs of {given.minutes:g} virtual minutes in {time.monotonic() - begin:.0f} s: "
        f"{acknowledged} writes acknowledged, {discarded} discarded by last-writer-wins and in the ledger, "
        f"{crashes} crashes, {len(failed)} runs failed"
    )
    return 1 if failed else 0


def _show(outcome: Outcome) -> None:
    _say(f"seed {outcome.seed} failed:")
    for problem in outcome.problems[:10]:
        _say(f"  {problem}")
    _say(f"  again: {outcome.command}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
