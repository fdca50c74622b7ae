"""Where a message's body ends: by length, by chunks, or with the connection (RFC 9112 sections 6 and 7).

A decoder is fed bytes as they arrive and gives back pieces of content. Strict: anything that another parser might
read differently is a MalformedMessage.
"""

from __future__ import annotations

import re
from typing import Protocol

from globule.wire.http_head import CHUNKED, UNTIL_CLOSE, MalformedMessage

# Size lines hold up to 16 hexadecimal digits; extensions are ignored, and longer ones are only ever an attack.
SIZE_LINE_LIMIT_BYTES = 256
# Trailer fields are read and dropped.
TRAILERS_LIMIT_BYTES = 8192

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")


class BodyDecoder(Protocol):
    def feed(self, data: bytes) -> tuple[list[bytes], bytes | None]:
        """Pieces of content, and once the body is complete what followed it (else None). Raises
        MalformedMessage."""

    def end(self) -> bool:
        """The connection ended. Whether that completes the body."""


def decoder(length: int) -> BodyDecoder:
    """The decoder for a head's `length`."""
    if length == CHUNKED:
        return ChunkedDecoder()
    if length == UNTIL_CLOSE:
        return UntilCloseDecoder()
    return LengthDecoder(length)


class LengthDecoder:
    def __init__(self, length: int) -> None:
        self._missing = length

    def feed(self, data: bytes) -> tuple[list[bytes], bytes | None]:
        if len(data) < self._missing:
            self._missing -= len(data)
            return [data], None
        content, rest = data[: self._missing], data[self._missing :]
        self._missing = 0
        return ([content] if content else []), rest

    def end(self) -> bool:
        return self._missing == 0


class UntilCloseDecoder:
    def feed(self, data: bytes) -> tuple[list[bytes], bytes | None]:
        return [data], None

    def end(self) -> bool:
        return True


class ChunkedDecoder:
    """Steps: a size line; that many bytes; CRLF; and so on; a size of 0; trailer lines; an empty line."""

    def __init__(self) -> None:
        self._line = b""
        """Bytes of a line whose end has not arrived."""
        self._missing = 0
        """Bytes of the current chunk that have not arrived."""
        self._step = self._size_line
        self._trailers_bytes = 0
        self._complete = False

    def feed(self, data: bytes) -> tuple[list[bytes], bytes | None]:
        content: list[bytes] = []
        while data and not self._complete:
            if self._missing:
                piece = data[: self._missing]
                content.append(piece)
                self._missing -= len(piece)
                data = data[len(piece) :]
                continue
            line, newline, rest = data.partition(b"\n")
            self._line += line + newline
            data = rest
            if len(self._line) > SIZE_LINE_LIMIT_BYTES and self._step != self._trailer_line:
                raise MalformedMessage("a chunk's size line is too long")
            if len(self._line) + self._trailers_bytes > TRAILERS_LIMIT_BYTES:
                raise MalformedMessage("the trailers are too long", status=431)
            if newline:
                self._take_line()
        return content, data if self._complete else None

    def end(self) -> bool:
        return False

    def _take_line(self) -> None:
        if not self._line.endswith(b"\r\n"):
            raise MalformedMessage("a line of the chunked coding ends without a carriage return")
        line, self._line = self._line[:-2], b""
        self._step(line)

    def _size_line(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise MalformedMessage("not a chunk size")
        self._missing = int(match[1], 16)
        self._step = self._chunk_end if self._missing else self._trailer_line

    def _chunk_end(self, line: bytes) -> None:
        if line:
            raise MalformedMessage("a chunk is longer than its size")
        self._step = self._size_line

    def _trailer_line(self, line: bytes) -> None:
        if not line:
            self._complete = True
            return
        if not _TRAILER.fullmatch(line):
            raise MalformedMessage("not a trailer field")
        self._trailers_bytes += len(line)


def chunk(data: bytes) -> bytes:
    """One chunk; not for empty data, which would end the body."""
    assert data
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
