"""A small application for tests of the world itself, and a look at which processes a world has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

APPLICATION = """
[[stack]]
name = "small"
template = "template.yaml"
regions = ["eu-west-1", "us-east-1"]
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: hello.handler
      CodeUri: code/
      Environment: {Variables: {WORD: one}}
      Events:
        Root: {Type: HttpApi}
Outputs:
  Table: {Value: !Ref Notes}
  Host: {Value: !Sub "${ServerlessHttpApi}.execute-api.${AWS::Region}.amazonaws.com"}
"""

CODE = """
import os
def handler(event, context):
    return os.environ["WORD"] + " from " + os.environ["AWS_REGION"]
"""

PROC = Path("/proc")


class SmallApplication:
    """Its files, to be changed as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "code").mkdir(parents=True)
        self.write("globule.toml", APPLICATION)
        self.write("template.yaml", TEMPLATE)
        self.write("code/hello.py", CODE)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


def outputs(world: Any, region: str) -> dict[str, str]:
    found = {stack["region"]: dict(stack["outputs"]) for stack in world.json("status")["stacks"]}
    assert region in found, found
    return found[region]


def table(world: Any, region: str) -> Any:
    """The application's table in a region, by boto3."""
    resource = boto3.resource(
        "dynamodb",
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{world.port_base + 66}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return resource.Table(outputs(world, region)["Table"])


def pids(world: Any) -> dict[str, int]:
    """Of the world's processes, by name."""
    status = world.json("status")
    found = {process["name"]: process["pid"] for process in status["processes"]}
    return {**found, "guardian": status["guardian_pid"], "supervisor": status["supervisor_pid"]}


def with_descendants(roots: Iterable[int]) -> set[int]:
    """Processes and all that they started, function workers included."""
    parents = {int(path.parent.name): _parent(path) for path in PROC.glob("[0-9]*/stat")}
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(candidates: Iterable[int]) -> set[int]:
    """Those that still run; the dead whom nobody has waited for do not."""
    return {pid for pid in candidates if _state(PROC / str(pid) / "stat") not in ("", "Z", "X")}


def _fields(stat: Path) -> list[str]:
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(stat: Path) -> str:
    return next(iter(_fields(stat)), "")


def _parent(stat: Path) -> int:
    fields = _fields(stat)
    return int(fields[1]) if fields else 0
