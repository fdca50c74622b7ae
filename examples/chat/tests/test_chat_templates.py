"""The templates, as AWS would look at them."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent
TEMPLATES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_clean(template):
    """cfn-lint knows the schemas of CloudFormation, and the SAM transform."""
    api = pytest.importorskip("cfnlint.api", reason="cfn-lint is not installed")
    regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
    problems = api.lint_file(template, config=api.ManualArgs(regions=regions, include_checks=["I"]))
    assert [f"{problem.rule.id} {problem.message}" for problem in problems] == []


def test_every_handler_exists():
    for template in TEMPLATES:
        text = template.read_text()
        code = re.search(r"CodeUri: (\S+)", text)
        for module, function in re.findall(r"Handler: (\w+)\.(\w+)", text):
            source = (FOLDER / code[1] / f"{module}.py").read_text()
            assert re.search(rf"^def {function}\(", source, re.MULTILINE), f"{template.name}: {module}.{function}"


def test_nothing_but_its_own_tests_knows_where_it_runs():
    for path in FOLDER.rglob("*"):
        if path.suffix in (".py", ".js", ".html", ".css", ".yaml"):
            assert "globule" not in path.read_text().lower() or path == Path(__file__), path


def test_regions_with_an_api_have_a_replica():
    replicas = set(re.findall(r"- Region: (\S+)", (FOLDER / "data.yaml").read_text()))
    deployed = set(re.findall(r'^region = "(\S+)"', (FOLDER / "samconfig.toml").read_text(), re.MULTILINE))
    assert deployed == replicas
