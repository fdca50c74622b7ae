"""Ids of requests (X-Amz-Cf-Id, and `requestId` for functions), drawn many at a time: a call to the operating system
costs more than the bytes."""

from __future__ import annotations

from globule.cloudfront.rules import identifiers
from globule.host.entropy import Entropy

IDS_AT_ONCE = 128


class RequestIds:
    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._drawn: list[bytes] = []

    def next(self) -> bytes:
        if not self._drawn:
            self._drawn = identifiers.request_ids(self._entropy.bytes(IDS_AT_ONCE * identifiers.REQUEST_ID_BYTES))
        return self._drawn.pop()
