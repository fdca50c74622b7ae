"""What API Gateway, event sources and the edge see of Lambda: a way to invoke a function by name.

`awslambda` implements it; the composition root hands it to whoever calls functions.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class InvocationResult(msgspec.Struct, frozen=True, kw_only=True):
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

    payload: bytes
    """JSON: what the handler returned, or the error object where `function_error` is set."""
    function_error: str | None = None
    """`Unhandled` where the function raised, timed out, or its process ended; None where it answered."""
    executed_version: str = "$LATEST"
    log_tail: bytes = b""
    """The last 4 KB of this invocation's log."""
    cold: bool = False
    duration_ms: float = 0.0


class Invoker(Protocol):
    async def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, trace: str | None = None
    ) -> InvocationResult:
        """Invoke synchronously. `function` is a name or an ARN; `trace` is the X-Amzn-Trace-Id field to hand on.

        Raises AwsError: ResourceNotFoundException (404), TooManyRequestsException (429),
        RequestTooLargeException (413).
        """
