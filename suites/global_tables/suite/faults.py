"""Partitions between regions, by commands that whoever runs the suite gave."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable

# A fault injection experiment on AWS takes some minutes to start.
COMMAND_LIMIT_S = 900.0


class Faults:
    def __init__(self, partition_command: str, heal_command: str) -> None:
        self._partition_command = partition_command
        self._heal_command = heal_command

    def isolate(self, region: str, others: Iterable[str]) -> None:
        for other in others:
            _run(self._partition_command.replace("{a}", shlex.quote(region)).replace("{b}", shlex.quote(other)))

    def heal(self) -> None:
        _run(self._heal_command)


def _run(command: str) -> None:
    outcome = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=COMMAND_LIMIT_S)
    assert outcome.returncode == 0, f"{command}\n{outcome.stdout}{outcome.stderr}"
