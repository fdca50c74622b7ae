"""Between API Gateway's events (payload format 2.0) and plain values."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chat.problems import Problem
from chat.table import region

# A message has at most 2,000 characters; JSON may spend twelve bytes on one.
BODY_LIMIT = 32 * 1024

Answer = dict[str, Any]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def json_body(event: dict[str, Any]) -> Any:
    """Raises Problem."""
    text = event.get("body") or ""
    if len(text) > BODY_LIMIT:
        raise Problem(413, "BodyTooLarge", f"The body must have at most {BODY_LIMIT} bytes.")
    try:
        data = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        return json.loads(data)
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        raise Problem(400, "InvalidBody", "The body must be JSON.") from None


def query(event: dict[str, Any], name: str) -> str | None:
    return (event.get("queryStringParameters") or {}).get(name)


def answer(status: int, content: dict[str, Any], *, cache: str = "no-store") -> Answer:
    """Every answer says which region gave it, and its time, by which browsers set the clock of their ids."""
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json; charset=utf-8",
            "cache-control": cache,
            "x-content-type-options": "nosniff",
        },
        "body": json.dumps({"region": region(), "now": now_ms(), **content}, ensure_ascii=False),
    }


def answered(work: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any], Any], Answer]:
    """A Lambda handler around `work`: problems become answers; a table that fails becomes a 503, to be retried."""

    def handler(event: dict[str, Any], context: Any) -> Answer:
        try:
            return work(event)
        except Problem as problem:
            return answer(problem.status, {"error": {"code": problem.code, "message": problem.message}})
        except (BotoCoreError, ClientError) as error:
            print(f"table: {error!r}")  # noqa: T201  a function's log is what it prints
            return answer(503, {"error": {"code": "TableUnavailable", "message": "Please try again."}})

    return handler
