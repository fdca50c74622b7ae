"""Header fields that only Globule's own processes send each other, on top of ordinary HTTP.

The internet door takes them from its clients, and sends them on beside the key; a server believes them only where the
key is right, and never hands them to anybody's code.
"""

from __future__ import annotations

KEY = "x-globule-key"
"""The world's secret."""
FROM = "x-globule-from"
"""Where the client is: a city's slug."""
SCHEME = "x-globule-scheme"
"""`https` where the client spoke TLS to the door; the bytes between our processes are plain either way."""

ALL = frozenset((KEY, FROM, SCHEME))
