"""What happened to a world since its supervisor started: kept, shown to whoever watches, and logged."""

from __future__ import annotations

import asyncio
import collections
import logging
import time
from collections.abc import AsyncIterator

from globule.run.messages import Event

log = logging.getLogger(__name__)

# A new watcher is told what happened before it came; a world that runs for weeks must not grow.
KEPT_EVENTS = 1000


class Events:
    """Append-only, bounded; watchers see each event once, in order."""

    def __init__(self) -> None:
        self._kept: collections.deque[tuple[int, Event]] = collections.deque(maxlen=KEPT_EVENTS)
        self._count = 0
        self._arrived = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Events {self._count}>"

    def report(self, kind: str, text: str) -> None:
        log.info("%s: %s", kind, text)
        self._count += 1
        self._kept.append((self._count, Event(at=time.time(), kind=kind, text=text)))
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def watch(self) -> AsyncIterator[Event]:
        """All kept events, then each new one."""
        seen = 0
        while True:
            arrived = self._arrived
            for number, event in list(self._kept):
                if number > seen:
                    yield event
                    seen = number
            if seen == self._count:
                await arrived.wait()
