"""GET /api/rooms/{room}/messages: the newest page; with ?after=ID what came after it; with ?before=ID what was before.

Messages come oldest first. `after` may be an id that nobody has used.
"""

from typing import Any

from chat import conversation, web
from chat.identifiers import is_identifier
from chat.problems import Problem
from chat.table import open_table

TABLE = open_table()


@web.answered
def handler(event: dict[str, Any]) -> web.Answer:
    page = conversation.page(
        TABLE,
        event["pathParameters"]["room"],
        after=_identifier(event, "after"),
        before=_identifier(event, "before"),
        limit=_limit(event),
    )
    return web.answer(200, page)


def _identifier(event: dict[str, Any], name: str) -> str | None:
    value = web.query(event, name)
    if value is not None and not is_identifier(value):
        raise Problem(400, "InvalidId", f"{name} must be a message's id.")
    return value


def _limit(event: dict[str, Any]) -> int:
    value = web.query(event, "limit") or str(conversation.PAGE_LIMIT)
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= conversation.PAGE_LIMIT):
        raise Problem(400, "InvalidLimit", f"limit must be from 1 to {conversation.PAGE_LIMIT}.")
    return int(value)
