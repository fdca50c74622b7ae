"""POST /api/rooms/{room}/messages with {"id", "name", "text"}: 201 where the message is new, 200 where it was there."""

from typing import Any

from chat import conversation, messages, web
from chat.table import open_table, region

TABLE = open_table()


@web.answered
def handler(event: dict[str, Any]) -> web.Answer:
    now_ms = web.now_ms()
    message = messages.message_from(event["pathParameters"]["room"], web.json_body(event), now_ms=now_ms)
    stored, new = conversation.post(TABLE, message, region=region(), now_ms=now_ms)
    return web.answer(201 if new else 200, {"message": stored})
