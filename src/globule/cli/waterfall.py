"""Draws where a request's time went: one line a span, to scale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from globule.cli.output import console
from globule.host.tracing import Span

BAR_COLUMNS = 40


def draw(spans: Sequence[Span], *, start: float, end: float) -> None:
    """`start` and `end` are the client's own, in seconds since the epoch."""
    total = max(end - start, 1e-6)
    table = Table(box=None, pad_edge=False)
    table.add_column("step")
    table.add_column("where")
    table.add_column("at", justify="right")
    table.add_column("took", justify="right")
    table.add_column(f"{total * 1000:.1f} ms", min_width=BAR_COLUMNS, no_wrap=True)
    table.add_column("", no_wrap=True)
    for span in spans:
        table.add_row(
            escape(span.name),
            escape(span.place),
            f"{(span.start - start) * 1000:.1f} ms",
            f"{(span.end - span.start) * 1000:.1f} ms",
            _bar((span.start - start) / total, (span.end - start) / total),
            f"[dim]{escape(span.note)}[/]",
        )
    console.print(table)


def _bar(begin: float, finish: float) -> str:
    first = min(max(int(begin * BAR_COLUMNS), 0), BAR_COLUMNS - 1)
    last = min(max(int(finish * BAR_COLUMNS + 0.999), first + 1), BAR_COLUMNS)
    return " " * first + "[cyan]" + "━" * (last - first) + "[/]" + " " * (BAR_COLUMNS - last)
