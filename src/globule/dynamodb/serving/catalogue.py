"""What has become of each table in one region: the catalogue's records, kept in the store beside the items."""

from __future__ import annotations

from typing import Literal

import msgspec

from globule.dynamodb.model import StreamView, TableSpec

TableStatus = Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"]
ReplicaStatus = Literal["CREATING", "CREATION_FAILED", "UPDATING", "DELETING", "ACTIVE"]


class IndexRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A secondary index as it stands. Its definition is the spec's index of the same name."""

    name: str
    number: int
    """Names its key space; never used again."""
    status: Literal["CREATING", "UPDATING", "ACTIVE", "DELETING"] = "ACTIVE"
    backfilling: bool = False


class StreamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, from its enabling until 24 h after its disabling."""

    number: int
    label: str
    """ISO 8601 time of the enabling, the last part of the ARN."""
    arn: str
    view: StreamView
    enabled_at: float
    disabled_at: float | None = None


class ReplicaRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Another region's replica, as this region knows it."""

    region: str
    status: ReplicaStatus
    progress_percent: int | None = None
    """While CREATING: how much of the table has been copied."""


class TableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One table of this region. Immutable; `Tables.find` gives the newest."""

    number: int
    """Names its key space; never used again."""
    table_id: str
    """A UUID, `TableId`."""
    arn: str
    spec: TableSpec
    status: TableStatus
    created_at: float
    stack: str | None = None
    """The stack that declares it; None for a table made by the API."""
    indexes: tuple[IndexRecord, ...] = ()
    streams: tuple[StreamRecord, ...] = ()
    """The newest last; at most the last one is enabled."""
    replicas: tuple[ReplicaRecord, ...] = ()
    """The other regions of the global table; empty for a table of one region."""
    throughput_changed_at: float | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def stream(self) -> StreamRecord | None:
        """The enabled stream."""
        return self.streams[-1] if self.streams and self.streams[-1].disabled_at is None else None

    @property
    def global_table(self) -> bool:
        return bool(self.replicas)
