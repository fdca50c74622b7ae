"""Laws of S3's rules."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from globule.s3.rules.aws_chunked import AwsChunkedDecoder
from globule.s3.rules.checksums import FULL_OBJECT_ALGORITHMS, combined, new_digest
from globule.s3.rules.listing import page_of_objects, page_of_versions
from globule.s3.rules.ranges import range_of
from globule.s3.rules.records import Version, encode, escaped, key_in, version_key, versions_of_bucket, versions_of_key
from globule.s3.rules.xml import document, parsed

# Short keys of few characters, so that prefixes, folders and neighbours are common.
KEYS = st.text(alphabet="ab/\x00\x01\xff鍵", min_size=1, max_size=6)
HISTORIES = st.dictionaries(KEYS, st.lists(st.booleans(), min_size=1, max_size=4), max_size=12)
"""For each key, its versions in order of age; true is a delete marker."""


class Shelf:
    """The store, as a sorted list."""

    def __init__(self, history: dict[str, list[bool]]) -> None:
        self.versions = {
            key: [
                Version(id=f"v{number}", modified_us=1_000_000 + number, deleted=deleted)
                for number, deleted in enumerate(deletions)
            ]
            for key, deletions in history.items()
        }
        pairs = [(version_key("b", key, v), encode(v)) for key, versions in self.versions.items() for v in versions]
        others = [
            (version_key(other, "a", Version(id="x", modified_us=1)), b"not of this bucket")
            for other in ("a", "b-", "c")
        ]
        self.pairs = sorted(pairs + others)

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter([pair for pair in self.pairs if start <= pair[0] < end])

    def current(self, prefix: str) -> list[str]:
        alive = [key for key, versions in self.versions.items() if not versions[-1].deleted and key.startswith(prefix)]
        return sorted(alive, key=str.encode)


def rolled_up(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """Keys and common prefixes, in order, each once."""
    seen: dict[str, None] = {}
    for key in keys:
        found = key.find(delimiter, len(prefix)) if delimiter else -1
        seen[key if found < 0 else key[: found + len(delimiter)]] = None
    return list(seen)


@given(HISTORIES, st.sampled_from(["", "a", "a/", "鍵", "\x00"]), st.sampled_from(["", "/", "b"]), st.integers(1, 5))
def test_pages_of_objects_join_up_to_what_a_plain_list_says(history, prefix, delimiter, limit):
    shelf = Shelf(history)
    joined: list[str] = []
    after = ""
    while True:
        page = page_of_objects(shelf.scan, "b", prefix=prefix, delimiter=delimiter, after=after, limit=limit)
        shown = [entry.key for entry in page.entries] + list(page.prefixes)
        assert len(shown) <= limit
        joined += sorted(shown, key=str.encode)
        if not page.more:
            break
        after = page.last
    assert joined == rolled_up(shelf.current(prefix), prefix, delimiter)


@given(HISTORIES, st.integers(1, 5))
def test_pages_of_versions_join_up_to_every_version_newest_first(history, limit):
    shelf = Shelf(history)
    joined: list[tuple[str, str, bool]] = []
    after, after_version = "", None
    while True:
        page = page_of_versions(
            shelf.scan, "b", prefix="", delimiter="", after=after, after_version=after_version, limit=limit
        )
        joined += [(entry.key, entry.version.id, entry.latest) for entry in page.entries]
        if not page.more:
            break
        after = page.last
        after_version = next(version for version in shelf.versions[after] if version.id == page.last_version)
    expected = [
        (key, version.id, number == 0)
        for key in sorted(shelf.versions, key=str.encode)
        for number, version in enumerate(reversed(shelf.versions[key]))
    ]
    assert joined == expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_store_keys_are_ordered_as_object_keys_are_and_lead_back_to_them(one, other):
    assert (escaped(one) < escaped(other)) == (one.encode() < other.encode())
    if one != other:
        assert (versions_of_key("b", one) < versions_of_key("b", other)) == (one.encode() < other.encode())
    root = versions_of_bucket("b")
    stored = version_key("b", one, Version(id="null", modified_us=5))
    assert key_in(root, stored) == (one, versions_of_key("b", one))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.sampled_from(FULL_OBJECT_ALGORITHMS))
def test_the_checksum_of_a_whole_follows_from_those_of_its_parts(parts, algorithm):
    def checksum(data: bytes) -> str:
        digest = new_digest(algorithm)
        digest.update(data)
        return base64.b64encode(digest.digest()).decode()

    assert combined(algorithm, [(checksum(part), len(part)) for part in parts]) == checksum(b"".join(parts))


@given(st.binary(), st.binary())
def test_a_digest_does_not_depend_on_how_the_data_comes(one, other):
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME"):
        apart, whole = new_digest(algorithm), new_digest(algorithm)
        apart.update(one)
        apart.update(other)
        whole.update(one + other)
        assert apart.digest() == whole.digest()
    assert zlib.crc32(one + other) == int.from_bytes(_crc32(one + other), "big")


def _crc32(data: bytes) -> bytes:
    digest = new_digest("CRC32")
    digest.update(data)
    return digest.digest()


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 20))
def test_aws_chunked_bodies_are_decoded_however_they_are_cut(chunks, step):
    coded = b"".join(b"%x;chunk-signature=0\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    coded += b"0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n"
    decoder = AwsChunkedDecoder()
    decoded = [piece for start in range(0, len(coded), step) for piece in decoder.feed(coded[start : start + step])]
    assert b"".join(decoded) == b"".join(chunks)
    assert decoder.complete
    assert decoder.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_slicing_gives(size, first, last):
    data = bytes(range(size))
    if first < size and last >= first:
        start, end = range_of(f"bytes={first}-{last}", size) or (None, None)
        assert data[start:end] == data[first : last + 1]
    if last > 0 and size:
        start, end = range_of(f"bytes=-{last}", size) or (None, None)
        assert data[start:end] == data[-last:]


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="￾￿")))
def test_text_survives_xml(text):
    assert parsed(document("A", ("B", text)), "A").value("B") == text
