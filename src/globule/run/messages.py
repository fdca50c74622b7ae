"""What Globule's processes say to each other over their control sockets.

One JSON object a line; a request is answered by one reply, `Watch` by many. Every type is tagged with its name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from globule.faults.changes import FaultChange
from globule.host.tracing import Span
from globule.world.faults import Faults

# To the edge and to regions.


class Follow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Read the newest world from the state directory and follow it. Reply: Followed."""


class Inspect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reply: Inspected."""


class Spans(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The spans of one trace. Reply: Traced. The supervisor answers for all processes."""

    trace: str


# To regions alone.


class Conflicts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The newest writes that last-writer-wins discarded in this region. Reply: ConflictsFound."""

    table: str | None = None
    limit: int = 100


class Compare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Compare this region's replica of a table with another's. Reply: Compared, or Refused."""

    table: str
    region: str


# To the edge alone.


class Invalidate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take objects out of every cache of a distribution. Reply: Invalidated."""

    distribution: str
    paths: tuple[str, ...]


# To the supervisor.


class Status(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reply: StatusReport."""


class ChangeFaults(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Change what is broken. Reply: Published, once every living process follows; or Refused."""

    change: FaultChange


class Watch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reply: one Event after another, those since the start first; ends when the caller hangs up."""


# To every process.


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """End in order. Reply: Stopping. The supervisor ends the data planes first."""


Request = Follow | Inspect | Spans | Conflicts | Compare | Invalidate | Status | ChangeFaults | Watch | Stop


# Replies.


class Followed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pid: int
    version: int
    problems: tuple[str, ...] = ()
    """Resources of this world that could not be brought up."""


class Inspected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    statistics: dict[str, Any]


class Traced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    spans: tuple[Span, ...]


class ConflictsFound(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    conflicts: tuple[dict[str, Any], ...]
    """As `dynamodb.serving.ledger.Discarded`."""


class Compared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    comparison: dict[str, Any]
    """As `dynamodb.serving.replication.compare.Comparison`."""


class Invalidated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    count: int


class Published(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    version: int
    faults: Faults


class Stopping(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The request cannot be carried out; nothing has changed."""

    why: str


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something happened. `kind`: progress, problem, ready, unchanged (the last world serves, for the problems that
    were reported), failed, process, fault, reload."""

    at: float
    """Seconds since the epoch."""
    kind: str
    text: str


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    name: str
    state: str
    """`serving`, `starting`, or `dead` (a fault keeps it down)."""
    pid: int | None = None
    address: str = ""
    memory_bytes: int = 0
    restarts: int = 0
    version: int = 0
    """The version of the world that it follows."""
    problems: tuple[str, ...] = ()


class RecordedResource(msgspec.Struct, frozen=True, kw_only=True):
    """Accepted, kept, and doing nothing here: a resource, or some properties of one that runs."""

    logical_id: str
    type: str
    properties: tuple[str, ...] = ()
    """Which; empty where it is the whole resource."""


class StackStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    name: str
    region: str
    outputs: dict[str, str]
    running: int
    """Number of resources that run."""
    recorded: tuple[RecordedResource, ...]


class StatusReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    ready: bool
    version: int
    state: str
    supervisor_pid: int
    guardian_pid: int
    doors: dict[str, str]
    """Door name to address, such as `internet` to `http://127.0.0.1:4580`."""
    home: str
    regions: tuple[str, ...]
    names: tuple[str, ...]
    """Names that the application can be reached by."""
    processes: tuple[ProcessStatus, ...]
    stacks: tuple[StackStatus, ...]
    faults: Faults


Reply = (
    Followed
    | Inspected
    | Traced
    | ConflictsFound
    | Compared
    | Invalidated
    | Published
    | Stopping
    | Refused
    | Event
    | StatusReport
)
