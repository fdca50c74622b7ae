"""What every regional service looks like to the process that runs it.

`run.region` builds each service, hands it every new world, and routes requests to it.
"""

from __future__ import annotations

from typing import Any, Protocol

from globule.wire.http import Request, Response
from globule.world.snapshot import World


class Service(Protocol):
    async def follow(self, world: World) -> None:
        """Bring yourself into the state that this world asks for; return when it serves. Raise nothing for a single
        bad resource: serve the rest, and report it in `problems`."""

    def problems(self) -> list[str]:
        """Sentences about resources of the present world that could not be brought up."""

    async def handle(self, request: Request) -> Response:
        """Answer one request, errors included, in the service's own protocol."""

    def statistics(self) -> dict[str, Any]:
        """Live figures, JSON-able, for `globule status` and the tests."""

    async def close(self) -> None: ...
