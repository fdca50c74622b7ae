"""How a run is configured: options on the command line, or the environment variables of the same names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

# AWS calls replication "typically within a second" and promises no limit: thirty seconds is a failure to anybody.
PATIENCE_S = 30.0

# Making or removing a replica took AWS up to twelve minutes when the table held one item, and may take longer. Against
# another endpoint a minute is ample, and a suite that waited longer for what never comes would be of no use.
CONTROL_PATIENCE_AWS_S = 1800.0
CONTROL_PATIENCE_ENDPOINT_S = 60.0

DEFAULT_REGIONS = "us-east-1,eu-west-1,ap-northeast-1"

# option, default, help. Its environment variable is GLOBAL_TABLES_ and its name.
OPTIONS = (
    ("regions", DEFAULT_REGIONS, "Two or three regions, separated by commas; the first is where tables are created."),
    (
        "endpoint-url",
        "",
        "One URL for all regions, or REGION=URL for each, separated by commas. Default: AWS itself.",
    ),
    ("patience", str(PATIENCE_S), "Longest wait for a write to arrive everywhere, in seconds."),
    (
        "control-patience",
        "",
        "Longest wait for a table, replica or index to be made or removed, in seconds. "
        f"Default: {CONTROL_PATIENCE_AWS_S:.0f} on AWS, {CONTROL_PATIENCE_ENDPOINT_S:.0f} elsewhere.",
    ),
    (
        "ttl-patience",
        "",
        "Longest wait for an expired item to be deleted, in seconds. Default: tests that need it are skipped, "
        "because AWS typically takes up to two days.",
    ),
    (
        "partition-command",
        "",
        "Shell command that cuts replication between the regions {a} and {b}. Default: tests that need it are skipped.",
    ),
    ("heal-command", "", "Shell command that undoes every cut."),
)


@dataclass(frozen=True)
class Settings:
    regions: tuple[str, ...]
    endpoint_urls: Mapping[str, str]
    patience_s: float
    control_patience_s: float
    ttl_patience_s: float | None
    partition_command: str | None
    heal_command: str | None

    @property
    def on_aws(self) -> bool:
        return not self.endpoint_urls


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("global tables")
    for name, default, explanation in OPTIONS:
        variable = _variable(name)
        group.addoption(
            f"--{name}",
            default=os.environ.get(variable, default),
            help=f"{explanation} ({variable})".replace("%", "%%"),
        )


def read_settings(config: pytest.Config) -> Settings:
    """Raises UsageError where the options make no sense together."""
    given = {name: str(config.getoption(f"--{name}")) for name, _, _ in OPTIONS}
    regions = tuple(region.strip() for region in given["regions"].split(",") if region.strip())
    if not 2 <= len(regions) <= 3 or len(set(regions)) != len(regions):
        raise pytest.UsageError("--regions takes two or three different regions")
    if bool(given["partition-command"]) != bool(given["heal-command"]):
        raise pytest.UsageError("--partition-command and --heal-command go together")
    endpoint_urls = _endpoint_urls(given["endpoint-url"], regions)
    control_patience_s = CONTROL_PATIENCE_ENDPOINT_S if endpoint_urls else CONTROL_PATIENCE_AWS_S
    return Settings(
        regions=regions,
        endpoint_urls=endpoint_urls,
        patience_s=_seconds("patience", given["patience"]),
        control_patience_s=_seconds("control-patience", given["control-patience"] or str(control_patience_s)),
        ttl_patience_s=_seconds("ttl-patience", given["ttl-patience"]) if given["ttl-patience"] else None,
        partition_command=given["partition-command"] or None,
        heal_command=given["heal-command"] or None,
    )


def _variable(option: str) -> str:
    return "GLOBAL_TABLES_" + option.upper().replace("-", "_")


def _endpoint_urls(given: str, regions: tuple[str, ...]) -> Mapping[str, str]:
    if not given:
        return {}
    if "=" not in given.split("://", 1)[0]:
        return dict.fromkeys(regions, given)
    urls = dict(part.split("=", 1) for part in given.split(","))
    if missing := set(regions) - set(urls):
        raise pytest.UsageError(f"--endpoint-url has no URL for {', '.join(sorted(missing))}")
    return urls


def _seconds(option: str, given: str) -> float:
    try:
        return float(given)
    except ValueError:
        raise pytest.UsageError(f"--{option} takes a number of seconds, not {given!r}") from None
