"""The AWS CLI, as people type it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from .conftest import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI (`pip install awscli`) is not here")

CREATE = (
    "create-table --table-name movies --billing-mode PAY_PER_REQUEST "
    "--attribute-definitions AttributeName=title,AttributeType=S AttributeName=year,AttributeType=N "
    "--key-schema AttributeName=title,KeyType=HASH AttributeName=year,KeyType=RANGE"
)


@pytest.fixture(scope="module")
def aws(environment: dict[str, str]) -> Any:
    """Runs `aws dynamodb`, and gives what it prints, or how it complains."""

    def run(command: str, *arguments: str) -> Any:
        done = subprocess.run(
            ["aws", "dynamodb", *command.split(), *arguments],
            env={**environment, "AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_command_line_makes_fills_reads_and_drops_a_table(aws: Any) -> None:
    assert aws(CREATE)["TableDescription"]["TableName"] == "movies"
    aws("wait table-exists --table-name movies")
    requests = [
        {"PutRequest": {"Item": {"title": {"S": "Heat"}, "year": {"N": str(year)}}}} for year in range(1990, 2000)
    ]
    assert aws("batch-write-item --request-items", json.dumps({"movies": requests})) == {"UnprocessedItems": {}}
    aws("put-item --table-name movies --item", '{"title": {"S": "Blob"}, "year": {"N": "1958"}, "sets": {"NS": ["1"]}}')
    blob = aws("get-item --consistent-read --table-name movies --key", '{"title":{"S":"Blob"},"year":{"N":"1958"}}')
    assert blob["Item"]["sets"] == {"NS": ["1"]}
    years = aws(
        "query --table-name movies --page-size 2 --max-items 5 --query Items[].year.N",
        "--key-condition-expression",
        "title = :t AND #y > :y",
        "--expression-attribute-names",
        '{"#y": "year"}',
        "--expression-attribute-values",
        '{":t": {"S": "Heat"}, ":y": {"N": "1992"}}',
    )
    assert years == ["1993", "1994", "1995", "1996", "1997"]
    assert aws("scan --table-name movies --page-size 3")["Count"] == 11
    changed = aws(
        "update-item --table-name movies --return-values ALL_NEW --key",
        '{"title":{"S":"Heat"},"year":{"N":"1995"}}',
        "--update-expression",
        "SET stars = :s",
        "--expression-attribute-values",
        '{":s": {"N": "5"}}',
    )
    assert changed["Attributes"]["stars"] == {"N": "5"}
    selected = aws("execute-statement --statement", "SELECT stars FROM movies WHERE title = 'Heat' AND \"year\" = 1995")
    assert selected["Items"] == [{"stars": {"N": "5"}}]
    refused = aws(
        "put-item --table-name movies --condition-expression attribute_not_exists(title) --item",
        '{"title": {"S": "Blob"}, "year": {"N": "1958"}}',
    )
    assert "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation" in refused
    aws("delete-table --table-name movies")
    aws("wait table-not-exists --table-name movies")
    assert "movies" not in aws("list-tables")["TableNames"]
