"""Message ids: ULIDs, made by the writer's browser.

A ULID is 26 characters of Crockford's base 32: 48 bits of time in milliseconds, then 80 random bits. Ids sort by
time, so they are the table's sort key. The browser makes them, not the API, because a browser that lost its region
half-way through a request sends the message again to another one: the same id makes it the same message.
"""

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FORM = re.compile(f"[0-7][{ALPHABET}]{{25}}")
_TIME_LENGTH = 10


def is_identifier(text: object) -> bool:
    return isinstance(text, str) and _FORM.fullmatch(text) is not None


def time_of(identifier: str) -> int:
    """Milliseconds since the epoch at which the id was made."""
    milliseconds = 0
    for character in identifier[:_TIME_LENGTH]:
        milliseconds = milliseconds * 32 + ALPHABET.index(character)
    return milliseconds


def first_at(milliseconds: int) -> str:
    """The smallest id of that millisecond."""
    characters = []
    for _ in range(_TIME_LENGTH):
        milliseconds, digit = divmod(milliseconds, 32)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters)) + "0" * 16
