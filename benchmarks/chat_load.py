"""People who chat: threads that post and read through the internet door, each from a city, and keep book.

Used by benchmarks and by the tests that lose regions. A message that got a 2xx answer is acknowledged; one that got
none is sent again under the same id, as the chat's own page does, until it is.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from dataclasses import dataclass, field

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# A reader's patience with one request; longer than CloudFront's own limits in a scaled world.
REQUEST_LIMIT_S = 30.0


def ulid() -> str:
    """https://github.com/ulid/spec"""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


@dataclass
class Attempt:
    """One request: when it was made and answered, and what came. `status` is 0 where no answer came."""

    start: float
    end: float
    status: int
    region: str = ""


@dataclass
class Person:
    """Somebody in a city: posts to a room, reads it, and remembers what was acknowledged."""

    city: str
    room: str
    door: int
    host: str
    pause_s: float = 0.05
    acknowledged: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _connection: http.client.HTTPConnection | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._chat, daemon=True, name=f"person in {self.city}")
        self._thread.start()

    def finish(self) -> None:
        """Ask to stop, and wait until the message under way is acknowledged or given up."""
        self.stop.set()
        assert self._thread is not None
        self._thread.join(2 * REQUEST_LIMIT_S)
        if self._connection is not None:
            self._connection.close()

    def _chat(self) -> None:
        after = ulid()
        while not self.stop.is_set():
            identifier = ulid()
            body = {"id": identifier, "name": self.city, "text": f"from {self.city}"}
            while not self.stop.is_set():
                if 200 <= self._request("POST", f"/api/rooms/{self.room}/messages", body).status < 300:
                    self.acknowledged.append(identifier)
                    break
                self.stop.wait(self.pause_s)
            self._request("GET", f"/api/rooms/{self.room}/messages?after={after}&limit=10")
            self.stop.wait(self.pause_s)

    def _request(self, method: str, path: str, body: object = None) -> Attempt:
        start = time.time()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.door, timeout=REQUEST_LIMIT_S)
            self._connection.request(
                method,
                f"https://{self.host}{path}",
                body=None if body is None else json.dumps(body),
                headers={"X-Globule-From": self.city, "Content-Type": "application/json"},
            )
            response = self._connection.getresponse()
            content = response.read()
            attempt = Attempt(start, time.time(), response.status, _region(response.status, content))
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            attempt = Attempt(start, time.time(), 0)
        self.attempts.append(attempt)
        return attempt


def _region(status: int, content: bytes) -> str:
    if not 200 <= status < 300:
        return ""
    answer = json.loads(content)
    return str(answer.get("region") or answer.get("message", {}).get("region", ""))


def outages(people: list[Person], since: float) -> list[float]:
    """For each person, seconds from `since` until the first good answer to a request made after the last failure
    that began in the outage; 0 where nothing failed."""
    found = []
    for person in people:
        failures = [
            attempt.end for attempt in person.attempts if attempt.end > since and attempt.status not in (200, 201)
        ]
        if not failures:
            found.append(0.0)
            continue
        good = [
            attempt.end for attempt in person.attempts if attempt.start >= failures[-1] and attempt.status in (200, 201)
        ]
        found.append((good[0] if good else time.time()) - since)
    return found
