"""Waterfalls fit the terminal."""

import pytest
from rich.console import Console

from globule.cli import waterfall
from globule.host.tracing import Span

SPANS = [
    Span(
        trace="t", name="DNS", place="tokyo", start=100.0, end=100.01, note="a-very-long-name.execute-api.example.com"
    ),
    Span(
        trace="t", name="origin response", place="ap-northeast-1", start=100.01, end=100.1, note="200, new connection"
    ),
]


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_every_step_shows_where_when_and_how_long_at_any_width(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    console = Console(width=columns, record=True)
    monkeypatch.setattr(waterfall, "console", console)
    waterfall.draw(SPANS, start=100.0, end=100.1)
    lines = console.export_text().splitlines()
    assert all(len(line) <= columns for line in lines)
    for text, line in zip(
        ("100.0 ms", "DNS tokyo 0.0 ms 10.0 ms", "origin ap-northeast-1 90.0 ms"), lines, strict=True
    ):
        assert all(word in line for word in text.split()), line
    assert all("━" in line for line in lines[1:])


def test_a_request_without_spans_draws_nothing_and_breaks_nothing() -> None:
    waterfall.draw([], start=1.0, end=1.0)
