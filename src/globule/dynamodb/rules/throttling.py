"""Token buckets: how much of a table's or index's provisioned capacity is left.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html: what was not used in the
last five minutes may be used at once. A request is let in while anything is left, and takes what it turns out to need,
so a bucket can be in debt.
"""

from __future__ import annotations

import msgspec

BURST_SECONDS = 300.0


class Bucket(msgspec.Struct, frozen=True):
    units: float
    """What is left; below zero is debt."""
    at: float
    """When it was so, in seconds of any steady clock."""


def full(rate: float, now: float) -> Bucket:
    """A bucket that nobody has used yet."""
    return Bucket(rate * BURST_SECONDS, now)


def refilled(bucket: Bucket, rate: float, now: float) -> Bucket:
    """What it holds now, at `rate` units a second; no more than the burst, also after the rate was lowered."""
    units = bucket.units + rate * max(0.0, now - bucket.at)
    return Bucket(min(units, rate * BURST_SECONDS), now)


def taken(bucket: Bucket, units: float) -> Bucket:
    return Bucket(bucket.units - units, bucket.at)
