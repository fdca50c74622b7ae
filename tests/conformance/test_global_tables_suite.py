"""Globule under the public test suite for global tables, faults included: see suites/global_tables/README.md."""

from __future__ import annotations

import shlex
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.world, pytest.mark.timeout(300)]

SUITE = Path(__file__).parents[2] / "suites" / "global_tables"

# The suite takes half a minute on an idle machine of two cores.
LIMIT_S = 240.0


def test_global_tables_pass_every_test_of_the_public_suite(chat: Any, tmp_path: Path) -> None:
    """None is skipped: regions are cut off by `globule fault`, and items expire within a minute."""
    report = tmp_path / "report.xml"
    fault = shlex.join([sys.executable, "-m", "globule.cli", "fault"])
    state = shlex.quote(str(chat.state))
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", f"--junit-xml={report}"),
            *("--endpoint-url", f"http://127.0.0.1:{chat.port_base + 66}"),
            *("--ttl-patience", "60"),
            *("--partition-command", f"{fault} partition {{a}} {{b}} --state {state}"),
            *("--heal-command", f"{fault} heal --state {state}"),
        ],
        cwd=SUITE,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert outcome.returncode == 0, outcome.stdout
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    assert cases and not any(len(case) for case in cases), outcome.stdout
