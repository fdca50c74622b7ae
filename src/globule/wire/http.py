"""HTTP messages as values, shared by every server and client in the house.

Field names are lower case, values are latin-1 text, as RFC 9110 section 5 allows. A body is either bytes, or a
stream that is read once. The sockets live in `host.http_server`, `host.http_client` and `wan`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

import msgspec


class BodyTooLarge(Exception):
    """The message's body is larger than its reader accepts."""


class Body(Protocol):
    """The body of a message that is arriving. Read it once, whole or in pieces."""

    @property
    def length(self) -> int | None:
        """Content-Length in bytes; None where the peer did not say (chunked)."""

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises BodyTooLarge, before buffering more than the limit."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they arrive; the peer is slowed down while nobody reads."""


class BytesBody:
    """A body that is already here."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    @property
    def data(self) -> bytes:
        return self._data

    @property
    def length(self) -> int:
        return len(self._data)

    async def read(self, limit_bytes: int) -> bytes:
        if len(self._data) > limit_bytes:
            raise BodyTooLarge
        return self._data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._data:
            yield self._data


class Headers:
    """An ordered list of fields. Names are lower case; a name may occur more than once."""

    __slots__ = ("fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields: list[tuple[str, str]] = list(fields)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of a field; the name in lower case."""
        for key, value in self.fields:
            if key == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def set(self, name: str, value: str) -> None:
        """Replaces all values of a field by one."""
        self.remove(name)
        self.fields.append((name, value))

    def add(self, name: str, value: str) -> None:
        self.fields.append((name, value))

    def remove(self, name: str) -> None:
        self.fields = [field for field in self.fields if field[0] != name]

    def copy(self) -> Headers:
        return Headers(self.fields)

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _ in self.fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.fields == other.fields

    def __repr__(self) -> str:
        return f"Headers({self.fields!r})"


class Request(msgspec.Struct, kw_only=True):
    """One HTTP request. `target` is in origin form (`/path?query`), exactly as received."""

    method: str
    target: str
    headers: Headers = msgspec.field(default_factory=Headers)
    body: Body = msgspec.field(default_factory=BytesBody)
    peer: str = ""
    """Address of the connection's other end."""
    note: object = None
    """What the server's parse hook wants the handler to know of it, where there is one."""

    @property
    def raw_path(self) -> str:
        """The path with its percent-encoding."""
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        """The path, decoded once."""
        return unquote(self.raw_path)

    @property
    def query(self) -> str:
        """The raw query string without the question mark."""
        return self.target.partition("?")[2]

    @property
    def host(self) -> str:
        """The Host field without a port, in lower case; empty where there is none."""
        host = self.headers.get("host") or ""
        return host.rpartition(":")[0].lower() if ":" in host and not host.endswith("]") else host.lower()


class Response(msgspec.Struct, kw_only=True):
    """One HTTP response. Content-Length and Date are the server's work; set them only to override."""

    status: int
    headers: Headers = msgspec.field(default_factory=Headers)
    body: bytes | AsyncIterator[bytes] = b""
    reason: str | None = None

    @property
    def phrase(self) -> str:
        """The reason phrase: the given one, else the standard one, else empty."""
        if self.reason is not None:
            return self.reason
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""
