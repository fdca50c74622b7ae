"""Whether an LMDB file's pages are what they should be, without asking LMDB, which trusts them.

LMDB follows page numbers and offsets as it finds them: a damaged page makes it read beyond the map, and the process
dies. So the tree is walked here first. `inspect` checks the meta pages and every branch page (about one page in a
hundred: some milliseconds for a million items), or with `whole` every page, every key's order and the checksum of
every value.

The format is LMDB 0.9's `mdb.c` (MDB_DATA_VERSION 1) on a 64-bit little-endian machine: pages of a header of 16
bytes and an array of 2-byte offsets to nodes; two meta pages, of which the one with the newer transaction counts.
"""

from __future__ import annotations

import mmap
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from globule.storage.long_keys import BUCKET_KEY_BYTES

# A value is followed by the CRC-32 of its key and itself, little-endian; the CRC-32 of all three is then this.
CHECKSUM_RESIDUE = 0x2144DF1C
CHECKSUM_BYTES = 4

_MAGIC = 0xBEEFC0DE
_DATA_VERSION = 1
_BRANCH, _LEAF, _OVERFLOW, _META = 0x01, 0x02, 0x04, 0x08
_BIG_DATA = 0x01
_HEADER_BYTES = 16
_NODE_BYTES = 8
_NO_PAGE = 0xFFFFFFFFFFFFFFFF

_header = struct.Struct("<QHHHH")
_meta = struct.Struct("<IIQQ")
_tree = struct.Struct("<IHHQQQQQ")
_node = struct.Struct("<HHHH")
_number = struct.Struct("<Q")

# More say nothing new, and a wholly overwritten file would give millions.
_PROBLEMS_LIMIT = 20


class Inspection(msgspec.Struct, kw_only=True):
    """What was looked at, and what was found."""

    pages: int = 0
    entries: int = 0
    problems: list[str] = msgspec.field(default_factory=list)

    def add(self, problem: str) -> None:
        if len(self.problems) < _PROBLEMS_LIMIT:
            self.problems.append(problem)


def seal(key: bytes, value: bytes) -> bytes:
    """The value with its checksum behind it, as it is kept."""
    return value + zlib.crc32(value, zlib.crc32(key)).to_bytes(CHECKSUM_BYTES, "little")


def sealed(key: bytes, kept: bytes) -> bool:
    """Whether the kept value is what `seal` made for this key."""
    return zlib.crc32(kept, zlib.crc32(key)) == CHECKSUM_RESIDUE


def inspect(path: Path, *, whole: bool) -> Inspection:
    """Look at the file of a store that nobody has open."""
    found = Inspection()
    if sys.byteorder != "little" or sys.maxsize < 2**32:
        return found  # LMDB's format is the machine's own; only the common one is known here
    with path.open("rb") as file:
        size_bytes = path.stat().st_size
        if size_bytes < 2 * mmap.PAGESIZE:
            found.add(f"the file has only {size_bytes} bytes, less than its two meta pages")
            return found
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _Walk(data, found, whole).run()
    return found


class _Walk:
    """One walk over one file."""

    def __init__(self, data: mmap.mmap, found: Inspection, whole: bool) -> None:
        self._data = data
        self._found = found
        self._whole = whole
        self._page_bytes = mmap.PAGESIZE
        self._seen = bytearray()
        self._leaf_depth = 0

    def run(self) -> None:
        metas = [meta for meta in (self._meta_page(0), self._meta_page(1)) if meta is not None]
        if not metas:
            return
        _, free, main = max(metas, key=lambda meta: meta[0])
        self._seen = bytearray(len(self._data) // self._page_bytes)
        self._tree(free, checked=False)
        self._found.entries = 0
        self._tree(main, checked=True)
        entries = main[-2]
        if self._whole and self._found.entries != entries and not self._found.problems:
            self._found.add(f"{self._found.entries} entries, but the meta page says {entries}")

    def _tree(self, tree: tuple[int, ...], *, checked: bool) -> None:
        _, _, depth, _, _, _, _, root = tree
        self._leaf_depth = depth - 1
        if root != _NO_PAGE:
            self._page(root, 0, None, None, checked=checked)

    def _meta_page(self, number: int) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
        """The transaction, and the trees of free pages and of data."""
        start = number * self._page_bytes
        flags = _header.unpack_from(self._data, start)[2]
        magic, version, _, _ = _meta.unpack_from(self._data, start + _HEADER_BYTES)
        if not flags & _META or magic != _MAGIC:
            self._found.add(f"meta page {number} is not one")
            return None
        if version != _DATA_VERSION:
            self._found.add(f"meta page {number} has LMDB's data version {version}, not {_DATA_VERSION}")
            return None
        trees = start + _HEADER_BYTES + _meta.size
        free = _tree.unpack_from(self._data, trees)
        main = _tree.unpack_from(self._data, trees + _tree.size)
        page_bytes = free[0]
        if page_bytes != self._page_bytes:
            self._found.add(f"pages of {page_bytes} bytes, but this machine's have {self._page_bytes}")
            return None
        (transaction,) = _number.unpack_from(self._data, trees + 2 * _tree.size + _number.size)
        return transaction, free, main

    def _page(self, number: int, depth: int, low: bytes | None, high: bytes | None, *, checked: bool) -> None:
        """One page and all below it, whose keys lie from `low` to `high`."""
        problem = self._claim(number, 1)
        if problem is None and depth > self._leaf_depth:
            problem = "is too deep in the tree"
        if problem is not None:
            self._found.add(f"page {number} {problem}")
            return
        start = number * self._page_bytes
        own_number, _, flags, lower, upper = _header.unpack_from(self._data, start)
        kind = flags & (_BRANCH | _LEAF | _OVERFLOW | _META)
        if own_number != number or kind not in (_BRANCH, _LEAF):
            self._found.add(f"page {number} is damaged: its header is page {own_number}'s, with flags {flags:#x}")
            return
        if lower % 2 or not _HEADER_BYTES <= lower <= upper <= self._page_bytes:
            self._found.add(f"page {number} is damaged: its free space is from {lower} to {upper}")
            return
        self._found.pages += 1
        nodes = struct.unpack_from(f"<{(lower - _HEADER_BYTES) // 2}H", self._data, start + _HEADER_BYTES)
        if any(not upper <= node <= self._page_bytes - _NODE_BYTES for node in nodes):
            self._found.add(f"page {number} is damaged: a node lies outside of it")
        elif kind == _BRANCH:
            self._branch(number, nodes, depth, low, high, checked)
        elif self._whole:
            self._leaf(number, nodes, low, high, checked)

    def _branch(
        self, number: int, nodes: tuple[int, ...], depth: int, low: bytes | None, high: bytes | None, checked: bool
    ) -> None:
        children: list[tuple[int, bytes | None]] = []
        for position, (_, key, one, two, flags) in enumerate(self._nodes(number, nodes)):
            # The first key of a branch page is not used, and may be anything.
            children.append((one | two << 16 | flags << 32, low if position == 0 else key))
        for position, (child, child_low) in enumerate(children):
            child_high = children[position + 1][1] if position + 1 < len(children) else high
            if self._whole or depth + 1 < self._leaf_depth:
                self._page(child, depth + 1, child_low, child_high, checked=checked)
            elif problem := self._claim(child, 1):
                self._found.add(f"page {child} {problem}")

    def _leaf(self, number: int, nodes: tuple[int, ...], low: bytes | None, high: bytes | None, checked: bool) -> None:
        before: bytes | None = None
        for offset, key, one, two, flags in self._nodes(number, nodes):
            in_order = (before is None or before < key) and (low is None or low <= key) and (high is None or key < high)
            if checked and not in_order:
                self._found.add(f"page {number}: key {_short(key)} is out of order")
            before = key
            self._found.entries += 1
            size_bytes = one | two << 16
            value = self._value(number, offset, size_bytes, bool(flags & _BIG_DATA))
            if checked and value is not None and not sealed(key, value):
                what = "long keys" if len(key) == BUCKET_KEY_BYTES else "value"
                self._found.add(f"page {number}: the {what} of key {_short(key)} has a wrong checksum")

    def _nodes(self, number: int, nodes: tuple[int, ...]) -> Iterator[tuple[int, bytes, int, int, int]]:
        """Where a node's data begins in the file, its key, and its three numbers."""
        start = number * self._page_bytes
        for node in nodes:
            one, two, flags, key_bytes = _node.unpack_from(self._data, start + node)
            begin = start + node + _NODE_BYTES
            if node + _NODE_BYTES + key_bytes > self._page_bytes:
                self._found.add(f"page {number} is damaged: a key does not end in it")
                return
            yield begin + key_bytes, self._data[begin : begin + key_bytes], one, two, flags

    def _value(self, number: int, offset: int, size_bytes: int, big: bool) -> bytes | None:
        if not big:
            if offset + size_bytes > (number + 1) * self._page_bytes:
                self._found.add(f"page {number} is damaged: a value does not end in it")
                return None
            return self._data[offset : offset + size_bytes]
        (first,) = _number.unpack_from(self._data, offset)
        count = (_HEADER_BYTES + size_bytes + self._page_bytes - 1) // self._page_bytes
        problem = self._claim(first, count)
        if problem is None:
            own_number, _, flags, _, _ = _header.unpack_from(self._data, first * self._page_bytes)
            if own_number != first or not flags & _OVERFLOW:
                problem = f"is damaged: its header is page {own_number}'s, with flags {flags:#x}"
        if problem is not None:
            self._found.add(f"page {first} {problem}")
            return None
        self._found.pages += count
        begin = first * self._page_bytes + _HEADER_BYTES
        return self._data[begin : begin + size_bytes]

    def _claim(self, first: int, count: int) -> str | None:
        """Note that pages are used. Says what is wrong where they are not in the file, or used already."""
        if first < 2 or first + count > len(self._seen):
            return f"is referred to, but the file has only {len(self._seen)} pages"
        if any(self._seen[first : first + count]):
            return "is referred to twice"
        self._seen[first : first + count] = b"\x01" * count
        return None


def _short(key: bytes) -> str:
    return key.hex() if len(key) <= 24 else f"{key[:24].hex()}..."
