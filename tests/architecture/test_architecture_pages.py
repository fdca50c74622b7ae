"""Generated pages say what the code is."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GENERATORS = sorted(path.name for path in (ROOT / "scripts").glob("generate_*.py"))


@pytest.mark.parametrize("script", GENERATORS)
def test_a_generated_page_has_not_drifted_from_the_code(script: str) -> None:
    outcome = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr
