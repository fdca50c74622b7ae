"""`globule up`: what it says to people who are new to it, and what it leaves behind when it cannot start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from globule.cli.main import main

GOOD = """
Outputs:
  FilesArn: {Value: !GetAtt Files.Arn}
Resources:
  Files:
    Type: AWS::S3::Bucket
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "app" / "template.yaml"
    path.parent.mkdir()
    path.write_text(GOOD)
    return path


def up(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["up", *map(str, arguments)])


def test_a_template_without_regions_is_told_how_to_name_them(template: Path) -> None:
    outcome = up(template)
    assert outcome.exit_code == 1
    assert "template.yaml:1: say which regions it goes to: --regions eu-west-1,us-east-1" in outcome.output
    assert not (template.parent / ".globule").exists(), "a mistyped command leaves nothing behind"


def test_a_folder_with_only_a_template_is_told_the_command_for_it(template: Path) -> None:
    outcome = up(template.parent)
    assert outcome.exit_code == 1
    assert f"for the template alone: globule up {template} --regions" in outcome.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--regions", "eu-west-9"], "no AWS region is called 'eu-west-9'"),
        (["--regions", "eu-west-1, eu-west-9"], "no AWS region is called 'eu-west-9'"),
        (["--regions", "eu-west-1", "--home", "atlantis"], "--home: no city is called 'atlantis'; did you mean"),
        (["--regions", "eu-west-1", "--port-base", "99999"], "99999 is not in the range"),
        (["--regions", "eu-west-1", "--wan", "fast"], "--wan 'fast': a factor from 0"),
        (["--regions", "eu-west-1", "--parameter", "Stage"], "--parameter 'Stage' is not KEY=VALUE"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(template: Path, options: list[str], message: str) -> None:
    outcome = up(template, *options)
    assert outcome.exit_code in (1, 2)
    assert message in outcome.output
    assert not isinstance(outcome.exception, ValueError | OverflowError)


def globule(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "globule.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def left_behind(state: Path) -> list[str]:
    """Processes whose command line names a state directory."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(state) in line and "globule.run" in line]


@pytest.mark.world
def test_a_template_with_problems_is_told_once_and_nothing_runs_on(
    template: Path, port_base: int, eventually: Callable[..., Any]
) -> None:
    state = template.parent / "state"
    start = ("up", template, "--regions", "eu-west-1", "-d", "--state", state, "--port-base", str(port_base))

    template.write_text(GOOD + "    Properties: {Colour: red}\n")
    refused = globule(*start)
    assert refused.returncode == 1
    assert (refused.stdout + refused.stderr).count("there is no property Colour") == 1, refused
    eventually(lambda: not left_behind(state))

    template.write_text(GOOD)
    started = globule(*start)
    assert started.returncode == 0
    (stack,) = json.loads(globule("status", "--json", "--state", state).stdout)["stacks"]
    assert stack["name"] == "app"
    assert f"app  eu-west-1  FilesArn  {stack['outputs']['FilesArn']}" in started.stdout
    globule("down", "--state", state)

    template.write_text(GOOD + "  Broken: [")
    again = globule(*start)
    assert again.returncode == 1, "a world that was asked for and cannot be had is no success"
    assert "template.yaml:" in again.stderr
    eventually(lambda: not left_behind(state))
