"""Names that follow from a table's identity."""

from __future__ import annotations

import datetime
import hashlib

from globule.dynamodb.model import StreamView

_YEAR_MS = 365 * 24 * 3600 * 1000


def stream_label(identity: str, view: StreamView) -> str:
    """The label of the stream of a stack's table. AWS's is the time when the stream was enabled; here a template may
    ask for the ARN before there is a stream, so it is a time that follows from the table's identity."""
    digest = hashlib.sha256(f"{identity} {view}".encode()).digest()
    offset = datetime.timedelta(milliseconds=int.from_bytes(digest[:8], "big") % _YEAR_MS)
    return (datetime.datetime(2024, 1, 1) + offset).isoformat(timespec="milliseconds")
