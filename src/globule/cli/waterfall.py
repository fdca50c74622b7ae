"""Draws where a request's time went: one line a span, to scale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from globule.cli.output import console
from globule.host.tracing import Span

# Of the bars, where there is room; a narrow terminal has shorter ones, and shorter notes.
BAR_COLUMNS = 40
LEAST_BAR_COLUMNS = 12
_TIME_COLUMNS = len("12345.6 ms")
_GAPS = 5


def draw(spans: Sequence[Span], *, start: float, end: float) -> None:
    """`start` and `end` are the client's own, in seconds since the epoch."""
    total = max(end - start, 1e-6)
    taken = sum(max((len(text) for text in texts), default=0) for texts in zip(*map(_texts, spans), strict=True))
    free = console.width - taken - 2 * _TIME_COLUMNS - _GAPS
    bar = min(max(free // 2, LEAST_BAR_COLUMNS), BAR_COLUMNS)
    table = Table(box=None, pad_edge=False)
    table.add_column("step", no_wrap=True)
    table.add_column("where", no_wrap=True)
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column(f"{total * 1000:.1f} ms", width=bar, no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=max(free - bar, 1))
    for span in spans:
        table.add_row(
            *map(escape, _texts(span)),
            f"{(span.start - start) * 1000:.1f} ms",
            f"{(span.end - span.start) * 1000:.1f} ms",
            _bar((span.start - start) / total, (span.end - start) / total, bar),
            f"[dim]{escape(span.note)}[/]",
        )
    console.print(table)


def _texts(span: Span) -> tuple[str, str]:
    return span.name, span.place


def _bar(begin: float, finish: float, columns: int) -> str:
    first = min(max(int(begin * columns), 0), columns - 1)
    last = min(max(int(finish * columns + 0.999), first + 1), columns)
    return " " * first + "[cyan]" + "━" * (last - first) + "[/]"
