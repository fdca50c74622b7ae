"""A real Chromium, and the chat on a small server of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chat_stand_in import StandIn, prepare_imports

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for each file of tests: while it is open, its event loop counts as running, and asynchronous tests fail."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the package playwright")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a browser of its own. Fails the test where the page has an error or breaks its own policy."""
    complaints: list[str] = []
    contexts = []

    def listen(message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def open_(url: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", listen)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def table() -> Any:
    prepare_imports()
    from fake_table import FakeTable

    return FakeTable()


@pytest.fixture
def stand_in(table: Any) -> Iterator[Callable[..., StandIn]]:
    """Starts the chat as one place sees it; all share one table."""
    with ExitStack() as servers:

        def start(edge: str = "FRA", region: str = "eu-west-1", country: str = "GB") -> StandIn:
            return servers.enter_context(StandIn(table=table, edge=edge, region=region, country=country).serving())

        yield start
