"""Bodies: however the bytes are cut, the same content comes out, and nothing of the next message."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globule.wire import http_body
from globule.wire.http_head import CHUNKED, UNTIL_CLOSE, MalformedMessage

PIECES = st.lists(st.binary(min_size=1, max_size=50), max_size=8)


def feed_in_cuts(decoder: http_body.BodyDecoder, data: bytes, cuts: list[int]) -> tuple[bytes, bytes | None]:
    """Content, and what followed the body; None where it did not end."""
    edges = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    content, rest = b"", None
    for start, end in itertools.pairwise(edges):
        if rest is not None:
            rest += data[start:end]
            continue
        pieces, rest = decoder.feed(data[start:end])
        content += b"".join(pieces)
    return content, rest


@given(PIECES, st.binary(max_size=20), st.lists(st.integers(0, 1000)))
def test_chunks_come_out_whole_however_they_are_cut(pieces: list[bytes], after: bytes, cuts: list[int]) -> None:
    wire = b"".join(map(http_body.chunk, pieces)) + http_body.LAST_CHUNK + after
    assert feed_in_cuts(http_body.decoder(CHUNKED), wire, cuts) == (b"".join(pieces), after)


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=20), st.lists(st.integers(0, 1000)))
def test_a_length_ends_the_body_exactly(content: bytes, after: bytes, cuts: list[int]) -> None:
    assert feed_in_cuts(http_body.decoder(len(content)), content + after, cuts) == (content, after)


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000)))
def test_no_bytes_make_the_chunked_decoder_fail_otherwise_than_by_refusing(data: bytes, cuts: list[int]) -> None:
    try:
        content, _ = feed_in_cuts(http_body.decoder(CHUNKED), data, cuts)
    except MalformedMessage:
        return
    assert len(content) <= len(data)


def test_extensions_and_trailers_are_read_and_dropped() -> None:
    wire = b"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\nnext"
    assert feed_in_cuts(http_body.decoder(CHUNKED), wire, []) == (b"abc", b"next")


@pytest.mark.parametrize(
    "wire",
    [
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"3;a\rb\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"3" + b";x" * 300 + b"\r\nabc\r\n0\r\n\r\n",
        b"0\r\n not: a field\r\n\r\n",
        b"0\r\n" + b"a: b\r\n" * 3000 + b"\r\n",
    ],
)
def test_what_is_not_strictly_chunked_is_refused(wire: bytes) -> None:
    with pytest.raises(MalformedMessage):
        feed_in_cuts(http_body.decoder(CHUNKED), wire, [])


def test_only_a_body_without_a_length_may_end_with_the_connection() -> None:
    assert http_body.decoder(UNTIL_CLOSE).end()
    assert not http_body.decoder(CHUNKED).end()
    assert not http_body.decoder(3).end()
