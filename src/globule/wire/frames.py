"""Frames: many questions and answers at once over one connection, by numbers.

4 bytes  length of what follows
8 bytes  number, chosen by who asks; the answer has the same
1 byte   kind
the rest is the question or the answer
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal[0, 1, 2]
QUESTION: Kind = 0
ANSWER: Kind = 1
FAILURE: Kind = 2
"""The question could not be answered; the content says why, in UTF-8."""

_head = struct.Struct(">IQB")
_LENGTH_BYTES = 4
_REST_BYTES = _head.size - _LENGTH_BYTES


class BadFrame(Exception):
    """What arrived is no frame, or is beyond the limit."""


class Frame(msgspec.Struct, frozen=True):
    number: int
    kind: Kind
    content: bytes


def encode_frame(frame: Frame) -> bytes:
    return _head.pack(len(frame.content) + _REST_BYTES, frame.number, frame.kind) + frame.content


class FrameReader:
    """Cuts a stream into frames."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises BadFrame, after which nothing more can be read."""
        self._buffer += data
        position = 0
        try:
            while len(self._buffer) - position >= _head.size:
                length, number, kind = _head.unpack_from(self._buffer, position)
                if kind not in (QUESTION, ANSWER, FAILURE) or not _REST_BYTES <= length <= self._limit_bytes:
                    raise BadFrame(f"a frame of kind {kind} and {length} bytes")
                end = position + _LENGTH_BYTES + length
                if end > len(self._buffer):
                    return
                content = bytes(self._buffer[position + _head.size : end])
                position = end
                yield Frame(number, kind, content)
        finally:
            del self._buffer[:position]
