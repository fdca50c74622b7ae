"""Options and fixtures. One global table serves all tests that only read and write; what costs minutes is shared."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from suite.faults import Faults
from suite.global_table import PREFIX, SCHEMA_WITH_INDEX, GlobalTable, unique
from suite.regions import Region, connect
from suite.settings import Settings, add_options, read_settings
from suite.streams import StreamTail

# Removing a replica takes AWS some minutes, in which nothing happens here.
REMOVALS_AT_ONCE = 8

LAGS = pytest.StashKey[dict[tuple[str, str], list[float]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LAGS] = {}
    if not config.option.help:
        read_settings(config)


def pytest_report_header(config: pytest.Config) -> str:
    settings = read_settings(config)
    where = ", ".join(sorted(set(settings.endpoint_urls.values()))) or "AWS"
    return f"global tables in {', '.join(settings.regions)} at {where}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.stash[LAGS]:
        return
    terminalreporter.section("time until a write was seen in another region")
    for (source, destination), lags in config.stash[LAGS].items():
        low, middle, high = (f"{1000 * each:.0f}" for each in (min(lags), statistics.median(lags), max(lags)))
        terminalreporter.line(f"{source} to {destination}: {low} ms at least, {middle} ms median, {high} ms at most")


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    return read_settings(pytestconfig)


@pytest.fixture(scope="session")
def regions(settings: Settings) -> Mapping[str, Region]:
    return {name: connect(settings, name) for name in settings.regions}


@pytest.fixture(scope="session")
def home(settings: Settings) -> str:
    """Where tables are created."""
    return settings.regions[0]


@pytest.fixture(scope="session")
def away(settings: Settings) -> str:
    """Another region: the last."""
    return settings.regions[-1]


@pytest.fixture(scope="session")
def lags(pytestconfig: pytest.Config) -> dict[tuple[str, str], list[float]]:
    """What was measured, for the summary: seconds, by source and destination."""
    return pytestconfig.stash[LAGS]


@pytest.fixture(scope="session")
def declare(settings: Settings, regions: Mapping[str, Region]) -> Iterator[Callable[[], GlobalTable]]:
    """Names of tables that do not exist yet; whatever exists by these names at the end is removed."""
    declared: list[GlobalTable] = []

    def make() -> GlobalTable:
        table = GlobalTable(
            unique(PREFIX),
            regions,
            patience_s=settings.patience_s,
            control_patience_s=settings.control_patience_s,
        )
        declared.append(table)
        return table

    yield make
    with ThreadPoolExecutor(REMOVALS_AT_ONCE) as threads:
        removals = [threads.submit(table.remove) for table in declared]
    problems = [str(removal.exception()) for removal in removals if removal.exception() is not None]
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def table(declare: Callable[[], GlobalTable]) -> GlobalTable:
    """A global table in all regions, with an index. Tests use keys of their own, and change no setting."""
    shared = declare()
    shared.create(**SCHEMA_WITH_INDEX)
    shared.grow()
    return shared


@pytest.fixture
def lone(declare: Callable[[], GlobalTable]) -> GlobalTable:
    """A table without replicas."""
    single = declare()
    single.create()
    return single


@pytest.fixture(scope="session")
def tails(table: GlobalTable, settings: Settings) -> Mapping[str, StreamTail]:
    """The stream of each replica of the shared table."""
    return {
        name: StreamTail(region.streams, table.describe(name)["LatestStreamArn"], patience_s=settings.patience_s)
        for name, region in table.regions.items()
    }


@pytest.fixture
def key() -> str:
    return unique()


@pytest.fixture(scope="session")
def faults(settings: Settings) -> Iterator[Faults]:
    if settings.partition_command is None or settings.heal_command is None:
        pytest.skip("cuts regions off: give --partition-command and --heal-command")
    hook = Faults(settings.partition_command, settings.heal_command)
    yield hook
    hook.heal()
