"""Limits of an invocation, and what an invocation comes to when it does not end well.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
"""

from __future__ import annotations

import msgspec

from globule.wire.aws.errors import AwsError

REQUEST_LIMIT_BYTES = 6 * 1024 * 1024
EVENT_LIMIT_BYTES = 1024 * 1024
# AWS's error text gives this number: 6 MB and a hundred bytes of the service's own.
RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024 + 100

UNHANDLED = "Unhandled"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an invocation has no answer: the error object beside X-Amz-Function-Error: Unhandled."""

    error_type: str
    message: str = ""
    reported: bytes = b""
    """The error object as a runtime reported it; empty where Lambda makes one of its own."""

    def payload(self, request_id: str) -> bytes:
        if self.reported:
            return self.reported
        message = f"RequestId: {request_id} Error: {self.message}"
        return msgspec.json.encode({"errorType": self.error_type, "errorMessage": message})


def timed_out(timeout_s: float) -> Failure:
    return Failure(error_type="Sandbox.Timedout", message=f"Task timed out after {timeout_s:.2f} seconds")


def exited(how: str | None) -> Failure:
    """The process ended in the middle; `how` is `exit status 1`, `signal: killed`, or None for status 0."""
    if how is None:
        return Failure(error_type="Runtime.ExitError", message="Runtime exited without providing a reason")
    return Failure(error_type="Runtime.ExitError", message=f"Runtime exited with error: {how}")


OUT_OF_MEMORY = Failure(error_type="Runtime.OutOfMemory", message="Runtime exited with error: signal: killed")
"""What AWS answers when the kernel has killed the process for its memory."""

_TOO_LARGE = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
RESPONSE_TOO_LARGE = Failure(
    error_type="Function.ResponseSizeTooLarge",
    reported=msgspec.json.encode({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": _TOO_LARGE}),
)


def import_hint(runtime: str) -> str:
    """What to say beside Runtime.ImportModuleError."""
    if runtime.startswith("python"):
        return (
            "[globule] functions see their own folder, their layers, boto3 and the standard library, as on AWS. Run "
            "`sam build` and use its template, or `pip install --target FOLDER -r requirements.txt`"
        )
    return (
        "[globule] functions see their own folder's node_modules and their layers; AWS's runtime also brings the AWS "
        "SDK v3, this machine does not. Run `npm install` in the function's folder, or in one above it: of what its "
        "package.json names, or `npm install @aws-sdk/client-...`"
    )


def request_too_large(size_bytes: int, *, event: bool) -> AwsError | None:
    """Whether a payload is beyond what an invocation takes."""
    limit_bytes = EVENT_LIMIT_BYTES if event else REQUEST_LIMIT_BYTES
    if size_bytes <= limit_bytes:
        return None
    return AwsError(
        "RequestTooLargeException",
        f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation",
        status=413,
        details={"Type": "User"},
    )


def throttled(*, reserved: bool) -> AwsError:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"""
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded" if reserved else "ConcurrentInvocationLimitExceeded"
    return AwsError(
        "TooManyRequestsException", "Rate Exceeded.", status=429, details={"Reason": reason, "Type": "User"}
    )
