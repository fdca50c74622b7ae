"""The settings that all replicas of a global table share, and how one takes them over from another.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-MA-settings.html: the key schema and
local indexes are always the same; billing mode, write capacity, time to live and global indexes follow each other;
table class, encryption, protection, tags, policies, backups and read capacity are each replica's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from globule.dynamodb.model import Index, TableSpec, Throughput

_SHARED_SETTINGS = ("OnDemandThroughput", "WarmThroughput")


def taken_over(own: TableSpec, other: TableSpec) -> TableSpec:
    """`own`, in step with the other replica's settings."""
    return msgspec.structs.replace(
        own,
        billing=other.billing,
        throughput=_throughput(own.throughput, other.throughput),
        ttl_attribute=other.ttl_attribute,
        indexes=tuple(_index(own.index(index.name), index) for index in other.indexes),
        settings=_settings(own.settings, other.settings),
    )


def new_replica(other: TableSpec) -> TableSpec:
    """What a replica is made from that has no settings of its own yet."""
    settings = {name: value for name, value in other.settings.items() if name in _SHARED_SETTINGS}
    return msgspec.structs.replace(other, settings=settings, deletion_protection=False)


def _index(own: Index | None, other: Index) -> Index:
    if own is None:
        return other
    return msgspec.structs.replace(
        other,
        throughput=_throughput(own.throughput, other.throughput),
        settings=_settings(own.settings, other.settings),
    )


def _throughput(own: Throughput | None, other: Throughput | None) -> Throughput | None:
    if own is None or other is None:
        return other
    return Throughput(read=own.read, write=other.write)


def _settings(own: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: value for name, value in own.items() if name not in _SHARED_SETTINGS}
    return kept | {name: value for name, value in other.items() if name in _SHARED_SETTINGS}
