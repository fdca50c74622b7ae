"""The body coding `aws-chunked`, which AWS's SDKs put around uploads to send a checksum after the data.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
Each chunk is `SIZE[;chunk-signature=...] CRLF data CRLF`; after the one of size 0 come trailer fields and an empty
line. It looks like HTTP's own chunked coding, but is content: it lies inside of it. Signatures are not verified.
"""

from __future__ import annotations

import re

from globule.s3.rules.errors import s3_error

# A size, a signature of 64 hexadecimal digits, and room.
LINE_LIMIT_BYTES = 1024
TRAILER_LIMIT_FIELDS = 16

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,10})(?:;[!-~ ]*)?")
_FIELD = re.compile(rb"([!#-'*+.^-z|~0-9A-Za-z-]+):[ \t]*([ -~]*?)[ \t]*")


class AwsChunkedDecoder:
    """Feed it bytes as they arrive; it gives back pieces of data."""

    def __init__(self) -> None:
        self.complete = False
        self.trailers: dict[str, str] = {}
        self._line = b""
        self._missing = 0
        """Bytes of the current chunk's data that have not arrived."""
        self._step = self._size_line

    def feed(self, data: bytes) -> list[bytes]:
        """Raises AwsError where the coding is broken."""
        content: list[bytes] = []
        while data:
            if self.complete:
                raise _broken("data after its end")
            if self._missing:
                piece = data[: self._missing]
                content.append(piece)
                self._missing -= len(piece)
                data = data[len(piece) :]
                continue
            line, newline, data = data.partition(b"\n")
            self._line += line
            if len(self._line) > LINE_LIMIT_BYTES:
                raise _broken("a line that is too long")
            if newline:
                line, self._line = self._line.removesuffix(b"\r"), b""
                self._step(line)
        return content

    def _size_line(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise _broken("no chunk size where one is due")
        self._missing = int(found[1], 16)
        self._step = self._end_of_data if self._missing else self._trailer

    def _end_of_data(self, line: bytes) -> None:
        if line:
            raise _broken("a chunk that is longer than its size")
        self._step = self._size_line

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.complete = True
            return
        found = _FIELD.fullmatch(line)
        if found is None or len(self.trailers) >= TRAILER_LIMIT_FIELDS:
            raise _broken("a trailer that cannot be read")
        self.trailers[found[1].decode().lower()] = found[2].decode()


def _broken(why: str) -> Exception:
    return s3_error("InvalidRequest", f"The aws-chunked body holds {why}.")
