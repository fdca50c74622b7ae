"""The key spaces of a region's store. A key is a letter, a number of 4 bytes, and what the space says.

c number                 a table's record in the catalogue (JSON)
g number                 key spaces that are to be emptied
i number place           items of a table, entries of an index (`rules.records`)
t number place           tombstones of a global table
m number                 counters of a table or an index
x number expiry place    when items expire
s number sequence        records of a stream
l number sequence        a global table's own writes, which its other replicas are told
p number region          how far a replica has been told, and has told
d 0 sequence             writes that were discarded
e 0 sequence             messages for other regions that wait to be delivered
b number                 a backup's record (JSON); its items are in a space of items of their own
h number sequence        what the writes of a table replaced, where it keeps its history
r number place           places that a snapshot of a time past has settled
n                        the next number
"""

from __future__ import annotations

from globule.storage.store import KEY_LIMIT_BYTES

TABLE = b"c"
RUBBISH = b"g"
ITEMS = b"i"
TOMBSTONES = b"t"
COUNTERS = b"m"
EXPIRIES = b"x"
STREAM = b"s"
LOG = b"l"
PEER = b"p"
DISCARDED = b"d"
ERRANDS = b"e"
BACKUP = b"b"
HISTORY = b"h"
SETTLED = b"r"
NEXT_NUMBER = b"n"

PREFIX_BYTES = 5

PLACE_LIMIT_BYTES = KEY_LIMIT_BYTES - PREFIX_BYTES


def space(letter: bytes, number: int) -> bytes:
    """The prefix of a key space."""
    return letter + number.to_bytes(4, "big")


def numbered(letter: bytes, number: int, sequence: int) -> bytes:
    """A key of a space that is ordered by a number of 8 bytes."""
    return letter + number.to_bytes(4, "big") + sequence.to_bytes(8, "big")


def sequence_of(key: bytes) -> int:
    return int.from_bytes(key[PREFIX_BYTES : PREFIX_BYTES + 8], "big")
