"""Keeps the supervisor alive: starts it, and starts it again when it dies of anything but an order.

    python -m globule.run.guardian --state DIR

It holds no state and knows nothing of worlds, so that there is next to nothing in it that can fail.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from globule.run.settings import child_environment
from globule.run.state import State

# Exit statuses of the supervisor that mean "do not start me again": stopped by order, or cannot ever run.
FINAL = (0, 2)

FIRST_PAUSE_S = 0.1
# A supervisor that dies at once, again and again, must not keep a core busy.
LONGEST_PAUSE_S = 5.0
# One that lived this long was healthy; its next death starts from the first pause again.
HEALTHY_S = 10.0
# One that never opened its socket will not at the tenth time either.
START_ATTEMPTS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.guardian")
    parser.add_argument("--state", required=True, type=Path)
    state = State(parser.parse_args().state)
    ordered = threading.Event()
    pause_s = FIRST_PAUSE_S
    failed_starts = 0
    with (state.logs / "supervisor.log").open("ab") as output:
        while not ordered.is_set():
            started, started_at = time.monotonic(), time.time()
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "globule.run.supervisor", "--state", str(state.root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=child_environment(),
            )

            def obey(_number: int, _frame: object, child: subprocess.Popen[bytes] = supervisor) -> None:
                ordered.set()
                child.terminate()

            signal.signal(signal.SIGTERM, obey)
            signal.signal(signal.SIGINT, obey)
            if supervisor.wait() in FINAL:
                return
            failed_starts = 0 if _served(state, since=started_at) else failed_starts + 1
            if failed_starts == START_ATTEMPTS:
                sys.exit(1)
            pause_s = FIRST_PAUSE_S if time.monotonic() - started > HEALTHY_S else min(2 * pause_s, LONGEST_PAUSE_S)
            ordered.wait(pause_s)


def _served(state: State, *, since: float) -> bool:
    """Whether the supervisor that started then got as far as its control socket."""
    try:
        return state.socket("supervisor").stat().st_mtime >= since
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
