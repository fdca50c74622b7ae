"""What a message and a room are, and which ones are accepted. Nothing here reads a clock or a table."""

import re
import unicodedata
from typing import Any, NamedTuple

from chat.identifiers import is_identifier, time_of
from chat.problems import Problem

NAME_LIMIT = 40
TEXT_LIMIT = 2000

# How far an id's time may be from ours. A browser keeps trying to send a message for some minutes, so ids get old;
# nothing makes them come from the future but a wrong clock.
OLDEST_MS = 10 * 60 * 1000
NEWEST_MS = 60 * 1000

_ROOM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Message(NamedTuple):
    room: str
    id: str
    name: str
    text: str


def room_named(text: object) -> str:
    """Raises Problem where that is not a room's name."""
    if not isinstance(text, str) or not _ROOM.fullmatch(text):
        raise Problem(400, "InvalidRoom", "A room's name has 1 to 40 lower-case letters, digits and inner hyphens.")
    return text


def message_from(room: object, body: Any, *, now_ms: int) -> Message:
    """The message in a request's body. Raises Problem."""
    if not isinstance(body, dict):
        raise Problem(400, "InvalidBody", "The body must be a JSON object with id, name and text.")
    identifier = body.get("id")
    if not is_identifier(identifier):
        raise Problem(400, "InvalidId", "The id must be a ULID: 26 characters, the time first.")
    age_ms = now_ms - time_of(identifier)
    if age_ms > OLDEST_MS or age_ms < -NEWEST_MS:
        raise Problem(400, "InvalidTime", "The id's time is too far from now. Is the sender's clock right?")
    return Message(
        room=room_named(room),
        id=identifier,
        name=_line(body.get("name")),
        text=_text(body.get("text")),
    )


def _line(value: object) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not 1 <= len(name) <= NAME_LIMIT or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise Problem(400, "InvalidName", f"The name must have 1 to {NAME_LIMIT} characters.")
    return name


def _text(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= TEXT_LIMIT:
        raise Problem(400, "InvalidText", f"The text must have 1 to {TEXT_LIMIT} characters.")
    if any(character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise Problem(400, "InvalidText", "The text must not hold control characters.")
    return text
