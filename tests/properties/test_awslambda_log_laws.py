"""Laws of what functions print."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from globule.awslambda.rules.log_lines import INVOCATION_LIMIT_BYTES, LINE_LIMIT_BYTES, LineSplitter

TEXT = st.text(alphabet=st.characters(exclude_characters="\r\n", codec="utf-8"))


@given(lines=st.lists(TEXT, max_size=20), cuts=st.lists(st.integers(0, 400), max_size=10))
def test_lines_do_not_depend_on_where_the_output_is_cut(lines: list[str], cuts: list[int]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    splitter = LineSplitter()
    seen: list[str] = []
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(places):
        seen += splitter.feed(data[start:end])
    assert seen + splitter.flush() == lines


@given(pieces=st.lists(st.binary(max_size=600_000), max_size=6))
def test_memory_and_lines_are_bounded_whatever_is_printed(pieces: list[bytes]) -> None:
    splitter = LineSplitter()
    kept = [line for piece in pieces for line in splitter.feed(piece)] + splitter.flush()
    printed = sum(map(len, pieces))
    assert all(len(line) <= LINE_LIMIT_BYTES for line in kept)
    assert sum(map(len, kept)) <= INVOCATION_LIMIT_BYTES
    assert splitter.dropped_bytes == max(0, printed - INVOCATION_LIMIT_BYTES)
