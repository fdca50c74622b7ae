"""Keeps the supervisor alive: starts it, and starts it again when it dies of anything but an order.

    python -m globule.run.guardian --state DIR

It holds no state and knows nothing of worlds, so that there is next to nothing in it that can fail. Its exit status is
the supervisor's last.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from globule.run.settings import child_environment
from globule.run.state import CANNOT_RUN, State, StateProblem

# Exit statuses of the supervisor that mean "do not start me again": stopped by order, or cannot ever run.
FINAL = (0, CANNOT_RUN)

FIRST_PAUSE_S = 0.1
# A supervisor that dies at once, again and again, must not keep a core busy.
LONGEST_PAUSE_S = 5.0
# One that lived this long was healthy; its next death starts from the first pause again.
HEALTHY_S = 10.0
# One that never opened its socket will not at the tenth time either.
START_ATTEMPTS = 3


class Guardian:
    """One supervisor after another, until an order."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ordered = threading.Event()
        self._supervisor: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._obey)
        signal.signal(signal.SIGINT, self._obey)
        pause_s = FIRST_PAUSE_S
        failed_starts = 0
        while True:
            started, started_at = time.monotonic(), time.time()
            status = self._watch()
            if status in FINAL or self._ordered.is_set():
                return status
            failed_starts = 0 if self._served(since=started_at) else failed_starts + 1
            if failed_starts == START_ATTEMPTS:
                return status
            pause_s = FIRST_PAUSE_S if time.monotonic() - started > HEALTHY_S else min(2 * pause_s, LONGEST_PAUSE_S)
            if self._ordered.wait(pause_s):
                return status

    def _watch(self) -> int:
        """One supervisor's life; its exit status."""
        with self._state.log("supervisor").open("ab") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "globule.run.supervisor", "--state", str(self._state.root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=child_environment(),
            )
        if self._ordered.is_set():  # just now, when there was nobody to hand the order on to
            self._supervisor.terminate()
        return self._supervisor.wait()

    def _obey(self, _number: int, _frame: object) -> None:
        self._ordered.set()
        if self._supervisor is not None:
            self._supervisor.terminate()

    def _served(self, *, since: float) -> bool:
        """Whether the supervisor that started then got as far as its control socket."""
        try:
            return self._state.socket("supervisor").stat().st_mtime >= since
        except FileNotFoundError:
            return False


def show_life(state: State) -> socket.socket:
    """Listen, so that `run.living` finds this process; whoever calls is hung up on."""
    path = state.socket("guardian")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()

    threading.Thread(target=answer, daemon=True).start()
    return listener


def start_guardian(state: State) -> subprocess.Popen[bytes]:
    """In a session of its own: whoever starts it may end, and a Ctrl-C is not for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "globule.run.guardian", "--state", str(state.root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="globule.run.guardian")
    parser.add_argument("--state", required=True, type=Path)
    state = State(parser.parse_args().state)
    try:
        state.lock("guardian")
    except StateProblem as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(CANNOT_RUN)
    listener = show_life(state)
    status = Guardian(state).run()
    if status == 0:  # everything has stopped in order
        state.remove_sockets()
    listener.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
