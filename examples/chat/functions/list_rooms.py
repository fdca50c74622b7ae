"""GET /api/rooms: rooms that somebody wrote in, the liveliest first."""

from typing import Any

from chat import conversation, web
from chat.table import open_table

TABLE = open_table()

# The distribution keeps one copy for all readers of an edge location; readers' own browsers keep none.
CACHE = "max-age=0, s-maxage=2"


@web.answered
def handler(event: dict[str, Any]) -> web.Answer:
    return web.answer(200, {"rooms": conversation.rooms(TABLE)}, cache=CACHE)
