"""Client request tokens: a transaction that is sent again within ten minutes is answered, not done again.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-apis-txwriteitems
The tokens are kept in memory: a region that is killed and comes back has forgotten them, which is the one way in
which this differs from AWS.
"""

from __future__ import annotations

import collections
import hashlib
from typing import Any

import msgspec

from globule.host.clock import Clock
from globule.wire.aws.errors import AwsError

REMEMBERED_SECONDS = 600.0
# At 1,000 transactions a second AWS would remember more; a development machine makes fewer, and memory is bounded.
REMEMBERED_TOKENS = 100_000


class _Remembered(msgspec.Struct, frozen=True):
    digest: bytes
    until: float
    done: Any


class RequestTokens:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._remembered: collections.OrderedDict[str, _Remembered] = collections.OrderedDict()
        self._running: set[str] = set()

    def begin(self, token: str, digest: bytes) -> Any:
        """What was remembered of the request that this one repeats; None where it is new, and then `finish` must
        follow. Raises IdempotentParameterMismatchException or TransactionInProgressException."""
        self._forget()
        remembered = self._remembered.get(token)
        if remembered is not None:
            if remembered.digest != digest:
                raise AwsError(
                    "IdempotentParameterMismatchException",
                    "An error occurred (IdempotentParameterMismatchException): "
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            return remembered.done
        if token in self._running:
            raise AwsError(
                "TransactionInProgressException", "The transaction with the given request token is already in progress."
            )
        self._running.add(token)
        return None

    def finish(self, token: str, digest: bytes, done: Any) -> None:
        """`done` is what to remember; None where the request failed: its token may be used again."""
        self._running.discard(token)
        if done is not None:
            self._remembered[token] = _Remembered(digest, self._clock.monotonic() + REMEMBERED_SECONDS, done)

    def _forget(self) -> None:
        now = self._clock.monotonic()
        while self._remembered:
            token, oldest = next(iter(self._remembered.items()))
            if oldest.until > now and len(self._remembered) <= REMEMBERED_TOKENS:
                return
            del self._remembered[token]


def digest(actions: object) -> bytes:
    """Equal for requests that ask for the same to be done; what they want to be told of it may differ."""
    return hashlib.sha256(msgspec.json.encode(actions, order="deterministic")).digest()
