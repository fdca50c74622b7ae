"""Header fields that only Globule's own processes send each other, on top of ordinary HTTP.

The internet door takes them from its clients, and sends them on beside the key; a server believes them only where the
key is right, and never hands them to anybody's code.
"""

from __future__ import annotations

KEY = "x-globule-key"
"""The world's secret: what the door says of its client is true."""
PEER = "x-globule-peer"
"""The world's secret: one region speaks to another. The door never sends it, so no client can have it sent."""
FROM = "x-globule-from"
"""Where the client is: a city's slug."""
SCHEME = "x-globule-scheme"
"""`https` where the client spoke TLS to the door; the bytes between our processes are plain either way."""

ALL = frozenset((KEY, PEER, FROM, SCHEME))
