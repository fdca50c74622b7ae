"""GET /api/health: 200 while this region can read its replica of the table, else 503. Route 53 asks."""

from typing import Any

from chat import conversation, web
from chat.table import open_table

TABLE = open_table()


@web.answered
def handler(event: dict[str, Any]) -> web.Answer:
    conversation.touch(TABLE)
    return web.answer(200, {"healthy": True})
