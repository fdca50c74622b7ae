"""What the door says for itself: its own page, and why a request went nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from globule.wire.http import Headers, Request, Response

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:4rem auto;padding:0 1rem}}
code{{background:#eee;padding:.1em .3em;border-radius:.2em}}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""
# More would fill the screen; `globule places` has them all.
NAMES_LISTED = 40


def problem(request: Request, status: int, title: str, *sentences: str) -> Response:
    """An error page: HTML for browsers, text for everything else."""
    return _page(request, status, title, [escape(sentence) for sentence in sentences], sentences)


def front(request: Request, names: Sequence[str], *, city: str, port: int) -> Response:
    """The door's own page."""
    names = names[:NAMES_LISTED]
    where = f".{city}.localhost:{port}/"
    links = "".join(f'<li><a href="http://{escape(name)}{where}">{escape(name)}</a></li>' for name in names)
    example = names[0] if names else "NAME"
    usage = (
        f"Ask for a name as somebody in a city: http://{example}{where}",
        f"or through this door as a proxy: curl -x http://{city}@127.0.0.1:{port} http://{example}/",
        "`globule places` lists the cities.",
    )
    paragraphs = [f"<ul>{links}</ul>" if names else "This world has no names yet.", *map(escape, usage)]
    lines = (*(names or ("This world has no names yet.",)), "", *usage)
    return _page(request, 200, "The internet of this world", paragraphs, lines)


def _page(request: Request, status: int, title: str, paragraphs: Sequence[str], lines: Sequence[str]) -> Response:
    if "text/html" in (request.headers.get("accept") or ""):
        content = _HTML.format(title=escape(title), body="".join(f"<div>{part}</div>" for part in paragraphs))
        kind = "text/html; charset=utf-8"
    else:
        content = "\n".join((f"{title}." if status >= 400 else title, *lines, ""))
        kind = "text/plain; charset=utf-8"
    headers = Headers([("content-type", kind), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")])
    return Response(status=status, headers=headers, body=content.encode())
